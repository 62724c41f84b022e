import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Digest } from '../image/digest.ts'
import type { RegistryName, RepositoryName, TagName } from '../image/names.ts'
import type { Act, ActOutcome, JournalRun, RunId, SavedEntry } from './entry.ts'
import { buildUndoPlan, type UndoPlan } from './undo-plan.ts'

const registry = 'prod' as RegistryName
const app = 'team/app' as RepositoryName
const manifestType = 'application/vnd.oci.image.manifest.v1+json'
const indexType = 'application/vnd.oci.image.index.v1+json'
const config = { mediaType: 'application/vnd.oci.empty.v1+json', digest: `sha256:${'0'.repeat(64)}`, size: 2 }

interface Made {
  readonly digest: Digest
  readonly mediaType: string
  readonly bytes: Uint8Array
}

function make(mediaType: string, body: object): Made {
  const bytes = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, mediaType, ...body }))
  return { digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest, mediaType, bytes }
}

function describedBy({ digest, mediaType, bytes }: Made): object {
  return { digest, mediaType, size: bytes.length }
}

function image(name: string, subject?: Made): Made {
  return make(manifestType, {
    config,
    layers: [],
    annotations: { name },
    ...(subject && { subject: describedBy(subject) }),
  })
}

function index(children: readonly Made[], subject?: Made): Made {
  return make(indexType, {
    manifests: children.map(describedBy),
    ...(subject && { subject: describedBy(subject) }),
  })
}

function keep(made: Made, tags: readonly string[] = [], repository = app): SavedEntry {
  return { kind: 'manifest', registry, repository, ...made, tags: tags as TagName[] }
}

interface Line {
  readonly kind: 'delete' | 'untag' | 'put'
  readonly made: Made
  readonly tags?: readonly string[]
  readonly outcome?: ActOutcome
  readonly root?: Made
  readonly repository?: RepositoryName
}

function actOf({ kind, made, tags = [], repository = app }: Line): Act {
  const place = { registry, repository, digest: made.digest }
  const [tag] = tags as TagName[]
  if (kind === 'delete') return { kind, ...place, tags: tags as TagName[] }
  if (kind === 'put') return { kind, ...place, tag }
  return { kind, ...place, tag: tag ?? ('latest' as TagName) }
}

function journal(saved: readonly SavedEntry[], lines: readonly Line[]): JournalRun {
  return {
    run: {
      id: 'r-1' as RunId,
      kind: 'apply',
      startedAt: 0,
      registries: [registry],
      plan: '{}',
      undoOf: undefined,
    },
    finishedAt: undefined,
    outcome: 'open',
    saved,
    intents: lines.map((line, n) => ({
      sequence: n,
      act: actOf(line),
      fence: 1,
      root: (line.root ?? line.made).digest,
    })),
    outcomes: lines.flatMap(({ outcome }, sequence) =>
      outcome === undefined ? [] : [{ sequence, outcome, text: '', at: 0 }],
    ),
  }
}

function lines(plan: UndoPlan): readonly string[] {
  return plan.lines.map(
    (line) => `${line.kind} ${line.tag ?? line.digest}${line.unsettled ? ' unsettled' : ''}`,
  )
}

describe('undo plan', () => {
  const [amd, arm] = [image('amd'), image('arm')]
  const both = index([amd, arm])
  const signature = image('signature', both)

  it('restores children, then the index, then what is attached to it, then the tags', () => {
    const run = journal(
      [keep(both, ['1.2', 'latest']), keep(amd), keep(arm), keep(signature, ['sha256-abc.sig'])],
      [
        { kind: 'delete', made: both, tags: ['1.2', 'latest'], outcome: 'done' },
        { kind: 'delete', made: amd, outcome: 'done' },
        { kind: 'delete', made: arm, outcome: 'settled-done' },
        { kind: 'delete', made: signature, outcome: 'done' },
      ],
    )
    const plan = buildUndoPlan(run)
    const order = lines(plan)
    expect([...order].slice(0, 2).sort()).toEqual([`manifest ${amd.digest}`, `manifest ${arm.digest}`].sort())
    expect(order.slice(2)).toEqual([
      `manifest ${both.digest}`,
      `manifest ${signature.digest}`,
      'tag 1.2',
      'tag latest',
      'tag sha256-abc.sig',
    ])
    expect(plan.lines.map((line) => line.order)).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(plan.unrestorable).toEqual([])
  })

  it.each<{ outcome: ActOutcome | undefined; restored: readonly string[] }>([
    { outcome: 'done', restored: [`manifest ${amd.digest}`] },
    { outcome: 'settled-done', restored: [`manifest ${amd.digest}`] },
    { outcome: undefined, restored: [`manifest ${amd.digest} unsettled`] },
    { outcome: 'absent', restored: [] },
    { outcome: 'failed', restored: [] },
    { outcome: 'refused', restored: [] },
    { outcome: 'drifted', restored: [] },
    { outcome: 'in-use', restored: [] },
    { outcome: 'settled-undone', restored: [] },
  ])('of a deletion that ended as $outcome it restores $restored.length', ({ outcome, restored }) => {
    expect(
      lines(
        buildUndoPlan(journal([keep(amd)], [{ kind: 'delete', made: amd, ...(outcome && { outcome }) }])),
      ),
    ).toEqual(restored)
  })

  it('restores a removed tag although its manifest stayed and was not saved', () => {
    const run = journal([], [{ kind: 'untag', made: amd, tags: ['old'], outcome: 'done' }])
    expect(lines(buildUndoPlan(run))).toEqual(['tag old'])
  })

  it('does not restore a tag that was saved but spared, because it had moved', () => {
    const run = journal(
      [keep(amd, ['a', 'moved'])],
      [
        { kind: 'untag', made: amd, tags: ['moved'], outcome: 'drifted' },
        { kind: 'untag', made: amd, tags: ['a'], outcome: 'done' },
        { kind: 'delete', made: amd, outcome: 'done' },
      ],
    )
    expect(lines(buildUndoPlan(run))).toEqual([`manifest ${amd.digest}`, 'tag a'])
  })

  it('names what was not saved, with its tags', () => {
    const run = journal(
      [keep(arm)],
      [
        { kind: 'delete', made: amd, tags: ['x'], outcome: 'done' },
        { kind: 'delete', made: arm, tags: ['y'], outcome: 'done' },
      ],
    )
    const plan = buildUndoPlan(run)
    expect(lines(plan)).toEqual([`manifest ${arm.digest}`, 'tag y'])
    expect(plan.unrestorable).toEqual([
      { kind: 'manifest', registry, repository: app, digest: amd.digest, reason: 'not-saved' },
      { kind: 'tag', registry, repository: app, digest: amd.digest, tag: 'x', reason: 'not-saved' },
    ])
  })

  it('puts back what it cannot read after everything it might refer to', () => {
    const broken: Made = {
      digest: `sha256:${'0'.repeat(63)}1` as Digest,
      mediaType: manifestType,
      bytes: Uint8Array.of(123),
    }
    const run = journal(
      [keep(broken), keep(amd)],
      [
        { kind: 'delete', made: broken, outcome: 'done' },
        { kind: 'delete', made: amd, outcome: 'done' },
      ],
    )
    expect(lines(buildUndoPlan(run))).toEqual([`manifest ${amd.digest}`, `manifest ${broken.digest}`])
  })

  it('is empty for an undo: putting back is not taken back by deleting', () => {
    const run = journal(
      [],
      [
        { kind: 'put', made: amd, outcome: 'done' },
        { kind: 'put', made: amd, tags: ['a'] },
      ],
    )
    expect(buildUndoPlan(run)).toEqual({ run: 'r-1', lines: [], unrestorable: [] })
  })

  describe('of a selection', () => {
    const other = 'team/other' as RepositoryName
    const single = image('single')
    const run = journal(
      [keep(both, ['1.2']), keep(amd), keep(arm), keep(single, ['s']), keep(single, ['s'], other)],
      [
        { kind: 'delete', made: both, tags: ['1.2'], outcome: 'done' },
        { kind: 'delete', made: amd, outcome: 'done', root: both },
        { kind: 'delete', made: arm, outcome: 'done', root: both },
        { kind: 'delete', made: single, tags: ['s'], outcome: 'done' },
        { kind: 'delete', made: single, tags: ['s'], outcome: 'done', repository: other },
      ],
    )
    const whole = [`manifest ${both.digest}`, 'tag 1.2']

    it.each([
      {
        name: 'a repository',
        selection: { repositories: [other] },
        expected: [`manifest ${single.digest}`, 'tag s'],
      },
      { name: 'a root', selection: { digests: [both.digest] }, expected: whole },
      { name: 'a child, which brings back its root', selection: { digests: [arm.digest] }, expected: whole },
      {
        name: 'a tag',
        selection: { references: [{ repository: app, tag: '1.2' as TagName }] },
        expected: whole,
      },
      {
        name: 'nothing that was removed',
        selection: { references: [{ repository: other, tag: '1.2' as TagName }] },
        expected: [],
      },
      { name: 'another registry', selection: { registries: ['lab' as RegistryName] }, expected: [] },
    ])('takes $name', ({ selection, expected }) => {
      const chosen = lines(buildUndoPlan(run, selection))
      expect(chosen.filter((line) => !line.includes(amd.digest) && !line.includes(arm.digest))).toEqual(
        expected,
      )
      expect(chosen.length).toBe(expected === whole ? 4 : expected.length)
    })
  })

  // A registry refuses a parent whose children are missing, so one wrong pair is an undo that fails half-way.
  it('never puts a manifest before what it refers to, nor a tag before a manifest', () => {
    fc.assert(
      fc.property(someGraph(), (graph) => {
        const shuffled = [...graph].sort((a, b) => (a.salt < b.salt ? -1 : 1))
        const run = journal(
          shuffled.map(({ made, tags }) => keep(made, tags)),
          shuffled.map(({ made, tags }) => ({ kind: 'delete', made, tags, outcome: 'done' })),
        )
        const plan = buildUndoPlan(run)
        const at = new Map(plan.lines.map((line) => [line.tag ?? line.digest, line.order]))
        for (const { made, refersTo } of graph) {
          for (const other of refersTo) expect(at.get(other.digest)).toBeLessThan(at.get(made.digest) ?? -1)
        }
        const restored = plan.lines.filter((line) => line.kind === 'manifest')
        expect(restored.map((line) => line.digest).sort()).toEqual(
          [...new Set(graph.map(({ made }) => made.digest))].sort(),
        )
        const firstTag = plan.lines.findIndex((line) => line.kind === 'tag')
        expect(
          plan.lines
            .slice(firstTag === -1 ? plan.lines.length : firstTag)
            .every((line) => line.kind === 'tag'),
        ).toBe(true)
      }),
    )
  })

  it('orders a chain of indexes deeper than the call stack', () => {
    let top = image('bottom')
    const chain = [top]
    for (let n = 0; n < 12_000; n += 1) {
      top = index([top])
      chain.push(top)
    }
    const run = journal(
      chain.map((made) => keep(made)),
      chain.map((made) => ({ kind: 'delete', made, outcome: 'done' })),
    )
    expect(buildUndoPlan(run).lines.map((line) => line.digest)).toEqual(chain.map(({ digest }) => digest))
  })
})

interface Node {
  readonly made: Made
  readonly refersTo: readonly Made[]
  readonly tags: readonly string[]
  readonly salt: string
}

/** Images, indexes over earlier ones, and referrers of earlier ones. */
function someGraph(): fc.Arbitrary<readonly Node[]> {
  const step = fc.record({
    children: fc.array(fc.nat({ max: 30 }), { maxLength: 4 }),
    subject: fc.option(fc.nat({ max: 30 }), { nil: undefined }),
    tagged: fc.boolean(),
    salt: fc.string({ minLength: 4, maxLength: 4 }),
  })
  return fc.array(step, { minLength: 1, maxLength: 14 }).map((steps) => {
    const nodes: Node[] = []
    for (const [n, { children, subject, tagged, salt }] of steps.entries()) {
      const pick = (at: number): Made | undefined => nodes[at % Math.max(1, n)]?.made
      const below = children.flatMap((at) => pick(at) ?? [])
      const to = subject === undefined ? undefined : pick(subject)
      const made = below.length > 0 ? index(below, to) : image(`${n}`, to)
      nodes.push({
        made,
        refersTo: to === undefined ? below : [...below, to],
        tags: tagged ? [`t${n}`] : [],
        salt,
      })
    }
    return nodes
  })
}
