/** `storage.retention` of zot: its policies, their groups of tags, and what becomes of what has no tag. */
import { compileRepositoryPatterns } from '../policy/compile-patterns.ts'
import { patternOf } from './expressions.ts'
import { repositoryGlobOfDoublestar } from './globs.ts'
import type {
  ImportedBlock,
  ImportedKeep,
  ImportedNote,
  ImportedPolicy,
  ImportedRule,
} from './imported-policy.ts'
import { goLength, lengthMax, writeLength } from './lengths-of-time.ts'
import type { Reading } from './reading.ts'
import { entryOf, type SourceMap, type SourceValue } from './source-document.ts'
import { tryText } from './try-pattern.ts'

export interface ZotRetention {
  readonly policies: readonly ImportedPolicy[]
  /** How long what has no tag stays; undefined where it is not told. */
  readonly delay: string | undefined
  readonly isEverythingGoverned: boolean
}

const criteria = [
  'mostRecentlyPulledCount',
  'mostRecentlyPushedCount',
  'pulledWithin',
  'pushedWithin',
] as const

export function readZotRetention(
  value: SourceValue | undefined,
  store: SourceMap,
  elsewhere: readonly string[],
  folder: string,
  reading: Reading,
): ZotRetention {
  if (value === undefined) return { policies: [], delay: undefined, isEverythingGoverned: false }
  const retention = reading.map(value, store.place, {
    what: 'retention',
    known: ['dryRun', 'delay', 'policies'],
  })
  if (reading.flag(entryOf(retention, 'dryRun')) === true) {
    reading.warn(
      entryOf(retention, 'dryRun')?.place,
      '`dryRun` is on: the rules are imported as they act when it is off; `winnow plan` is the dry run here.',
    )
  }
  const delay = retention && lengthOf(retention, 'delay', reading)
  const list = entryOf(retention, 'policies')
  const items =
    list === undefined || list.kind === 'nothing'
      ? []
      : (reading.list(list, list.place, 'a list of policies')?.items ?? [])
  const written = delay === undefined ? '24h' : writeLength(delay)
  const policies = items.flatMap(
    (item, index) => readPolicy(item, index, { written, elsewhere, folder }, reading) ?? [],
  )
  return {
    policies,
    delay: delay === undefined ? undefined : written,
    isEverythingGoverned: policies.some(
      ({ repositories: [first] }) => first === '**' || first === `${folder}/**`,
    ),
  }
}

interface PolicyPlace {
  readonly written: string
  readonly elsewhere: readonly string[]
  readonly folder: string
}

function readPolicy(
  value: SourceValue,
  index: number,
  place: PolicyPlace,
  reading: Reading,
): ImportedPolicy | undefined {
  const policy = reading.map(value, value.place, {
    what: 'a retention policy',
    known: ['repositories', 'deleteReferrers', 'deleteUntagged', 'keepTags', 'keepUntagged'],
  })
  if (policy === undefined) return undefined
  const groups = entryOf(policy, 'keepTags')
  const items =
    groups === undefined || groups.kind === 'nothing'
      ? []
      : (reading.list(groups, groups.place, 'a list of groups')?.items ?? [])
  const tagRules = groupRules(items, reading)
  const repositories = readRepositories(policy, place.folder, reading)
  return {
    name: `retention ${index + 1}${place.folder === '' ? '' : ` of ${place.folder}`}`,
    comments: [`line ${policy.place.line}`],
    repositories: [...repositories, ...place.elsewhere],
    unit: 'tag',
    rules: [
      ...tagRules,
      ...(items.length === 0 ? [] : [unknownRule]),
      ...untaggedRules(policy, place.written, reading),
    ],
    unmatched: items.length === 0 ? 'keep' : 'delete',
    unmatchedRemark:
      items.length === 0 ? 'without keepTags all tags stay' : 'zot deletes a tag that no group keeps',
  }
}

const unknownRule: ImportedRule = {
  name: 'no statistics',
  comments: ['A tag of which zot knows no times stays.'],
  match: [{ tagged: true }],
  keep: { within: '0s' },
}

function readRepositories(policy: SourceMap, folder: string, reading: Reading): readonly string[] {
  const value = entryOf(policy, 'repositories')
  const patterns = reading.texts(value) ?? []
  if (patterns.length === 0) reading.refuse(policy.place, 'A policy needs `repositories`.')
  return patterns.flatMap((pattern) => {
    const glob =
      value &&
      tryText(pattern, value.place, reading, (source) => {
        const made = repositoryGlobOfDoublestar(source)
        compileRepositoryPatterns([made])
        return made
      })
    if (glob === undefined) return []
    if (glob === '**' && folder !== '') return [`${folder}/**`]
    // To zot, the folder itself is among what lies in it.
    return glob.endsWith('/**') && glob.length > 3 ? [glob, glob.slice(0, -3)] : [glob]
  })
}

function groupRules(
  items: readonly SourceValue[],
  reading: Reading,
): readonly (ImportedRule | ImportedNote)[] {
  const taken: string[] = []
  const rules: (ImportedRule | ImportedNote)[] = []
  items.forEach((item, index) => {
    const group = reading.map(item, item.place, {
      what: 'a group of keepTags',
      known: ['patterns', ...criteria],
    })
    if (group === undefined) return
    const patterns = readPatterns(group, reading)
    const origin = `line ${group.place.line}, group ${index + 1}`
    const left = patterns.filter((pattern) => !taken.includes(pattern))
    const isLeft = !taken.includes('*') && (patterns.length === 0 || left.length > 0)
    if (!isLeft) {
      rules.push({ comments: [`${origin}: never reached, the groups before it take every tag of it.`] })
    } else rules.push(...keepRules(group, `group ${index + 1}`, origin, blockOf(left, taken), reading))
    taken.push(...(patterns.length === 0 ? ['*'] : patterns))
  })
  return rules
}

/** Tags of the group that none of the groups before it took. */
function blockOf(patterns: readonly string[], taken: readonly string[]): ImportedBlock | undefined {
  const isAll = patterns.length === 0 || patterns.includes('*')
  const tags = [...(isAll ? [] : patterns), ...taken.map((pattern) => `!${pattern}`)]
  return tags.length === 0 ? undefined : { tags }
}

function readPatterns(group: SourceMap, reading: Reading): readonly string[] {
  const value = entryOf(group, 'patterns')
  return (reading.texts(value) ?? []).flatMap((text) => {
    const made =
      value &&
      tryText(text, value.place, reading, (source) =>
        patternOf(source, { dialect: 'go', anchoring: 'search' }),
      )
    return made ?? []
  })
}

/** One rule for what goes by pushes, one for what goes by pulls: a rule has one order. */
function keepRules(
  group: SourceMap,
  name: string,
  origin: string,
  match: ImportedBlock | undefined,
  reading: Reading,
): readonly ImportedRule[] {
  const pulled = countOf(group, 'mostRecentlyPulledCount', reading)
  const pushed = countOf(group, 'mostRecentlyPushedCount', reading)
  const pulledWithin = lengthOf(group, 'pulledWithin', reading)
  const pushedWithin = lengthOf(group, 'pushedWithin', reading)
  const base = match === undefined ? {} : { match: [match] }
  const keeps: readonly (readonly [string, ImportedKeep | undefined])[] = [
    ['pushed', byPush(pushed, pushedWithin)],
    // zot takes a push for a pull, so the later of both is what counts.
    ['pulled', pulledWithin === undefined ? undefined : ageKeep(pulledWithin, { by: 'activeItself' })],
    // An inventory tells the last pull of a manifest for all of its tags, so they share a place.
    [
      'most pulled',
      pulled === undefined ? undefined : { newest: pulled, by: 'pulledItself', count: 'images' },
    ],
  ]
  if (pulled !== undefined) {
    reading.warn(
      entryOf(group, 'mostRecentlyPulledCount')?.place,
      'mostRecentlyPulledCount: zot takes a tag that was never pulled for the oldest; here its last pull is unknown, and what is unknown is kept. An inventory tells one last pull for all tags of a manifest, so they share a place, and more is kept.',
    )
  }
  const given = keeps.flatMap(([what, keep]) => (keep === undefined ? [] : [[what, keep] as const]))
  if (given.length === 0) return [{ name, comments: [origin], ...base, keep: { all: true } }]
  return given.map(([what, keep], index) => ({
    name: given.length === 1 ? name : `${name}, ${what}`,
    comments: index === 0 ? [origin] : [],
    ...base,
    keep,
  }))
}

function byPush(count: number | undefined, within: number | undefined): ImportedKeep | undefined {
  if (count === undefined) return within === undefined ? undefined : ageKeep(within, {})
  if (within === undefined) return { newest: count }
  return within >= lengthMax ? { all: true } : { newest: count, within: writeLength(within), combine: 'any' }
}

function ageKeep(within: number, order: { readonly by?: 'activeItself' }): ImportedKeep {
  return within >= lengthMax ? { all: true } : { within: writeLength(within), ...order }
}

/** zot reads 0 as if nothing were said. */
function countOf(group: SourceMap, key: (typeof criteria)[number], reading: Reading): number | undefined {
  const count = reading.whole(entryOf(group, key))
  return count === 0 ? undefined : count
}

function lengthOf(map: SourceMap, key: string, reading: Reading): number | undefined {
  const value = entryOf(map, key)
  const text = reading.text(value)
  if (value === undefined || text === undefined) return undefined
  const length = goLength(text, { days: false })
  if (length === undefined) {
    reading.refuse(
      value.place,
      `${JSON.stringify(text)} is not a duration.`,
      'zot writes durations as "24h" or "1h30m".',
    )
  }
  return length
}

function untaggedRules(
  policy: SourceMap,
  delay: string,
  reading: Reading,
): readonly (ImportedRule | ImportedNote)[] {
  const isCollected = reading.flag(entryOf(policy, 'deleteUntagged')) ?? true
  const withReferrers = reading.flag(entryOf(policy, 'deleteReferrers')) ?? false
  const kept = entryOf(policy, 'keepUntagged')
  const group =
    kept === undefined || kept.kind === 'nothing'
      ? undefined
      : reading.map(kept, kept.place, { what: 'keepUntagged', known: criteria })
  const orphans: readonly ImportedRule[] = withReferrers
    ? [
        {
          name: 'referrers',
          comments: ['deleteReferrers: signatures and the like whose image is gone'],
          match: [{ state: 'orphaned-referrer' }],
          delete: { olderThan: delay },
        },
      ]
    : []
  if (!isCollected)
    return [
      {
        name: 'untagged',
        comments: ['deleteUntagged: false'],
        match: [{ tagged: false }],
        keep: { all: true },
      },
      ...orphans,
    ]
  return [
    ...(group === undefined
      ? []
      : keepRules(
          group,
          'keepUntagged',
          `line ${group.place.line}, keepUntagged`,
          { tagged: false },
          reading,
        )),
    untaggedRule(delay, 'deleteUntagged'),
    ...orphans,
  ]
}

/** What has no tag goes after the delay. */
export function untaggedRule(delay: string, origin: string): ImportedRule {
  return {
    name: 'untagged',
    comments: [`${origin}: after the delay`],
    match: [{ tagged: false }],
    delete: { olderThan: delay },
  }
}
