/** acr purge and gcr-cleaner: command lines. */
import fc from 'fast-check'
import {
  dayMs,
  deletedImages,
  newestFirst,
  now,
  removedTags,
  tagRows,
  type SourceImage,
  type System,
} from './system.ts'

export const acr: System = {
  system: 'acr-purge',
  unit: 'tag',
  touchesManifests: true,
  repository: 'team/app',
  tagPool: ['v1', 'v2', 'pr-1', 'pr-2', 'prod', 'x'],
  files: fc
    .record({
      filters: fc.subarray(
        [
          ['team/app', 'v'],
          ['team/app', '^pr-\\d$'],
          ['team/.*', '1$'],
          ['other', '.*'],
          ['.*', 'x'],
        ] as const,
        { minLength: 1 },
      ),
      ago: fc.integer({ min: 0, max: 4 }),
      keep: fc.integer({ min: 0, max: 2 }),
      mode: fc.constantFrom('', '--untagged', '--untagged-only'),
    })
    .map(({ filters, ago, keep, mode }) => ({
      text: `acr purge --registry r ${filters.map(([a, b]) => `--filter '${a}:${b}'`).join(' ')} --ago ${ago}d --keep ${keep} ${mode}\n`,
      evaluate(images) {
        const own = filters.filter(([repository]) => new RegExp(`^(?:${repository})$`).test('team/app'))
        if (own.length === 0) return removedTags(new Set())
        const isOld = (at: number): boolean => now - at > ago * dayMs
        const eligible = tagRows(images).filter(
          ({ name, pushedAt, image }) =>
            !image.locked &&
            isOld(pushedAt) &&
            own.some(([, expression]) => new RegExp(expression).test(name)),
        )
        const gone = mode === '--untagged-only' ? [] : newestFirst(eligible).slice(keep)
        const names = new Set(gone.map(({ name }) => name))
        // Manifests are listed after the tags are gone, so that those which lost their last one are among them.
        const bare = images.filter(
          ({ tags, locked, pushedAt }) =>
            tags.every(({ name }) => names.has(name)) && !locked && isOld(pushedAt),
        )
        return removedTags(names, mode === '' ? [] : newestFirst(bare).slice(keep))
      },
    })),
}

export const gcrCleaner: System = {
  system: 'gcr-cleaner',
  unit: 'image',
  repository: 'p/app',
  tagPool: ['v1', 'v2', 'pr-1', 'prod', 'x'],
  files: fc
    .record({
      filter: fc.constantFrom<readonly [string, string]>(
        ['', ''],
        ['-tag-filter-any', '^v'],
        ['-tag-filter-all', 'v|pr'],
        ['--tag-filter-any', '1'],
      ),
      grace: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 72 })),
      keep: fc.integer({ min: 0, max: 3 }),
      recursive: fc.boolean(),
    })
    .map(({ filter: [flag, expression], grace, keep, recursive }) => ({
      text: `gcr-cleaner-cli -repo gcr.io/${recursive ? 'p -recursive' : 'p/app'} -grace ${grace}h -keep=${keep} ${flag === '' ? '' : `${flag} '${expression}'`}\n`,
      evaluate(images) {
        const takes = ({ tags }: SourceImage): boolean => {
          const hits = tags.map(({ name }) => new RegExp(expression).test(name))
          if (tags.length === 0) return true
          return flag !== '' && (flag.endsWith('any') ? hits.some(Boolean) : hits.every(Boolean))
        }
        const ageOf = ({ pushedAt }: SourceImage): number => now - pushedAt
        const graceMs = grace * 3_600_000
        const candidates = images.filter((image) => ageOf(image) >= graceMs && !image.locked && takes(image))
        // At exactly the grace gcr-cleaner deletes already; a difference of a millisecond is no warning.
        const old = candidates.filter((image) => keep > 0 || ageOf(image) > graceMs)
        return deletedImages(old.filter((image) => countBefore(image, candidates) >= keep))
      },
    })),
}

const dockerReleasedAt = Date.parse('2013-03-20T00:00:00Z')

/** How many candidates gcr-cleaner takes for newer. Where some have no build that can be true, that is no order. */
function countBefore(image: SourceImage, candidates: readonly SourceImage[]): number {
  const built = ({ createdAt = 0 }: SourceImage): number => (createdAt < dockerReleasedAt ? 0 : createdAt)
  const isNewer = (other: SourceImage): boolean =>
    built(other) === 0 || built(image) === 0 || built(other) === built(image)
      ? other.pushedAt > image.pushedAt
      : built(other) > built(image)
  return candidates.filter(isNewer).length
}
