/**
 * registry-cli and deckschrubber ask for Docker manifests alone. A Distribution registry tells them that an OCI image or
 * index is not there, and shows them of a manifest list its manifest for linux/amd64. Their evaluators here see a registry
 * through that; what they do not delete is not deleted after the import either.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { image, now } from '../builders/images.ts'
import { importText, planManifests } from './plan-in-process.ts'

const dayMs = 86_400_000
const types = {
  docker: 'application/vnd.docker.distribution.manifest.v2+json',
  list: 'application/vnd.docker.distribution.manifest.list.v2+json',
  oci: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
} as const

interface Stored {
  readonly id: string
  readonly kind: keyof typeof types
  readonly tags: readonly string[]
  readonly createdAt: number
}

const kinds = Object.keys(types) as Stored['kind'][]

function worlds(only: readonly Stored['kind'][]): fc.Arbitrary<readonly Stored[]> {
  const row = fc.record({
    kind: fc.constantFrom(...only),
    tags: fc.integer({ min: 1, max: 2 }),
    days: fc.integer({ min: 0, max: 9 }),
  })
  return fc.array(row, { minLength: 1, maxLength: 6 }).map((rows) =>
    rows.map(({ kind, tags, days }, at) => ({
      id: `i${at}`,
      kind,
      tags: Array.from({ length: tags }, (_, n) => `${n === 0 ? 'v' : 'keep'}${at}`),
      createdAt: now - days * dayMs - at * 1000 - 1,
    })),
  )
}

/** Indexes have two platforms of their own. */
function manifestsOf(world: readonly Stored[]): Parameters<typeof planManifests>[2] {
  return world.flatMap(({ id, kind, tags, createdAt }) => {
    const children = kind === 'list' || kind === 'index' ? [`${id}-amd64`, `${id}-arm64`] : []
    const own = kind === 'list' ? types.docker : types.oci
    return [
      image(id, { tags, createdAt, children, mediaType: types[kind] }),
      ...children.map((child) => image(child, { createdAt, mediaType: own })),
    ]
  })
}

interface Seen {
  readonly tag: string
  readonly digest: string
  readonly createdAt: number
}

/** What the registry shows of each tag; undefined: it says that the manifest is not there. */
function look(
  world: readonly Stored[],
): readonly { readonly tag: string; readonly seen: Seen | undefined }[] {
  return world.flatMap(({ id, kind, tags, createdAt }) =>
    tags.map((tag) => {
      const digest = kind === 'docker' ? id : kind === 'list' ? `${id}-amd64` : undefined
      return { tag, seen: digest === undefined ? undefined : { tag, digest, createdAt } }
    }),
  )
}

function notKept(out: readonly Seen[], kept: readonly Seen[]): ReadonlySet<string> {
  const digests = new Set(kept.map(({ digest }) => digest))
  return new Set(out.map(({ digest }) => digest).filter((digest) => !digests.has(digest)))
}

interface Tool {
  readonly command: string
  readonly deletes: (world: readonly Stored[]) => ReadonlySet<string>
}

function registryCli(mode: string, num: number, hours: number): Tool {
  return {
    command: `registry.py -r https://r.example.com ${mode} ${mode === '--delete' ? `--num ${num} --order-by-date` : ''} --keep-tags-like keep ${mode === '' ? `--delete-by-hours ${hours}` : ''}\n`,
    deletes(world) {
      const rows = look(world).flatMap(({ seen }) => seen ?? [])
      const kept = rows.filter(({ tag }) => tag.startsWith('keep'))
      const byAge = rows.toSorted((a, b) => a.createdAt - b.createdAt)
      if (mode === '--delete-all') return notKept(rows, kept)
      if (mode === '')
        return notKept(
          rows.filter((row) => now - row.createdAt > hours * 3_600_000),
          kept,
        )
      const out = num === 0 ? [] : byAge.slice(0, -num)
      return notKept(out, [...kept, ...rows.filter((row) => !out.includes(row))])
    },
  }
}

function deckschrubber(days: number, latest: number): Tool {
  return {
    command: `deckschrubber -registry https://r.example.com -tag '^v' -day ${days} -latest ${latest}\n`,
    deletes(world) {
      const rows = look(world)
      // Any error skips the repository.
      if (rows.some(({ seen }) => seen === undefined)) return new Set()
      const newest = rows.flatMap(({ seen }) => seen ?? []).toSorted((a, b) => b.createdAt - a.createdAt)
      const out: Seen[] = []
      let counted = 0
      for (const row of newest.filter(({ tag }) => tag.startsWith('v'))) {
        if (now - row.createdAt > days * dayMs && counted >= latest) out.push(row)
        else counted += 1
      }
      return notKept(
        out,
        newest.filter((row) => !out.includes(row)),
      )
    },
  }
}

const small = fc.integer({ min: 0, max: 3 })
const registryClis = fc
  .tuple(fc.constantFrom('--delete-all', '--delete', ''), small, fc.integer({ min: 1, max: 200 }))
  .map((values) => registryCli(...values))
const deckschrubbers = fc.tuple(small, small).map((values) => deckschrubber(...values))

describe.each([
  ['registry-cli', registryClis, kinds],
  // No rule can say "nothing, where the repository has an OCI image"; a warning does.
  ['deckschrubber', deckschrubbers, ['docker', 'list'] as const],
] as const)('%s', (system, tools, deletable) => {
  const gone = (tool: Tool, world: readonly Stored[]): ReadonlySet<string> =>
    planManifests(importText(system, tool.command).yaml, 'app', manifestsOf(world)).images

  it('deletes nothing that the tool does not delete', () => {
    fc.assert(
      fc.property(tools, worlds(deletable), (tool, world) => {
        const expected = tool.deletes(world)
        expect(
          [...gone(tool, world)].filter((id) => !expected.has(id)),
          tool.command,
        ).toEqual([])
      }),
      { numRuns: 400 },
    )
  })

  it('leaves OCI images and indexes alone, and deletes Docker images all the same', () => {
    const worldsOfAll = fc.sample(fc.tuple(tools, worlds(kinds)), { numRuns: 200, seed: 3 })
    const all = worldsOfAll.flatMap(([tool, world]) => {
      const ids = gone(tool, world)
      return world.filter(({ id }) => ids.has(id)).map(({ kind }) => kind)
    })
    expect(new Set(all)).toEqual(new Set(['docker']))
  })

  it('warns of it, and says how to include them', () => {
    const { warnings, yaml } = importText(
      system,
      (system === 'deckschrubber' ? deckschrubber(1, 1) : registryCli('--delete-all', 1, 1)).command,
    )
    expect(warnings.join(' ')).toContain('Docker manifests (schema 2) alone')
    expect(yaml).toContain('# The tool sees Docker manifests alone; without `mediaType`')
  })
})

it('deckschrubber warns that it looks at a few repositories alone', () => {
  const told = (flags: string): string =>
    importText('deckschrubber', `deckschrubber -day 3 ${flags}\n`).warnings.join(' ')
  expect(told('')).toContain('looks at the first 5 repositories')
  expect(told('-repos 12')).toContain('looks at the first 12 repositories')
})
