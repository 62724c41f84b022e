/**
 * The whole way on real servers: plan, apply, verify, history and undo as commands, against a real registry, a real
 * API server and releases of a real Helm. What the commands say is never believed: the registry is asked by the tests'
 * own requests, and every image that must be there is pulled byte for byte.
 *
 * The steps build on each other, in the order an operator would take them.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { distributionBinaries, type DistributionLine } from '../servers/docker-registry.ts'
import { missing, titled } from '../servers/find.ts'
import { startKubeApiserver, type KubeApiserver } from '../servers/kube-apiserver.ts'
import { registryRequest } from '../servers/registry-request.ts'
import { buildProgram, type BuiltProgram } from './cli.ts'
import {
  applyRoles,
  defineExporters,
  deployLate,
  grantOperatorGroup,
  operatorGroup,
  withdrawLate,
} from './cluster.ts'
import { pushSpec, type PushedSpec } from './images.ts'
import { allTags, digestOf, pullEverything } from './registry-state.ts'
import { startStory, useKubeconfig, type Story } from './story.ts'

/** What the steps read of a plan/v1. */
interface PlanDocument {
  readonly complete: boolean
  readonly actions: readonly {
    readonly kind: string
    readonly repository: string
    readonly digest: string
    readonly tags: readonly string[]
    readonly with: readonly string[]
  }[]
  readonly kept: readonly {
    readonly repository: string
    readonly digest: string
    readonly reasons: readonly { readonly kind: string; readonly source?: string; readonly text: string }[]
  }[]
}

interface ApplyDocument {
  readonly schemaVersion: string
  readonly run: string
  readonly lines: readonly {
    readonly repository: string
    readonly tags?: readonly string[]
    readonly outcome: string
  }[]
}

interface HistoryDocument {
  readonly runs: readonly { readonly id: string; readonly kind: string; readonly outcome: string }[]
}

const cluster = ['kube-apiserver', 'etcd', 'helm'] as const
/** The first suite that runs here; it finds the cluster's roles untouched. */
const firstLine = (['debian', 'v3'] as const).find(
  (line) => missing(distributionBinaries[line]) === undefined,
)

describe.skipIf(missing(...cluster))(titled('on real servers', ...cluster), () => {
  let kube: KubeApiserver
  let program: BuiltProgram
  /** Of the service account that deploy/rbac.yaml makes. */
  let kubeconfig: string
  beforeAll(async () => {
    ;[kube, program] = await Promise.all([startKubeApiserver(), buildProgram()])
    await defineExporters(kube)
    kubeconfig = await applyRoles(kube)
  })
  afterAll(async () => {
    await kube?.stop()
    await program?.remove()
  })

  for (const line of ['debian', 'v3'] as const) {
    const needed = distributionBinaries[line]
    describe.skipIf(missing(needed))(titled(named[line], needed), () => {
      storyOn(line, () => ({ kube, program, kubeconfig }))
    })
  }
})

const named = { debian: 'Distribution 2.8', v3: 'Distribution 3' } satisfies Record<DistributionLine, string>

function storyOn(
  line: DistributionLine,
  servers: () => {
    readonly kube: KubeApiserver
    readonly program: BuiltProgram
    readonly kubeconfig: string
  },
): void {
  let story: Story
  /** Tags just before the first deletion. */
  let before: ReadonlyMap<string, string>
  let run: string
  beforeAll(async () => {
    const { kube, program, kubeconfig } = servers()
    story = await startStory(line, kube, program)
    await useKubeconfig(story, kubeconfig)
  })
  afterAll(async () => story?.stop())

  const fated = (...fates: readonly PushedSpec['fate'][]): readonly PushedSpec[] =>
    story.images.filter(({ fate }) => fates.includes(fate))
  const tags = (): Promise<ReadonlyMap<string, string>> => allTags(story.registry.url, story.repositories)

  // The first suite finds the roles as the file has them; it then adds what the file's comments tell to add.
  it.runIf(line === firstLine)(
    'plans nothing while one kind may not be listed, names it with its cure, and deletes nothing',
    async () => {
      before = await tags()
      for (const command of [
        ['plan', '--out', 'refused.json'],
        ['apply', '--yes'],
      ]) {
        const { exit, stdout, stderr } = await story.commandLine.winnow(...command)
        expect({ exit, stdout }).toEqual({ exit: 6, stdout: '' })
        expect(stderr).toContain(`exporters.${operatorGroup}`)
        expect(stderr).toMatch(/deploy\/rbac\.yaml|verbs: \[list\]|winnow doctor/)
        expect(stderr).toContain('at the cluster scope. Grant the right to list it')
        expect(stderr).not.toContain('    at ')
      }
      expect(await tags()).toEqual(before)
      await grantOperatorGroup(servers().kube)
    },
  )

  it('plans to delete exactly what nobody needs, and says of everything else who does', async () => {
    before = await tags()
    const { exit, stderr, document } = await story.commandLine.json('plan', '--out', 'plan.json')
    expect({ exit, stderr: stderr.includes('rror') ? stderr : '' }).toEqual({ exit: 0, stderr: '' })
    const plan = document as PlanDocument
    expect(plan.complete).toBe(true)
    expect(plan.actions.map(({ kind }) => kind)).toEqual(plan.actions.map(() => 'delete'))
    const planned = plan.actions.map((action) => `${action.repository}:${action.tags.join(',')}`)
    const wanted = fated('deleted').map((image) => `${image.repository}:${image.tags.join(',')}`)
    expect(planned.toSorted()).toEqual(wanted.toSorted())
    for (const { digest, company } of fated('deleted')) {
      const action = plan.actions.find((each) => each.digest === digest)
      // A fallback list of referrers is a manifest of its own and goes along as well.
      expect(action?.with).toEqual(expect.arrayContaining([...company]))
    }
    for (const { repository, digest, tags, by = '' } of fated('kept by evidence')) {
      const reasons = plan.kept.find(
        (each) => each.repository === repository && each.digest === digest,
      )?.reasons
      const texts = reasons?.filter(({ kind }) => kind === 'in-use').map(({ text }) => text)
      const user = expect.stringContaining(by.replace('NS', story.namespace)) as unknown
      expect({ tags, texts }).toEqual({ tags, texts: expect.arrayContaining([user]) as unknown })
    }
    expect(await tags()).toEqual(before)
    expect((await story.commandLine.winnow('plan', '--detailed-exitcode')).exit).toBe(2)
  })

  it('deletes nothing of a saved plan when the cluster does not answer in full any more', async () => {
    const { kube, kubeconfig } = servers()
    // The context of the same name, of a user without any right.
    await useKubeconfig(story, kube.kubeconfig)
    const { exit, stdout, stderr } = await story.commandLine.winnow('apply', 'plan.json', '--yes')
    expect({ exit, stdout }).toEqual({ exit: 6, stdout: '' })
    expect(stderr).toContain('kubernetes:lab')
    expect(await tags()).toEqual(before)
    await useKubeconfig(story, kubeconfig)
  })

  it('spares what was deployed, and what was pushed again, between plan and apply', async () => {
    const { kube } = servers()
    await deployLate(kube, story.namespace, `${story.registry.host}/team/api:build-8`)
    const old = story.image('team/api:build-7')
    const moved = await pushSpec(story.registry.url, 'pushed again', Date.now(), { ...old, ageDays: 0 })
    expect(moved.digest).not.toBe(old.digest)
    before = await tags()

    const { exit, document, stderr } = await story.commandLine.json('apply', 'plan.json', '--yes')
    expect({ exit, stderr: exit === 4 ? '' : stderr }).toEqual({ exit: 4, stderr: '' })
    const applied = document as ApplyDocument
    expect(applied.schemaVersion).toBe('apply/v1')
    run = applied.run
    const outcomes = applied.lines.map((each) => `${each.repository}:${each.tags?.join(',')} ${each.outcome}`)
    expect(outcomes.toSorted()).toEqual(
      fated('deleted')
        .map(({ repository, tags: [first = '', ...more] }) => {
          const outcome = first === 'build-8' ? 'in-use' : first === 'build-7' ? 'drifted' : 'deleted'
          return `${repository}:${[first, ...more].join(',')} ${outcome}`
        })
        .toSorted(),
    )
    for (const name of ['build-7', 'build-8']) {
      const digest = before.get(`team/api:${name}`) ?? ''
      expect(await digestOf(story.registry.url, 'team/api', name)).toBe(digest)
      await pullEverything(story.registry.url, { ...story.image(`team/api:${name}`), digest })
    }
  })

  it('leaves nothing of what went, and everything else whole', async () => {
    for (const image of gone()) {
      for (const reference of [image.digest, ...image.tags, ...image.company, ...image.attachedTags]) {
        const found = await digestOf(story.registry.url, image.repository, reference)
        expect({ reference, found }).toEqual({ reference, found: undefined })
      }
    }
    for (const image of fated('kept by a rule', 'kept by evidence', 'not governed'))
      await pullEverything(story.registry.url, image)
    const lost = new Set(
      gone().flatMap(({ repository, tags, attachedTags }) =>
        [...tags, ...attachedTags].map((tag) => `${repository}:${tag}`),
      ),
    )
    expect(await tags()).toEqual(new Map([...before].filter(([name]) => !lost.has(name))))
  })

  it('finds every image in use whole when it verifies, and says so', async () => {
    const { exit, document, stderr } = await story.commandLine.json('verify')
    expect({ exit, stderr: exit === 0 ? '' : stderr }).toEqual({ exit: 0, stderr: '' })
    expect(JSON.stringify(document)).toContain('team/web')
  })

  it('remembers the run, and undoes it: every tag and every byte is as before', async () => {
    const history = (await story.commandLine.json('history')).document as HistoryDocument
    expect(history).toMatchObject({ schemaVersion: 'history/v1' })
    expect(history.runs.find(({ id }) => id === run)).toMatchObject({ kind: 'apply', outcome: 'partly' })

    const { exit, stderr } = await story.commandLine.json('undo', run, '--yes')
    expect({ exit, stderr: exit === 0 ? '' : stderr }).toEqual({ exit: 0, stderr: '' })
    expect(await tags()).toEqual(before)
    // What was pushed again is another image now, and its predecessor has no name left.
    for (const image of story.images.filter((each) => !each.tags.includes('build-7')))
      await pullEverything(story.registry.url, image)
    const undone = (await story.commandLine.json('history')).document as HistoryDocument
    expect(undone.runs.map(({ kind }) => kind).toSorted()).toEqual(['apply', 'undo'])
  })

  it('undoes a second time without changing anything', async () => {
    expect((await story.commandLine.winnow('undo', run, '--yes')).exit).toBe(0)
    expect(await tags()).toEqual(before)
  })

  it('plans the same again afterwards, and remembers what ran a moment ago', async () => {
    await withdrawLate(servers().kube, story.namespace)
    const { exit, document } = await story.commandLine.json('plan')
    expect(exit).toBe(0)
    const { actions, kept } = document as PlanDocument
    const wanted = [...gone().map(({ digest }) => digest), before.get('team/api:build-7')]
    expect(actions.map(({ digest }) => digest).toSorted()).toEqual(wanted.toSorted())
    const late = kept.find(({ digest }) => digest === before.get('team/api:build-8'))
    expect(late?.reasons.map(({ kind }) => kind)).toContain('seen-in-use')
  })

  it('finds the loss of an image in use when it verifies, and names it', async () => {
    const { repository, digest } = story.image('team/tools:exporter-1')
    const path = `/v2/${repository}/manifests/${digest}`
    expect((await registryRequest(story.registry.url, 'DELETE', path)).status).toBe(202)
    const { exit, stdout } = await story.commandLine.winnow('verify')
    expect(exit).toBe(4)
    expect(stdout).toContain('exporter-1')
    expect(stdout).toContain(`Exporter ${story.namespace}/node`)
  })

  /** What apply deletes: all that was planned but the two that were spared. */
  const gone = (): readonly PushedSpec[] =>
    fated('deleted').filter(({ tags: [tag = ''] }) => !['build-7', 'build-8'].includes(tag))
}
