/** acr purge and gcr-cleaner: command lines. */
import fc from 'fast-check'
import {
  dayMs,
  deletedImages,
  deletedTags,
  newestFirst,
  now,
  tagRows,
  type SourceImage,
  type System,
} from './system.ts'

export const acr: System = {
  system: 'acr-purge',
  unit: 'tag',
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
        if (own.length === 0) return deletedTags(new Set(), images)
        const isOld = (at: number): boolean => now - at > ago * dayMs
        const eligible = tagRows(images).filter(
          ({ name, pushedAt, image }) =>
            !image.locked &&
            isOld(pushedAt) &&
            own.some(([, expression]) => new RegExp(expression).test(name)),
        )
        const gone = mode === '--untagged-only' ? [] : newestFirst(eligible).slice(keep)
        const bare = images.filter(
          ({ tags, locked, pushedAt }) => tags.length === 0 && !locked && isOld(pushedAt),
        )
        const untagged = mode === '' ? [] : newestFirst(bare).slice(keep)
        return deletedTags(new Set(gone.map(({ name }) => name)), images, untagged)
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
      grace: fc.integer({ min: 0, max: 72 }),
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
        // At exactly the grace gcr-cleaner deletes already; a difference of a millisecond is no warning.
        const candidates = images.filter(
          (image) => now - image.pushedAt > grace * 3_600_000 && !image.locked && takes(image),
        )
        return deletedImages(newestFirst(candidates).slice(keep))
      },
    })),
}
