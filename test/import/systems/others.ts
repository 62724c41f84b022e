/** Nexus, deckschrubber and actions/delete-package-versions. */
import fc from 'fast-check'
import { stringify } from 'yaml'
import { digest } from '../../builders/images.ts'
import {
  dayMs,
  deletedImages,
  newestUploadFirst,
  now,
  removedTags,
  tagRows,
  type SourceImage,
  type System,
} from './system.ts'

const tagPool = ['v1', 'v2', 'pr-1', 'pr-2', 'prod', 'x']

export const nexus: System = {
  system: 'nexus',
  unit: 'tag',
  repository: 'team/app',
  tagPool,
  files: fc
    .array(
      fc.record({
        format: fc.constantFrom('docker', 'docker', '*', 'maven2'),
        criteriaLastBlobUpdated: fc.constantFrom(null, 1, 3),
        criteriaLastDownloaded: fc.constantFrom(null, 1, 2),
        criteriaAssetRegex: fc.constantFrom(null, '.*'),
      }),
      { minLength: 1, maxLength: 3 },
    )
    .map((list) => {
      const policies = list.map((policy, at) => ({ name: `p${at}`, notes: '', ...policy }))
      return {
        text: JSON.stringify(policies, undefined, 1),
        evaluate(images) {
          const isPast = (at: number, days: number | null): boolean =>
            days === null || now - at > days * dayMs
          const gone = tagRows(images).filter(
            ({ pushedAt, image }) =>
              !image.locked &&
              policies.some(
                ({ format, criteriaLastBlobUpdated: updated, criteriaLastDownloaded: pulled }) =>
                  format !== 'maven2' &&
                  (updated ?? pulled) !== null &&
                  isPast(pushedAt, updated) &&
                  // What was never downloaded counts by its upload.
                  isPast(image.pulledAt ?? pushedAt, pulled),
              ),
          )
          return removedTags(new Set(gone.map(({ name }) => name)))
        },
      }
    }),
}

export const deckschrubber: System = {
  system: 'deckschrubber',
  unit: 'image',
  repository: 'team/app',
  tagPool,
  files: fc
    .record({
      repo: fc.constantFrom(undefined, '^team/', 'app$', 'other'),
      tag: fc.constantFrom(undefined, 'v', '^pr-\\d$', '1|x'),
      ntag: fc.constantFrom(undefined, 'prod', '2$'),
      day: fc.constantFrom(undefined, 0, 2, 5),
      latest: fc.constantFrom(undefined, 0, 1, 2),
    })
    .map((flags) => {
      const given = Object.entries(flags).filter(([, value]) => value !== undefined)
      return {
        text: `deckschrubber -registry https://registry.example.com ${given.map(([flag, value]) => `-${flag} '${value}'`).join(' ')}\n`,
        evaluate(images) {
          const { repo = '', tag = '', ntag, day = 0, latest = 1 } = flags
          if (!new RegExp(repo).test('team/app')) return deletedImages([])
          const builtAt = ({ createdAt = 0 }: SourceImage): number => createdAt
          const rows = tagRows(images).toSorted((a, b) => builtAt(b.image) - builtAt(a.image))
          const kept = new Set<SourceImage>()
          let counted = 0
          for (const { name, image } of rows) {
            const isTaken = new RegExp(tag).test(name) && !(ntag !== undefined && new RegExp(ntag).test(name))
            const isYoung = now - builtAt(image) <= day * dayMs
            if (isTaken && !isYoung && counted >= latest) continue
            if (isTaken) counted += 1
            kept.add(image)
          }
          return deletedImages(
            images.filter((image) => image.tags.length > 0 && !kept.has(image) && !image.locked),
          )
        },
      }
    }),
}

export const deletePackageVersions: System = {
  system: 'delete-package-versions',
  unit: 'image',
  repository: 'octo/app',
  tagPool,
  files: fc
    .record({
      'min-versions-to-keep': fc.constantFrom(undefined, '0', '1', '3'),
      'delete-only-untagged-versions': fc.constantFrom(undefined, 'false', 'true'),
      'ignore-versions': fc.constantFrom(undefined, digest('i1'), '^sha256:69[0-9a-f]3[24]', 'latest'),
    })
    .filter((inputs) => Object.values(inputs).some((value) => value !== undefined))
    .filter(
      (inputs) =>
        inputs['min-versions-to-keep'] !== undefined || inputs['delete-only-untagged-versions'] === 'true',
    )
    .map((inputs) => ({
      text: stringify({
        jobs: {
          delete: {
            steps: [
              {
                uses: 'actions/delete-package-versions@v5',
                with: { owner: 'octo', 'package-name': 'app', 'package-type': 'container', ...inputs },
              },
            ],
          },
        },
      }),
      evaluate(images) {
        const ignored = inputs['ignore-versions']
        // A version of a container is called by its digest.
        const versions = images.filter(
          ({ id, tags, locked }) =>
            !locked &&
            (inputs['delete-only-untagged-versions'] !== 'true' || tags.length === 0) &&
            !(ignored !== undefined && new RegExp(ignored).test(digest(id))),
        )
        return deletedImages(newestUploadFirst(versions).slice(Number(inputs['min-versions-to-keep'] ?? 0)))
      },
    })),
}

/** Without --order-by-date the import refuses; expressions are searched for, and counts are of tags. */
export const registryCli: System = {
  system: 'registry-cli',
  unit: 'image',
  repository: 'team/app',
  tagPool,
  files: fc
    .record({
      mode: fc.constantFrom('--delete --order-by-date', '--delete-all', ''),
      num: fc.constantFrom(undefined, 0, 1, 2),
      'images-like': fc.constantFrom(undefined, ['^team/'], ['other', 'app$'], ['other']),
      'tags-like': fc.constantFrom(undefined, ['^v'], ['pr', 'x']),
      'keep-tags': fc.constantFrom(undefined, ['prod'], ['v1', 'pr-1']),
      'keep-tags-like': fc.constantFrom(undefined, ['2$']),
      'keep-by-hours': fc.constantFrom(undefined, 24, 100),
      'delete-by-hours': fc.constantFrom(undefined, 48, 120),
    })
    .filter((given) => given.mode !== '' || given['delete-by-hours'] !== undefined)
    .map(({ mode, ...given }) => {
      const words = Object.entries(given).flatMap(([flag, value]) =>
        value === undefined ? [] : [`--${flag} ${[value].flat().join(' ')}`],
      )
      return {
        text: `registry.py -l user:pass -r https://registry.example.com ${mode} ${words.join(' ')}\n`,
        evaluate: (images) => registryCliDeletes(mode, given, images),
      }
    }),
}

interface RegistryCliFlags {
  readonly num?: number | undefined
  readonly 'images-like'?: readonly string[] | undefined
  readonly 'tags-like'?: readonly string[] | undefined
  readonly 'keep-tags'?: readonly string[] | undefined
  readonly 'keep-tags-like'?: readonly string[] | undefined
  readonly 'keep-by-hours'?: number | undefined
  readonly 'delete-by-hours'?: number | undefined
}

function registryCliDeletes(
  mode: string,
  flags: RegistryCliFlags,
  images: readonly SourceImage[],
): ReturnType<typeof deletedImages> {
  const has = (list: readonly string[], text: string): boolean =>
    list.some((expression) => new RegExp(expression).test(text))
  if (!has(flags['images-like'] ?? [''], 'team/app')) return deletedImages([])
  const rows = tagRows(images)
  const list = rows.filter(({ name }) => has(flags['tags-like'] ?? [''], name))
  const isOlder = ({ image }: (typeof rows)[number], hours: number | undefined): boolean =>
    hours !== undefined && image.createdAt !== undefined && now - image.createdAt > hours * 3_600_000
  const isNewer = ({ image }: (typeof rows)[number], hours: number): boolean =>
    image.createdAt !== undefined && now - image.createdAt <= hours * 3_600_000
  const keep = new Set([
    ...rows.filter(({ name }) => flags['keep-tags']?.includes(name)),
    ...list.filter(({ name }) => has(flags['keep-tags-like'] ?? [], name)),
    ...list.filter((row) => isNewer(row, flags['keep-by-hours'] ?? -1)),
  ])
  const gone = new Set<SourceImage>()
  const remove = (some: readonly (typeof rows)[number][]): void => {
    const digests = new Set([...keep].map(({ image }) => image))
    for (const { image } of some) if (!digests.has(image)) gone.add(image)
  }
  if (mode === '--delete-all') remove(list)
  else if (mode !== '') {
    const { num = 10 } = flags
    const dated = list
      .filter(({ image }) => image.createdAt !== undefined)
      .toSorted((a, b) => (a.image.createdAt ?? 0) - (b.image.createdAt ?? 0))
    // Python's [:-0] is the empty list.
    const old = num === 0 ? [] : dated.slice(0, -num)
    for (const row of list) if (!old.includes(row)) keep.add(row)
    remove(old)
  }
  remove(rows.filter((row) => isOlder(row, flags['delete-by-hours'])))
  return deletedImages([...gone].filter(({ locked }) => !locked))
}
