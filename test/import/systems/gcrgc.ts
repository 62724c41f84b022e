/** gcrgc: what was uploaded before the retention period and has no tag that is excluded. */
import fc from 'fast-check'
import { stringify } from 'yaml'
import { dayMs, deletedImages, now, type SourceImage, type System } from './system.ts'

const repositories = fc.constantFrom<Readonly<Record<string, readonly string[]>>>(
  {},
  { repositories: ['app', 'web'] },
  { repositories: ['web'] },
  { 'exclude-repositories': ['web'] },
  { 'exclude-repositories': ['web', 'app'] },
)
const tags = fc.oneof(
  fc.constant({ 'untagged-only': true }),
  fc.record(
    {
      'exclude-tags': fc.subarray(['latest', 'v1', 'prod.1']),
      'exclude-tag-pattern': fc.subarray(['^v', '1$', 'pr(od)?-?']),
      'exclude-semver-tags': fc.boolean(),
      'untagged-only': fc.constant(false),
    },
    { requiredKeys: [] },
  ),
)

/** Two to four numbers between dots, or a prerelease; written from the specification of versions. */
function isVersion(tag: string): boolean {
  const [release = '', ...rest] = tag.replace(/^v/i, '').split('-')
  const isNumber = (text: string): boolean => text === '0' || /^[1-9][0-9]*$/.test(text)
  const numbers = release.split('.')
  const prerelease = rest.join('-')
  const isPrerelease = prerelease
    .split('.')
    .every((text) => isNumber(text) || (/^[0-9a-z-]+$/i.test(text) && /[a-z-]/i.test(text)))
  return numbers.length === 3 && numbers.every(isNumber) && (rest.length === 0 || isPrerelease)
}

export const gcrgc: System = {
  system: 'gcrgc',
  unit: 'image',
  repository: 'project/app',
  tagPool: ['latest', 'v1', 'prod.1', 'prodx1', '1.2.3', 'V1.0.0', '1.2.3-rc.1', '1.2.3-01', '01.2.3', '1.2'],
  files: fc
    .record({
      repositories,
      tags,
      period: fc.constantFrom(undefined, '1d', '36 hours', '2 days 12h', '1w', '0s'),
    })
    .map(({ repositories: names, tags: selected, period }) => ({
      text: stringify({
        registry: 'gcr.io/project',
        ...(period !== undefined && { 'retention-period': period }),
        ...names,
        ...selected,
      }),
      evaluate(images) {
        const { repositories: own, 'exclude-repositories': others = [] } = names
        if (own?.includes('app') === false || others.includes('app')) return deletedImages([])
        const days = { '1d': 1, '36 hours': 1.5, '2 days 12h': 2.5, '1w': 7, '0s': 0 }[period ?? '0s'] ?? 0
        return deletedImages(images.filter((image) => isTaken(image, days, selected)))
      },
    })),
}

interface Selected {
  readonly 'exclude-tags'?: readonly string[]
  readonly 'exclude-tag-pattern'?: readonly string[]
  readonly 'exclude-semver-tags'?: boolean
  readonly 'untagged-only'?: boolean
}

function isTaken(image: SourceImage, days: number, selected: Selected): boolean {
  if (image.locked || now - image.pushedAt <= days * dayMs) return false
  if (selected['untagged-only'] === true && image.tags.length > 0) return false
  return !image.tags.some(
    ({ name }) =>
      selected['exclude-tags']?.includes(name) === true ||
      selected['exclude-tag-pattern']?.some((expression) => new RegExp(expression).test(name)) === true ||
      (selected['exclude-semver-tags'] === true && isVersion(name)),
  )
}
