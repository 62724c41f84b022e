/**
 * Random policies of each system and random images, against an evaluator of that system: the import never deletes what
 * the system keeps, and where it deletes less, it has warned. What it writes is valid, and says the same once formatted.
 */
import fc from 'fast-check'
import { format } from 'prettier'
import { describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { expectValid } from './expect-valid.ts'
import { importText, planText } from './plan-in-process.ts'
import { artifactoryCleanup } from './systems/artifactory-cleanup.ts'
import { acr, gcrCleaner } from './systems/commands.ts'
import { ecr } from './systems/ecr.ts'
import { gar } from './systems/gar.ts'
import { gcrgc } from './systems/gcrgc.ts'
import { harbor } from './systems/harbor.ts'
import { deckschrubber, deletePackageVersions, nexus, registryCli } from './systems/others.ts'
import { gitlab, quay, tumblr } from './systems/tag-systems.ts'
import { ghcr, snok } from './systems/workflows.ts'
import { zot } from './systems/zot.ts'
import { worldsOf, type Deleted, type SourceImage, type System } from './systems/system.ts'

const systems: readonly System[] = [
  ecr,
  gar,
  harbor,
  gitlab,
  zot,
  quay,
  acr,
  gcrCleaner,
  ghcr,
  snok,
  tumblr,
  nexus,
  deckschrubber,
  deletePackageVersions,
  registryCli,
  artifactoryCleanup,
  gcrgc,
]
const runs = Number(process.env['WINNOW_IMPORT_RUNS'] ?? 400)

describe.each(systems.map((each) => [each.system, each] as const))('%s', (name, system) => {
  it('deletes nothing that the system keeps, and warns where it deletes less', () => {
    fc.assert(
      fc.property(system.files, worldsOf(system), (file, images) => {
        const { yaml, warnings } = importText(name, file.text)
        const gone = planText(yaml, system.repository, images)
        const expected = file.evaluate(images)
        expect(beyond(gone, expected, images), `${file.text}\n${yaml}`).toEqual([])
        const isLess = beyond(expected, gone, images).length > 0
        expect(isLess && warnings.length === 0, `${file.text}\n${yaml}`).toBe(false)
      }),
      { numRuns: runs },
    )
  })

  it('is valid, and decides the same after formatting', async () => {
    await fc.assert(
      fc.asyncProperty(system.files, worldsOf(system), async (file, images) => {
        const { yaml } = importText(name, file.text)
        const forms = [
          await format(yaml, { parser: 'yaml' }),
          stringify(parse(yaml)),
          JSON.stringify(parse(yaml)),
        ]
        const gone = planText(yaml, system.repository, images)
        expectValid(yaml)
        for (const form of forms) expect(planText(form, system.repository, images)).toEqual(gone)
      }),
      { numRuns: Math.ceil(runs / 20) },
    )
  })

  it('deletes just what the system deletes in most worlds', () => {
    const files = fc.sample(fc.tuple(system.files, worldsOf(system)), { numRuns: 200, seed: 7 })
    const exact = files.filter(([file, images]) => {
      const gone = planText(importText(name, file.text).yaml, system.repository, images)
      return beyond(file.evaluate(images), gone, images).length === 0
    })
    expect(exact.length).toBeGreaterThan(120)
  })
})

/** What `one` deletes and `other` does not. */
function beyond(one: Deleted, other: Deleted, images: readonly SourceImage[]): readonly string[] {
  const tags = images.flatMap((image) => image.tags.map((tag) => tag.name))
  return [
    ...images.map(({ id }) => id).filter((id) => one.images.has(id) && !other.images.has(id)),
    ...tags.filter((tag) => one.tags.has(tag) && !other.tags.has(tag)),
  ]
}
