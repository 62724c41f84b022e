/**
 * artifactory-cleanup: policies one after the other, on paths of files, as its rules ask for them. A mask is the `LIKE` of
 * a database on the whole path; what the rules do with the answer they do in their order.
 */
import fc from 'fast-check'
import { stringify } from 'yaml'
import { digest } from '../../builders/images.ts'
import { dayMs, now, removedTags, type SourceImage, type System } from './system.ts'

interface Rule {
  readonly rule: string
  readonly [key: string]: unknown
}

/** A folder with a manifest: of a tag, or of a manifest without one. */
interface Folder {
  readonly key: string
  readonly image: string
  /** The tag, or the digest. */
  readonly name: string
  readonly digest: string
  readonly uploadedAt: number
  readonly pulledAt: number | undefined
  readonly source: SourceImage
}

const key = 'docker-local'
const name = 'team/app'

const places: fc.Arbitrary<Rule> = fc.constantFrom(
  { rule: 'Repo', name: key },
  { rule: 'Repo', name: key },
  { rule: 'RepoList', repos: ['other', key] },
  { rule: 'RepoByMask', mask: 'docker-*' },
  { rule: 'Repo', name: 'other' },
)
const masks: fc.Arbitrary<Rule> = fc.record({
  rule: fc.constantFrom('IncludeDockerImages', 'ExcludeDockerImages'),
  masks: fc.constantFrom<string | readonly string[]>(
    '*:pr-*',
    'team/app:*',
    'team/*:v?.0*',
    ['*:prod', '*/x'],
    '*app*',
    '*1*',
    'other:*',
    '*p/v*',
    '*a5*',
    ['team:*', '*:1.*'],
    '*:pr_1',
  ),
})
const ages: fc.Arbitrary<Rule> = fc.record({
  rule: fc.constantFrom('DeleteDockerImagesOlderThan', 'DeleteDockerImagesNotUsed', 'DeleteOlderThan'),
  days: fc.constantFrom(0, 1, 3),
})
const isVersion = { rule: 'DeleteByRegexpName', regex_pattern: String.raw`^v?\d+\.\d+\.\d+$` }
const counts: fc.Arbitrary<readonly Rule[]> = fc.integer({ min: 0, max: 3 }).chain((count) =>
  fc.constantFrom<readonly Rule[]>(
    [{ rule: 'KeepLatestNDockerImages', count }],
    [
      { rule: 'KeepLatestNDockerImages', count },
      { rule: 'DeleteByRegexpName', regex_pattern: 'v|p' },
    ],
    [{ rule: 'KeepLatestVersionNFilesInFolder', count }],
    [
      isVersion,
      {
        rule: 'KeepLatestNVersionImagesByProperty',
        count,
        custom_regexp: String.raw`(^v?\d+\.\d+\.\d+$)`,
        number_of_digits_in_version: 1 + (count % 3),
      },
    ],
    [{ rule: 'KeepLatestNFilesInFolder', count }],
  ),
)

const policy: fc.Arbitrary<readonly Rule[]> = fc
  .record({
    place: places,
    age: fc.option(ages, { nil: undefined, freq: 2 }),
    masks: fc.array(masks, { maxLength: 2 }),
    count: fc.option(counts, { nil: [], freq: 3 }),
    isCountFirst: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
  })
  .map(({ place, age, masks: filters, count, isCountFirst }) => {
    const ageRules = age === undefined ? [] : [age]
    // Without a rule for Docker it would be a policy for files.
    const all = { rule: 'IncludeDockerImages', masks: '*' }
    const isExpression = count.some(({ rule }) => rule === 'DeleteByRegexpName')
    return isCountFirst && !isExpression
      ? [place, ...count, ...ageRules, ...filters, all]
      : [place, ...ageRules, ...filters, all, ...count]
  })

export const artifactoryCleanup: System = {
  system: 'artifactory-cleanup',
  unit: 'tag',
  repository: `${key}/${name}`,
  tagPool: ['v1.0.0', '1.0.0', '1.2.0', '2.0.0', 'v1.2.3', 'pr-1', 'prod', 'x', 'v2.0'],
  files: fc
    .array(policy, { minLength: 1, maxLength: 2 })
    .filter(hasFewMasks)
    .map((policies) => ({
      text: stringify({
        'artifactory-cleanup': {
          server: 'https://repo.example.com/artifactory',
          user: '$USER',
          password: '$PASSWORD',
          policies: policies.map((rules, at) => ({ name: `policy ${at}`, rules })),
        },
      }),
      evaluate(images) {
        let folders: readonly Folder[] = foldersOf(images)
        for (const rules of policies) {
          const gone = new Set(goneBy(rules, folders))
          folders = folders.filter((folder) => !gone.has(folder))
        }
        const left = new Set(folders.map((folder) => folder.name))
        const tags = images.flatMap((image) => image.tags.map((tag) => tag.name))
        const names = new Set(tags.filter((tag) => !left.has(tag) && isKnown(images, tag)))
        const held = new Set(folders.map(({ source }) => source))
        const removed = images.filter((image) => !image.locked && !held.has(image))
        return { ...removedTags(names, removed) }
      },
    })),
}

/** Masks that may lie across the last slash double the policies that are needed; too many are refused. */
function hasFewMasks(policies: readonly (readonly Rule[])[]): boolean {
  return policies.flat().filter(({ masks: each }) => each !== undefined && each !== '*').length < 4
}

/** Nothing is locked in Artifactory: what is locked here is not there. */
function isKnown(images: readonly SourceImage[], tag: string): boolean {
  return images.some((image) => !image.locked && image.tags.some((each) => each.name === tag))
}

function foldersOf(images: readonly SourceImage[]): readonly Folder[] {
  return images
    .filter(({ locked }) => !locked)
    .flatMap((source) => {
      const { id, tags, pushedAt, pulledAt } = source
      const named = tags.length > 0 ? tags : [{ name: digest(id), pushedAt }]
      return named.map((tag) => ({
        key,
        image: name,
        name: tag.name,
        digest: id,
        uploadedAt: tag.pushedAt,
        pulledAt,
        source,
      }))
    })
}

/** The server is asked for all rules at once; then each takes from the answer what it keeps. */
function goneBy(rules: readonly Rule[], folders: readonly Folder[]): readonly Folder[] {
  let left: readonly Folder[] = folders.filter((folder) => rules.every((rule) => isAskedFor(rule, folder)))
  let isMapped = false
  for (const rule of rules) {
    left = afterRule(rule, left, isMapped)
    isMapped ||= rule.rule.includes('Docker')
  }
  return left
}

function isAskedFor(rule: Rule, folder: Folder): boolean {
  const path = `${folder.image}/${folder.name}`
  const midnight = Math.floor(now / dayMs) * dayMs - Number(rule['days']) * dayMs
  const given = rule['masks'] as string | readonly string[] | undefined
  const list = typeof given === 'string' ? [given] : (given ?? [])
  switch (rule.rule) {
    case 'Repo':
      return folder.key === rule['name']
    case 'RepoList':
      return (rule['repos'] as readonly string[]).includes(folder.key)
    case 'RepoByMask':
      return isLike(String(rule['mask']), folder.key)
    case 'DeleteDockerImagesOlderThan':
    case 'DeleteOlderThan':
      return folder.uploadedAt < midnight
    case 'DeleteDockerImagesNotUsed':
      return (folder.pulledAt ?? folder.uploadedAt) <= midnight
    case 'IncludeDockerImages':
      return list.some((mask) => isLike(mask.replaceAll(':', '/'), path))
    case 'ExcludeDockerImages':
      return !list.some((mask) => isLike(mask.replaceAll(':', '/'), path, '.'))
    default:
      return true
  }
}

/** An underscore is any character to some databases, and itself to others: what is spared by either is spared. */
function isLike(mask: string, text: string, underscore = '_'): boolean {
  const source = [...mask].map((each) =>
    each === '*' ? '.*' : each === '?' ? '.' : each === '_' ? underscore : each.replace('.', String.raw`\.`),
  )
  return new RegExp(`^${source.join('')}$`).test(text)
}

function afterRule(rule: Rule, left: readonly Folder[], isMapped: boolean): readonly Folder[] {
  const count = Number(rule['count'])
  const keepOf = (groupOf: (folder: Folder) => string, rankOf: (folder: Folder) => readonly number[]) =>
    left.filter((folder) => {
      const group = left.filter((other) => groupOf(other) === groupOf(folder))
      const sorted = group.toSorted((a, b) => compare(rankOf(b), rankOf(a)))
      return sorted.indexOf(folder) >= count
    })
  switch (rule.rule) {
    case 'DeleteByRegexpName': {
      const expression = new RegExp(`^(?:${String(rule['regex_pattern'])})`)
      return left.filter((folder) => expression.test(folder.name))
    }
    case 'KeepLatestNDockerImages': {
      const digests = [...left].toSorted((a, b) => b.uploadedAt - a.uploadedAt).map((each) => each.digest)
      const kept = new Set([...new Set(digests)].slice(0, count))
      return left.filter((folder) => !kept.has(folder.digest))
    }
    case 'KeepLatestNFilesInFolder':
      return keepOf(
        (folder) => (isMapped ? '' : folder.name),
        (folder) => [folder.uploadedAt],
      )
    case 'KeepLatestVersionNFilesInFolder': {
      if (!isMapped) return []
      const found = (folder: Folder): string => /\d+\.\d+\.\d+/.exec(folder.name)?.[0] ?? ''
      return keepOf(
        (folder) => folder.name.slice(0, folder.name.indexOf(found(folder))),
        (folder) => found(folder).split('.').map(Number),
      ).filter((folder) => found(folder) !== '')
    }
    case 'KeepLatestNVersionImagesByProperty': {
      const digits = Number(rule['number_of_digits_in_version'])
      const parts = ({ name: tag }: Folder): readonly string[] => [
        ...(tag.startsWith('v') ? ['v'] : []),
        ...tag.replace(/^v/, '').split('.'),
      ]
      return keepOf(
        (folder) => (isMapped ? '' : folder.name) + parts(folder).slice(0, digits).join('.'),
        (folder) => folder.name.replace(/^v/, '').split('.').map(Number),
      )
    }
    default:
      return left
  }
}

function compare(a: readonly number[], b: readonly number[]): number {
  return a.reduce((found, part, at) => found || part - (b[at] ?? 0), 0)
}
