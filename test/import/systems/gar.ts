/** Artifact Registry: some delete policy matches, and no keep policy does. */
import fc from 'fast-check'
import { dayMs, deletedImages, newestFirst, now, type SourceImage, type System } from './system.ts'

interface Condition {
  readonly tagState: 'any' | 'tagged' | 'untagged'
  readonly tagPrefixes: readonly string[]
  readonly olderThan: number | undefined
  readonly newerThan: number | undefined
}

const days = fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined })
const condition: fc.Arbitrary<Condition> = fc
  .record({
    tagState: fc.constantFrom('any' as const, 'tagged' as const, 'untagged' as const),
    tagPrefixes: fc.subarray(['v', 'pr', 'prod']),
    olderThan: days,
    newerThan: days,
  })
  .map((each) => (each.tagState === 'tagged' ? each : { ...each, tagPrefixes: [] }))
const policy = fc.oneof(
  fc.record({ action: fc.constantFrom('Delete', 'Keep'), condition }),
  fc.record({ action: fc.constant('Keep'), keepCount: fc.integer({ min: 0, max: 3 }) }),
)
type Policy = { readonly action: string } & (
  { readonly condition: Condition } | { readonly keepCount: number }
)

export const gar: System = {
  system: 'gar',
  unit: 'image',
  repository: 'project/docker/app',
  tagPool: ['v1', 'v2', 'pr-1', 'prod', 'x'],
  files: fc.array(policy, { maxLength: 4 }).map((policies) => ({
    text: JSON.stringify(policies.map(written), undefined, 1),
    evaluate: (images) => deletedImages(deleted(policies, images)),
  })),
}

function written(each: Policy, index: number): object {
  const head = { name: `policy-${index}`, action: { type: each.action } }
  if ('keepCount' in each) return { ...head, mostRecentVersions: { keepCount: each.keepCount } }
  const { tagState, tagPrefixes, olderThan, newerThan } = each.condition
  return {
    ...head,
    condition: {
      tagState: tagState.toUpperCase(),
      ...(tagPrefixes.length > 0 && { tagPrefixes }),
      ...(olderThan !== undefined && { olderThan: `${olderThan}d` }),
      ...(newerThan !== undefined && { newerThan: `${newerThan * 86_400}s` }),
    },
  }
}

function deleted(policies: readonly Policy[], images: readonly SourceImage[]): readonly SourceImage[] {
  const holds = (each: Policy, image: SourceImage): boolean => {
    if ('keepCount' in each) return newestFirst(images).slice(0, each.keepCount).includes(image)
    const { tagState, tagPrefixes, olderThan, newerThan } = each.condition
    const age = now - image.pushedAt
    return (
      (tagState === 'any' || (tagState === 'tagged') === image.tags.length > 0) &&
      (tagPrefixes.length === 0 ||
        image.tags.some(({ name }) => tagPrefixes.some((prefix) => name.startsWith(prefix)))) &&
      (olderThan === undefined || age > olderThan * dayMs) &&
      (newerThan === undefined || age < newerThan * dayMs)
    )
  }
  const some = (action: string, image: SourceImage): boolean =>
    policies.some((each) => each.action === action && holds(each, image))
  return images.filter((image) => !image.locked && some('Delete', image) && !some('Keep', image))
}
