/** Every case in which a cluster's answer must stop the plan: nothing incomplete is ever reported complete. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FakeKubernetesOptions } from '../../../../test/fake-kubernetes/fake-cluster.ts'
import { startFakeKubernetes, type FakeKubernetes } from '../../../../test/fake-kubernetes/fake-kubernetes.ts'
import type { Fault } from '../../../../test/fake-kubernetes/faults.ts'
import {
  deployment,
  helmSecret,
  image,
  managed,
  pod,
  renderedPod,
} from '../../../../test/fake-kubernetes/objects.ts'
import { InterruptedError } from '../../../core/errors/errors.ts'
import type { SourceEvidence } from '../../../core/evidence/evidence.ts'
import type { EvidenceSource } from '../../../ports/evidence-source.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { helmReleases } from '../../releases/helm/helm-releases.ts'
import { createKubernetesSources, type KubernetesSettings } from './kubernetes-source.ts'

let cluster: FakeKubernetes
beforeEach(async () => {
  await start()
})
afterEach(async () => {
  await cluster.stop()
})

const pods = '/api/v1/namespaces/default/pods'

async function start(options: FakeKubernetesOptions = {}): Promise<void> {
  cluster = await startFakeKubernetes(options)
  await cluster.request('POST', pods, pod('web', image('web:1')))
  await cluster.request(
    'POST',
    '/apis/apps/v1/namespaces/default/deployments',
    deployment('api', image('api:2')),
  )
}

async function restart(options: FakeKubernetesOptions): Promise<void> {
  await cluster.stop()
  await start(options)
}

async function gather(
  more: Partial<KubernetesSettings> = {},
  options: RunOptions = {},
): Promise<SourceEvidence> {
  return sourcesFor(more)[0].gather(managed, options)
}

async function gatherBoth(
  more: Partial<KubernetesSettings> = {},
): Promise<readonly [SourceEvidence, SourceEvidence]> {
  const [workloads, helm] = sourcesFor(more)
  return [await workloads.gather(managed), await helm.gather(managed)]
}

function sourcesFor(more: Partial<KubernetesSettings>): readonly [EvidenceSource, EvidenceSource] {
  const settings: KubernetesSettings = {
    name: 'lab',
    kubeconfig: cluster.kubeconfig,
    context: 'admin',
    helm: { revisions: 'all' },
    connection: { backoffMs: 1, attemptsMax: 2, idleTimeoutMs: 200 },
    ...more,
  }
  const [workloads, helm] = createKubernetesSources(settings, helmReleases)
  if (workloads === undefined || helm === undefined) throw new Error('two sources were expected')
  return [workloads, helm]
}

function texts(evidence: SourceEvidence): string {
  return evidence.problems.map(({ severity, text }) => `${severity}: ${text}`).join('\n')
}

function references(evidence: SourceEvidence): readonly string[] {
  return [...new Set(evidence.references.map(({ reference }) => reference))].toSorted()
}

describe('a cluster', () => {
  it('that answers in full is complete, known by kube-system, and says where each image is', async () => {
    const evidence = await gather()
    expect(texts(evidence)).toBe('')
    expect(evidence).toMatchObject({ name: 'kubernetes:lab', complete: true, leftOut: false, pods: 1 })
    expect(evidence.identity).toMatch(/^[0-9a-f-]{36}$/)
    expect(references(evidence)).toEqual([image('api:2'), image('web:1')])
    expect(evidence.references.find(({ reference }) => reference === image('api:2'))?.where).toContain(
      'default/api',
    )
  })

  const rows: readonly { readonly name: string; readonly fault: Fault; readonly says: RegExp }[] = [
    { name: 'refuses our credentials', fault: { at: /./, kind: 'unauthorized' }, says: /401/ },
    { name: 'sees nobody', fault: { at: /./, kind: 'anonymous' }, says: /without any credentials/ },
    {
      name: 'refuses one kind',
      fault: { at: /deployments/, kind: 'forbidden' },
      says: /deployments\.apps could not be read.*403/,
    },
    { name: 'hides kube-system', fault: { at: /namespaces/, kind: 'forbidden' }, says: /403/ },
    { name: 'is a login page', fault: { at: /./, kind: 'html-200' }, says: /not a Kubernetes object/ },
    {
      name: 'answers one list with a login page',
      fault: { at: /configmaps/, kind: 'html-200' },
      says: /not a Kubernetes object/,
    },
    { name: 'stands behind a broken proxy', fault: { at: /./, kind: 'html-502' }, says: /502/ },
    { name: 'stands behind a proxy with a login', fault: { at: /./, kind: 'proxy-407' }, says: /407/ },
    { name: 'limits our requests', fault: { at: /jobs/, kind: 'too-many' }, says: /too many requests/ },
    {
      name: 'asks for an absurd pause',
      fault: { at: /jobs/, kind: 'too-many', retryAfter: '86400' },
      says: /too many requests/,
    },
    {
      name: 'cannot decode one object',
      fault: { at: /configmaps/, kind: 'storage-error' },
      says: /unable to decode/,
    },
    {
      name: 'has a broken conversion webhook',
      fault: { at: /replicasets/, kind: 'conversion' },
      says: /conversion webhook/,
    },
    { name: 'stalls', fault: { at: /statefulsets/, kind: 'stall' }, says: /statefulsets/ },
    {
      name: 'stalls in the middle of a list',
      fault: { at: /statefulsets/, kind: 'stall-in-body' },
      says: /statefulsets/,
    },
    { name: 'resets connections', fault: { at: /statefulsets/, kind: 'reset' }, says: /statefulsets/ },
    { name: 'sends half a list', fault: { at: /pods/, kind: 'truncate' }, says: /pods/ },
    { name: 'sends half a list as a whole one', fault: { at: /pods/, kind: 'half-json' }, says: /pods/ },
    { name: 'sends one shard', fault: { at: /pods/, kind: 'shard' }, says: /shardInfo/ },
    { name: 'sends another kind', fault: { at: /pods/, kind: 'not-a-list' }, says: /not a list/ },
    {
      name: 'sends a list without items',
      fault: { at: /deployments/, kind: 'no-items' },
      says: /not a list/,
    },
    { name: 'sends lists without end', fault: { at: /pods/, kind: 'endless' }, says: /pods/ },
    { name: 'has no Pods any more', fault: { at: /\/pods/, kind: 'empty' }, says: /no Pods at all/ },
    {
      name: 'denies a kind it has shown',
      fault: { at: /daemonsets/, kind: 'not-found' },
      says: /daemonsets\.apps could not be read/,
    },
    { name: 'fails everywhere', fault: { at: /./, kind: 'unavailable' }, says: /503/ },
  ]

  it.each(rows)('that $name is incomplete', async ({ fault, says }) => {
    cluster.fault(fault)
    const evidence = await gather({ helm: { revisions: 'all' } })
    expect(evidence.complete).toBe(false)
    expect(texts(evidence)).toMatch(says)
    expect(texts(evidence)).not.toContain('admin-token')
  })

  it('that cannot be reached is incomplete', async () => {
    const kubeconfig = join(cluster.dir, 'gone.yaml')
    const server = 'http://127.0.0.1:9'
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        clusters: [{ name: 'c', cluster: { server } }],
        contexts: [{ name: 'x', context: { cluster: 'c' } }],
      }),
    )
    expect(await gather({ kubeconfig, context: 'x' })).toMatchObject({ complete: false })
  })

  it.each([
    {
      name: 'a kubeconfig that is not there',
      settings: { kubeconfig: '/nowhere/config' },
      says: /cannot be read/,
    },
    { name: 'a context that is not there', settings: { context: 'typo' }, says: /no context typo/ },
    { name: 'no service account', settings: { inCluster: true }, says: /not a pod|no service account/ },
  ])('asked through $name is incomplete', async ({ settings, says }) => {
    const evidence = await gather(settings)
    expect(evidence.complete).toBe(false)
    expect(texts(evidence)).toMatch(says)
  })

  it.each([{ aggregated: 'v2' }, { aggregated: false }] as const)(
    'with a dead API service is incomplete, unless that group is left out with a reason (discovery $aggregated)',
    async ({ aggregated }) => {
      await restart({ aggregated, dead: ['custom.example.com/v1', 'metrics.k8s.io/v1beta1'] })
      const evidence = await gather()
      expect(evidence.complete).toBe(false)
      expect(texts(evidence)).toMatch(/custom\.example\.com/)
      expect(texts(evidence)).not.toMatch(/metrics/)
      const excluded = await gather({ exclude: [{ resource: '*.custom.example.com', reason: 'computed' }] })
      expect(excluded.complete).toBe(true)
      expect(texts(excluded)).toMatch(/^warning: .*custom\.example\.com.*computed/)
    },
  )

  it('with a kind left out with a reason is complete, and every report says so', async () => {
    cluster.fault({ at: /configmaps/, kind: 'forbidden' })
    const [evidence] = await gatherBoth({ exclude: [{ resource: 'configmaps', reason: 'not ours' }] })
    expect(evidence.complete).toBe(true)
    expect(texts(evidence)).toMatch(/^warning: configmaps is not read: not ours/)
    expect(cluster.requests.some((line) => line.includes('/configmaps'))).toBe(false)
  })

  it('whose kind was uninstalled under way is read anew', async () => {
    cluster.fault({ at: /daemonsets/, kind: 'not-found', times: 1 })
    expect(await gather()).toMatchObject({ complete: true, pods: 1 })
  })

  it('of old, with Pods last and every kind of operators first, is read in that order', async () => {
    const rollouts = {
      group: 'argoproj.io',
      version: 'v1',
      resource: 'rollouts',
      kind: 'Rollout',
      namespaced: true,
      custom: true,
    }
    await restart({ custom: [rollouts] })
    await cluster.request('POST', '/apis/argoproj.io/v1/namespaces/default/rollouts', {
      metadata: { name: 'r' },
      spec: { anything: [{ deep: `run ${image('rollout:3')}` }] },
    })
    const evidence = await gather()
    expect(references(evidence)).toContain(image('rollout:3'))
    const lists = cluster.requests.filter((line) => line.includes('limit=500'))
    expect(lists[0]).toContain('/rollouts')
    expect(lists.at(-1)).toContain('/api/v1/pods')
  })

  it('never shows a Secret to the source of workloads', async () => {
    const [workloads] = createKubernetesSources(
      { name: 'lab', kubeconfig: cluster.kubeconfig, context: 'admin', helm: false },
      helmReleases,
    )
    await workloads?.gather(managed)
    expect(cluster.requests.filter((line) => line.includes('secrets'))).toEqual([])
  })

  it('without Pods stops the plan, unless that is normal, or accepted by name', async () => {
    cluster.fault({ at: /\/pods/, kind: 'empty' })
    const evidence = await gather()
    expect(evidence.problems.map(({ accept }) => accept)).toEqual(['kubernetes:lab/no-pods'])
    expect((await gather({ allowEmpty: true })).complete).toBe(true)
  })
})

describe('a cluster of which only some namespaces are read', () => {
  it('is complete, and every report says what was not read', async () => {
    await cluster.request('POST', '/api/v1/namespaces/kube-public/pods', pod('other', image('other:1')))
    const evidence = await gather({ scope: { namespaces: ['default'] } })
    expect(evidence.complete).toBe(true)
    expect(references(evidence)).not.toContain(image('other:1'))
    expect(texts(evidence)).toMatch(/^warning: Only the namespaces default are read/)
  })

  it('is incomplete when one of them does not exist, although its lists are empty and 200', async () => {
    const evidence = await gather({ scope: { namespaces: ['default', 'typo'] } })
    expect(evidence.complete).toBe(false)
    expect(texts(evidence)).toMatch(/no namespace typo/)
  })
})

describe('Helm in a cluster', () => {
  const secrets = '/api/v1/namespaces/default/secrets'
  const first = {
    name: 'app',
    revision: 1,
    status: 'superseded',
    manifest: renderedPod('app', image('app:1')),
  }

  it('keeps every revision', async () => {
    await cluster.request('POST', secrets, helmSecret(first))
    await cluster.request(
      'POST',
      secrets,
      helmSecret({ ...first, revision: 2, status: 'deployed', manifest: renderedPod('app', image('app:2')) }),
    )
    const [, helm] = await gatherBoth()
    expect(helm).toMatchObject({ name: 'helm:lab', complete: true, objects: 2, pods: undefined })
    expect(references(helm)).toEqual([image('app:1'), image('app:2')])
  })

  it.each<{ readonly name: string; readonly object: () => unknown; readonly says: RegExp }>([
    {
      name: 'a release that cannot be decoded',
      object: () => helmSecret(first, 'bm90IGEgcmVsZWFzZQ=='),
      says: /default\/app revision 1 cannot be read/,
    },
    {
      name: 'a release of a newer format',
      object: () => ({ ...helmSecret(first), type: 'helm.sh/release.v2' }),
      says: /default\/app revision 1 is stored in the format v2/,
    },
  ])('with $name is incomplete and names it', async ({ object, says }) => {
    await cluster.request('POST', secrets, object())
    const [, helm] = await gatherBoth()
    expect(helm.complete).toBe(false)
    expect(texts(helm)).toMatch(says)
  })

  it('never quotes a Secret, however its list is damaged', async () => {
    const password = Buffer.from('hunter2').toString('base64')
    await cluster.request('POST', secrets, {
      metadata: { name: 'a', labels: { owner: 'helm' } },
      type: 'Opaque',
      data: { password },
    })
    for (const kind of ['half-json', 'not-a-list', 'status-200'] as const) {
      cluster.faults.clear()
      cluster.fault({ at: /secrets/, kind })
      const [, helm] = await gatherBoth()
      expect(helm.complete).toBe(false)
      expect(texts(helm)).not.toContain(password)
    }
  })

  it('is incomplete without the right to list Secrets, unless they are left out with a reason', async () => {
    cluster.fault({ at: /secrets/, kind: 'forbidden' })
    const [, helm] = await gatherBoth()
    expect(helm.complete).toBe(false)
    expect(texts(helm)).toMatch(/winnow-helm-secrets/)
    const [, excluded] = await gatherBoth({ exclude: [{ resource: 'secrets', reason: 'no Helm here' }] })
    expect(excluded.complete).toBe(true)
    expect(texts(excluded)).toMatch(/no Helm here/)
  })
})

describe('an interruption', () => {
  it('before or during the reading throws, and never answers less', async () => {
    await expect(gather({}, { signal: AbortSignal.abort() })).rejects.toBeInstanceOf(InterruptedError)
    cluster.fault({ at: /replicasets/, kind: 'stall' })
    await expect(
      gather({ connection: { idleTimeoutMs: 20_000 } }, { signal: AbortSignal.timeout(300) }),
    ).rejects.toBeInstanceOf(InterruptedError)
    await expect(gather({}, { stop: AbortSignal.abort() })).rejects.toBeInstanceOf(InterruptedError)
  })
})
