/** zot: the first policy, the first group of it that a tag matches, and any criterion of that group. */
import fc from 'fast-check'
import { dayMs, deletedTags, now, tagRows, type System, type TagRow } from './system.ts'

interface Group {
  readonly patterns: readonly string[]
  readonly mostRecentlyPulledCount?: number | undefined
  readonly mostRecentlyPushedCount?: number | undefined
  readonly pulledWithin?: number | undefined
  readonly pushedWithin?: number | undefined
}

interface Policy {
  readonly repositories: readonly string[]
  readonly deleteUntagged: boolean | undefined
  readonly keepTags: readonly Group[] | undefined
}

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined })
const count = maybe(fc.integer({ min: 1, max: 3 }))
const days = maybe(fc.integer({ min: 1, max: 4 }))

const policy: fc.Arbitrary<Policy> = fc.record({
  repositories: fc.subarray(['**', 'team/**', 'team/a*', 'other', 'team/app/**'], { minLength: 1 }),
  deleteUntagged: fc.constantFrom(undefined, true, false),
  keepTags: maybe(
    fc.array(
      fc.record({
        patterns: fc.subarray(['v1', '^v', 'pr-\\d$', '.*']),
        mostRecentlyPulledCount: count,
        mostRecentlyPushedCount: count,
        pulledWithin: days,
        pushedWithin: days,
      }),
      { maxLength: 3 },
    ),
  ),
})

export const zot: System = {
  system: 'zot',
  unit: 'tag',
  repository: 'team/app',
  tagPool: ['v1', 'v10', 'v2', 'pr-1', 'pr-12', 'x'],
  files: fc.array(policy, { maxLength: 3 }).map((policies) => ({
    text: JSON.stringify(
      { storage: { rootDirectory: '/z', retention: { delay: '24h', policies: policies.map(written) } } },
      undefined,
      1,
    ),
    evaluate(images) {
      const governing = policies.find(({ repositories }) => repositories.some(matchesRepository))
      const isCollected = governing === undefined || governing.deleteUntagged !== false
      const untagged = images.filter(
        ({ tags, pushedAt, locked }) => tags.length === 0 && isCollected && !locked && now - pushedAt > dayMs,
      )
      const groups = governing?.keepTags ?? []
      if (groups.length === 0) return deletedTags(new Set(), images, untagged)
      const rows = tagRows(images)
      const kept = new Set(
        groups.flatMap((group, index) =>
          keptBy(
            group,
            rows.filter(({ name }) => groupOf(groups, name) === index),
          ),
        ),
      )
      const gone = rows.filter((row) => !kept.has(row) && !row.image.locked)
      return deletedTags(new Set(gone.map(({ name }) => name)), images, untagged)
    },
  })),
}

function written({ keepTags, ...rest }: Policy): object {
  const hours = (length: number | undefined): string | undefined =>
    length === undefined ? undefined : `${length * 24}h`
  return {
    ...rest,
    keepTags: keepTags?.map((group) => ({
      ...group,
      pulledWithin: hours(group.pulledWithin),
      pushedWithin: hours(group.pushedWithin),
    })),
  }
}

/** Of `team/app`. */
function matchesRepository(glob: string): boolean {
  return ['**', 'team/**', 'team/a*', 'team/app/**'].includes(glob)
}

function groupOf(groups: readonly Group[], name: string): number {
  return groups.findIndex(
    ({ patterns }) => patterns.length === 0 || patterns.some((each) => new RegExp(each).test(name)),
  )
}

function keptBy(group: Group, rows: readonly TagRow[]): readonly TagRow[] {
  const pulled = ({ image }: TagRow): number => image.pulledAt ?? 0
  const top = (number: number | undefined, time: (row: TagRow) => number): readonly TagRow[] =>
    number === undefined ? [] : rows.toSorted((a, b) => time(b) - time(a)).slice(0, number)
  const within = (length: number | undefined, time: (row: TagRow) => number): readonly TagRow[] =>
    length === undefined ? [] : rows.filter((row) => now - time(row) < length * dayMs)
  const {
    mostRecentlyPulledCount: byPull,
    mostRecentlyPushedCount: byPush,
    pulledWithin,
    pushedWithin,
  } = group
  if ([byPull, byPush, pulledWithin, pushedWithin].every((each) => each === undefined)) return rows
  return [
    ...top(byPull, pulled),
    ...top(byPush, ({ pushedAt }) => pushedAt),
    ...within(pulledWithin, (row) => Math.max(pulled(row), row.pushedAt)),
    ...within(pushedWithin, ({ pushedAt }) => pushedAt),
  ]
}
