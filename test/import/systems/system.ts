/**
 * What the property tests need of a system: random policies of its grammar as a file, and an evaluator of its own,
 * written from what is known of that system and from nothing of Winnow's.
 */
import fc from 'fast-check'

export interface SourceTag {
  readonly name: string
  readonly pushedAt: number
}

export interface SourceImage {
  /** Stands for the digest. */
  readonly id: string
  readonly tags: readonly SourceTag[]
  /** The last change that the system tells of. */
  readonly pushedAt: number
  /** When the registry first had it: never after that. */
  readonly uploadedAt: number
  /** Never after the upload; undefined: nobody knows. */
  readonly createdAt: number | undefined
  /** Undefined: never pulled, or nobody knows. */
  readonly pulledAt: number | undefined
  readonly locked: boolean
  readonly labels: Readonly<Record<string, string>>
}

/** What a system deletes: ids of images, and names of tags. */
export interface Deleted {
  readonly images: ReadonlySet<string>
  readonly tags: ReadonlySet<string>
}

export interface System {
  readonly system: string
  readonly unit: 'image' | 'tag'
  /** Manifests are touched after and before their tags are set; else the oldest tag tells of its manifest. */
  readonly touchesManifests?: true
  /** Where the images of a world lie. */
  readonly repository: string
  /** Tags that its policies are likely to speak of. */
  readonly tagPool: readonly string[]
  readonly files: fc.Arbitrary<PolicyFile>
}

export interface PolicyFile {
  readonly text: string
  readonly evaluate: (images: readonly SourceImage[]) => Deleted
}

export const now: number = Date.parse('2026-01-31T12:00:00Z')
export const dayMs = 86_400_000

/** Images as a whole: with each go its tags. */
export function deletedImages(images: readonly SourceImage[]): Deleted {
  return {
    images: new Set(images.map(({ id }) => id)),
    tags: new Set(images.flatMap(({ tags }) => tags.map(({ name }) => name))),
  }
}

/** Tags; an image goes with the last of them. */
export function deletedTags(
  names: ReadonlySet<string>,
  images: readonly SourceImage[],
  untagged: readonly SourceImage[] = [],
): Deleted {
  const emptied = images.filter(({ tags }) => tags.length > 0 && tags.every(({ name }) => names.has(name)))
  return { images: new Set([...emptied, ...untagged].map(({ id }) => id)), tags: names }
}

/** Tags and nothing else: a manifest that loses its last tag stays. */
export function removedTags(names: ReadonlySet<string>, untagged: readonly SourceImage[] = []): Deleted {
  return { images: new Set(untagged.map(({ id }) => id)), tags: names }
}

export interface TagRow {
  readonly name: string
  readonly pushedAt: number
  readonly image: SourceImage
}

export function tagRows(images: readonly SourceImage[]): readonly TagRow[] {
  return images.flatMap((image) => image.tags.map((tag) => ({ ...tag, image })))
}

export function newestFirst<T extends { readonly pushedAt: number }>(rows: readonly T[]): readonly T[] {
  return rows.toSorted((a, b) => b.pushedAt - a.pushedAt)
}

export function newestUploadFirst(images: readonly SourceImage[]): readonly SourceImage[] {
  return images.toSorted((a, b) => b.uploadedAt - a.uploadedAt)
}

/** Whole worlds: times are all different, because no system says who wins a tie; some are exactly whole days ago. */
export function worldsOf({ unit, tagPool, touchesManifests }: System): fc.Arbitrary<readonly SourceImage[]> {
  const age = fc.oneof(
    fc.integer({ min: 0, max: 6 }).map((days) => days * dayMs),
    fc.integer({ min: 1, max: 7 * 24 * 3600 }).map((seconds) => seconds * 1000),
  )
  const drawn = fc.record({
    age,
    uploadedBefore: fc.oneof(fc.constant(0), age),
    tagAges: fc.array(age, { minLength: 3, maxLength: 3 }),
    tags: fc.subarray([...tagPool], { maxLength: 3 }),
    pulledAge: fc.option(age, { nil: undefined }),
    builtBefore: fc.oneof(
      fc.constant(0),
      fc.integer({ min: 1, max: 7 * 24 * 3600 }).map((seconds) => seconds * 1000),
      // What builders write that want reproducible images.
      fc.constant(now - 1000),
      fc.constant(undefined),
    ),
    locked: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    labels: fc.constantFrom({}, { L1: '' }, { L1: '', L2: '' }, { type: 'devel' }),
  })
  return fc.array(drawn, { maxLength: 7 }).map((list) => {
    const takenTags = new Set<string>()
    const free = freeTimes()
    const freeBuild = freeTimes()
    return list.map((each, index) => {
      const names = each.tags.filter((name) => !takenTags.has(name))
      for (const name of names) takenTags.add(name)
      const pushedAt = free(now - each.age)
      const tags = names.map((name, at) => ({
        name,
        pushedAt: unit === 'image' ? pushedAt : free(now - (each.tagAges[at] ?? 0)),
      }))
      const changedAt =
        unit === 'image' || tags.length === 0 || touchesManifests === true
          ? pushedAt
          : Math.min(...tags.map((tag) => tag.pushedAt))
      return {
        id: `i${index}`,
        tags,
        pushedAt: changedAt,
        uploadedAt: each.uploadedBefore === 0 ? changedAt : free(changedAt - each.uploadedBefore),
        createdAt: each.builtBefore === undefined ? undefined : freeBuild(changedAt - each.builtBefore),
        pulledAt: each.pulledAge === undefined ? undefined : now - each.pulledAge,
        locked: each.locked,
        labels: each.labels,
      }
    })
  })
}

/** Gives each time once: the second is a second earlier. */
function freeTimes(): (time: number) => number {
  const taken = new Set<number>()
  return (time) => {
    let at = time
    while (taken.has(at)) at -= 1000
    taken.add(at)
    return at
  }
}
