/** GitLab, Quay, docker-registry-pruner: systems that decide tag by tag. */
import fc from 'fast-check'
import { stringify } from 'yaml'
import {
  dayMs,
  deletedTags,
  newestFirst,
  now,
  removedTags,
  tagRows,
  type SourceImage,
  type System,
  type TagRow,
} from './system.ts'

const tagPool = ['v1', 'v2.0', 'v10', 'pr-1', 'pr-2', 'latest', '1.2.3', 'x', '2024']
const repository = 'team/app'

function names(rows: readonly TagRow[]): ReadonlySet<string> {
  return new Set(rows.map(({ name }) => name))
}

/** `\A` and `\z` around the expression, and no brackets: so GitLab builds it. */
function gitlabMatches(expression: string, name: string): boolean {
  // JavaScript has no flag without brackets; in RE2 it holds for all that follows.
  const [, flagged] = /^\(\?i\)(.*)/.exec(expression) ?? []
  return flagged === undefined
    ? new RegExp(`^${expression}$`).test(name)
    : new RegExp(`^${flagged}$`, 'i').test(name)
}

export const gitlab: System = {
  system: 'gitlab',
  unit: 'tag',
  repository,
  tagPool,
  files: fc
    .record({
      enabled: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
      name_regex_delete: fc.constantFrom('.*', 'v.*', 'pr-\\d+', 'v1|pr-1|x'),
      name_regex_keep: fc.constantFrom(null, '', 'v1', 'v1|pr-.*', 'v.*|.*x', '(?i)PR|V.*', 'latest'),
      keep_n: fc.constantFrom(null, 1, 2),
      older_than: fc.constantFrom(null, '1d', '3d'),
    })
    .map((policy) => ({
      text: JSON.stringify({ cadence: '1d', ...policy }, undefined, 1),
      evaluate(images) {
        if (!policy.enabled) return removedTags(new Set())
        const keep = policy.name_regex_keep ?? ''
        const pool = tagRows(images).filter(
          ({ name }) =>
            name !== 'latest' &&
            gitlabMatches(policy.name_regex_delete, name) &&
            (keep === '' || !gitlabMatches(keep, name)),
        )
        const days = policy.older_than === null ? undefined : Number(policy.older_than.replace('d', ''))
        const old = (rows: readonly TagRow[]): readonly TagRow[] =>
          newestFirst(rows)
            .slice(policy.keep_n ?? 0)
            .filter(({ pushedAt }) => days === undefined || now - pushedAt > days * dayMs)
        // Nobody says whether protected tags are taken out before counting or after; what stays either way must stay.
        const before = new Set(old(pool.filter(({ image }) => !image.locked)))
        return removedTags(names(old(pool).filter((row) => before.has(row))))
      },
    })),
}

interface QuayPolicy {
  readonly method: string
  readonly value: number | string
  readonly tagPattern?: string | undefined
  readonly tagPatternMatches?: boolean
}

const quayPolicy: fc.Arbitrary<QuayPolicy> = fc
  .record({
    isDate: fc.boolean(),
    number: fc.integer({ min: 1, max: 4 }),
    tagPattern: fc.constantFrom(undefined, '^v', 'pr', '1$', '.*'),
    tagPatternMatches: fc.boolean(),
  })
  .map(({ isDate, number, ...pattern }) => ({
    method: isDate ? 'creation_date' : 'number_of_tags',
    value: isDate ? `${number}d` : number,
    ...(pattern.tagPattern !== undefined && pattern),
  }))

export const quay: System = {
  system: 'quay',
  unit: 'tag',
  repository,
  tagPool,
  files: fc.array(quayPolicy, { maxLength: 3 }).map((policies) => ({
    text: JSON.stringify({ policies }, undefined, 1),
    evaluate(images) {
      let left = tagRows(images).filter(({ image }) => !image.locked)
      const inOrder = policies.toSorted((a, b) => (a.method < b.method ? -1 : a.method > b.method ? 1 : 0))
      for (const policy of inOrder) {
        const pool = left.filter(({ name }) => {
          if (policy.tagPattern === undefined) return true
          return new RegExp(policy.tagPattern).test(name) === policy.tagPatternMatches
        })
        const out =
          typeof policy.value === 'number'
            ? newestFirst(pool).slice(policy.value)
            : pool.filter(
                ({ pushedAt }) => now - pushedAt > Number(String(policy.value).replace('d', '')) * dayMs,
              )
        left = left.filter((row) => !out.includes(row))
      }
      const all = tagRows(images).filter(({ image }) => !image.locked)
      return removedTags(names(all.filter((row) => !left.some(({ name }) => name === row.name))))
    },
  })),
}

interface PrunerRule {
  readonly repos: readonly string[]
  readonly match_tags: readonly string[]
  readonly ignore_tags: readonly string[]
  readonly keep: readonly [string, number]
}

const prunerRule: fc.Arbitrary<PrunerRule> = fc.record({
  repos: fc.constantFrom(['team/app'], ['other/app'], ['other/app', 'team/app']),
  match_tags: fc.subarray(['^v', '\\d$', 'pr']),
  ignore_tags: fc.subarray(['latest', 'x', '^v1$']),
  keep: fc.tuple(
    fc.constantFrom('keep_versions', 'keep_days', 'keep_recent'),
    fc.integer({ min: 1, max: 3 }),
  ),
})

export const tumblr: System = {
  system: 'tumblr-docker-registry-pruner',
  unit: 'tag',
  repository,
  tagPool,
  files: fc.array(prunerRule, { minLength: 1, maxLength: 3 }).map((rules) => ({
    text: stringify({
      registry: 'https://foo.bar',
      rules: rules.map(({ keep: [key, number], repos, ...rule }) => ({
        repos,
        ...rule,
        [key]: number,
      })),
    }),
    evaluate(images) {
      const gone = new Set(rules.flatMap((rule) => prunedBy(rule, images)).map(({ name }) => name))
      return deletedTags(gone, images)
    },
  })),
}

function prunedBy(rule: PrunerRule, images: readonly SourceImage[]): readonly TagRow[] {
  if (!rule.repos.includes(repository)) return []
  const ignored = rule.ignore_tags.includes('latest') ? rule.ignore_tags : [...rule.ignore_tags, '^latest$']
  const has = (list: readonly string[], name: string): boolean =>
    list.some((each) => new RegExp(each).test(name))
  const selected = tagRows(images).filter(
    ({ name, image }) =>
      !image.locked && !has(ignored, name) && (rule.match_tags.length === 0 || has(rule.match_tags, name)),
  )
  const [key, number] = rule.keep
  const builtAt = ({ image, pushedAt }: TagRow): number => image.createdAt ?? pushedAt
  if (key === 'keep_days') {
    return selected.filter((row) => Math.floor((now - builtAt(row)) / 60_000) > number * 24 * 60)
  }
  if (key === 'keep_recent') {
    // Nobody says which of the tags of one image stay, so each of them may go.
    const before = (row: TagRow): number =>
      selected.filter((other) => other !== row && builtAt(other) >= builtAt(row)).length
    return selected.filter((row) => before(row) >= number)
  }
  const versions = selected.flatMap((row) => {
    const [, major, minor = '0', patch = '0'] = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?$/.exec(row.name) ?? []
    return major === undefined || /^[0-9a-f]{4,}$/.test(row.name)
      ? []
      : [{ row, order: Number(major) * 1e6 + Number(minor) * 1e3 + Number(patch) }]
  })
  return versions
    .toSorted((a, b) => b.order - a.order)
    .slice(number)
    .map(({ row }) => row)
}
