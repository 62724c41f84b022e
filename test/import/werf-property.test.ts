/**
 * Random keep policies of werf, random histories and images: the import never deletes what werf keeps, and where it
 * deletes less it has warned.
 */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { format } from 'prettier'
import { describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import type { ManifestRecord } from '../../src/core/inventory/inventory.ts'
import { werfNameId } from '../../src/core/werf/name-id.ts'
import { commitId, history } from '../builders/histories.ts'
import { image } from '../builders/images.ts'
import { expectValid } from './expect-valid.ts'
import { importText, planManifests } from './plan-in-process.ts'
import { werfFiles, werfWorlds, type WerfImageGiven, type WerfWorld } from './systems/werf.ts'

const runs = Number(process.env['WINNOW_IMPORT_RUNS'] ?? 200)
const hex = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 56)

/** A stage with its commit records, as werf pushes them; the names of images stand in the records alone. */
function manifestsOf({
  id,
  imageName,
  commits,
  createdAt,
  isForeign,
}: WerfImageGiven): readonly ManifestRecord[] {
  const ids = commits.map(commitId)
  if (isForeign) return [image(id, { tags: [`pr-${id}`], createdAt, commits: ids })]
  const stage = `${hex(id)}-1718000000000`
  const labels = { werf: 'demo', 'werf-stage-content-digest': hex(id) }
  const records = ids.map((commit, at) =>
    image(`${id}-${at}`, {
      tags: [`meta-${werfNameId(imageName)}_${commit}_${stage}`],
      labels: { werf: 'demo' },
    }),
  )
  return [image(id, { tags: [stage], createdAt, labels }), ...records]
}

function goneOf(yaml: string, world: WerfWorld): readonly string[] {
  // In a repository without a stage nobody can tell what is werf's; there is one that every policy keeps.
  const anchor = image('anchor', {
    tags: [`${hex('anchor')}-1718000000000`],
    labels: { werf: 'demo', 'werf-stage-content-digest': hex('anchor') },
    locked: true,
  })
  const told = history(world.commits, world.references, ['c0', 'c1', 'c2', 'c3', 'c4', 'gone'], 'demo')
  return [...planManifests(yaml, 'app', [anchor, ...world.images.flatMap(manifestsOf)], told).images]
}

it('deletes nothing that werf keeps, and warns where it deletes less', () => {
  fc.assert(
    fc.property(werfFiles, werfWorlds, (file, world) => {
      const { yaml, warnings } = importText('werf', file.text)
      const gone = goneOf(yaml, world)
      const kept = file.keeps(world)
      const told = `${file.text}\n${yaml}`
      expect(
        gone.filter((id) => kept.has(id)),
        told,
      ).toEqual([])
      const isLess = world.images.some(({ id }) => !kept.has(id) && !gone.includes(id))
      expect(isLess && warnings.length === 0, told).toBe(false)
    }),
    { numRuns: runs },
  )
})

it('keeps all references where `Or` has but one half, and that is 0', () => {
  const { yaml } = importText(
    'werf',
    'configVersion: 1\ncleanup:\n  keepPolicies:\n    - references: {branch: main, limit: {last: 0, operator: Or}}\n',
  )
  expect(yaml).toContain('git: {repository: app, branches: main, images: {newest: 1}}')
})

describe('expressions get anchors and no brackets', () => {
  const names = [
    'main',
    'main-x',
    'x-main',
    'production',
    'x-production',
    'production-x',
    'old',
    'rel',
    'release',
    'a$',
    '',
  ]
  const patternOf = (source: string): RegExp | undefined => {
    const file = `configVersion: 1\ncleanup:\n  keepPolicies:\n    - references: {branch: ${JSON.stringify(`/${source}/`)}}\n`
    const [, written] =
      /branches: (.*?), images/.exec(importText('werf', file).yaml.replaceAll('\n', ' ')) ?? []
    return written === undefined ? undefined : new RegExp(`^(?:${String(parse(written))})$`)
  }

  it.each([
    '^main$|^production$',
    '^main$|production',
    'main|^prod',
    'main$|^old$|production',
    'rel(ease)?$|old.*',
    'main|production',
    String.raw`a\$|old`,
    '^(main|production)$',
  ])('%s', (source) => {
    const [ours, theirs] = [patternOf(source), new RegExp(`^${source}$`)]
    expect(names.filter((name) => ours?.test(name))).toEqual(names.filter((name) => theirs.test(name)))
  })

  it('whatever they are', () => {
    const part = fc
      .tuple(
        fc.constantFrom('', '^'),
        fc.constantFrom('main', 'rel(ease)?', 'old.*', '(main|x)', 'a\\$'),
        fc.constantFrom('', '$'),
      )
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 3 }), (parts) => {
        const source = parts.join('|')
        const [ours, theirs] = [patternOf(source), new RegExp(`^${source}$`)]
        expect(
          names.filter((name) => ours?.test(name)),
          source,
        ).toEqual(names.filter((name) => theirs.test(name)))
      }),
      { numRuns: 150 },
    )
  })
})

it('is valid, and decides the same after formatting', async () => {
  await fc.assert(
    fc.asyncProperty(werfFiles, werfWorlds, async (file, world) => {
      const { yaml } = importText('werf', file.text)
      expectValid(yaml)
      const forms = [
        await format(yaml, { parser: 'yaml' }),
        stringify(parse(yaml)),
        JSON.stringify(parse(yaml)),
      ]
      for (const form of forms) expect(goneOf(form, world)).toEqual(goneOf(yaml, world))
    }),
    { numRuns: Math.ceil(runs / 20) },
  )
})

it('deletes just what werf deletes in most worlds', () => {
  const samples = fc.sample(fc.tuple(werfFiles, werfWorlds), { numRuns: 200, seed: 7 })
  const exact = samples.filter(([file, world]) => {
    const gone = goneOf(importText('werf', file.text).yaml, world)
    const kept = file.keeps(world)
    return world.images.every(({ id }) => kept.has(id) || gone.includes(id))
  })
  expect(exact.length).toBeGreaterThan(120)
})
