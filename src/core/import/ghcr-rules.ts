/** The inputs of one step of ghcr-cleanup-action as rules. */
import type {
  ImportedBlock,
  ImportedDelete,
  ImportedNote,
  ImportedPolicy,
  ImportedRule,
} from './imported-policy.ts'
import { readMatcher, type Matcher } from './ghcr-matchers.ts'
import { lengthMax, spokenLength, writeLength } from './lengths-of-time.ts'
import type { Reading } from './reading.ts'
import { entryOf, type SourceMap } from './source-document.ts'
import { flagInputOf, inputOf, wholeInputOf, type Step } from './workflow-steps.ts'

export const ghcrInputs = {
  known: [
    'tags',
    'delete-tags',
    'exclude-tags',
    'keep-n-tagged',
    'keep-n-untagged',
    'delete-untagged',
    'older-than',
    'use-regex',
    'delete-ghost-images',
    'delete-partial-images',
    'delete-orphaned-images',
    'dry-run',
    'owner',
    'package',
    'packages',
    'expand-packages',
  ],
  ignored: [
    'token',
    'repository',
    'validate',
    'log-level',
    'registry-url',
    'github-api-url',
    'manifest-cache',
    'cache',
  ],
} as const

type Rules = readonly (ImportedRule | ImportedNote)[]

/** What all rules of a step have in common. */
interface Frame {
  readonly inputs: SourceMap
  /** Images taken out before anything is counted. */
  readonly not: readonly ImportedBlock[]
  /** Undefined: no age is asked. */
  readonly older: string | undefined
  readonly line: (name: string) => string
}

export function ghcrRules(
  { inputs, place }: Step,
  reading: Reading,
): { readonly unit: ImportedPolicy['unit']; readonly rules: Rules } {
  const isExpression = flagInputOf(inputs, 'use-regex', reading) ?? false
  const matcher = (name: string): Matcher | undefined => readMatcher(inputs, name, isExpression, reading)
  const deleted = matcher('delete-tags') ?? matcher('tags')
  const excluded = matcher('exclude-tags')
  const age = readAge(inputs, reading)
  refuseTogether(inputs, reading)
  warnOf(inputs, reading)
  const line = (name: string): string => `line ${entryOf(inputs, name)?.place.line ?? place.line}: ${name}`
  const not = excluded === undefined ? [] : blocksOf(excluded)
  const frame: Frame = { inputs, not, older: age.older, line }
  // An excluded tag spares the whole image, its other tags included; only rules about whole images can say that.
  const isByTag = deleted !== undefined && (excluded?.tags.length ?? 0) === 0
  const rules = [
    ...taggedRules(frame, deleted, isByTag, reading),
    ...untaggedRules(frame, deleted !== undefined, reading),
    ...stateRules(frame, isByTag, reading),
  ]
  if (age.isNever) {
    reading.warn(
      entryOf(inputs, 'older-than')?.place,
      'older-than is longer than 100 years: nothing is that old, and nothing is deleted.',
    )
    return { unit: 'image', rules: [{ comments: ['older-than: nothing is that old.'] }] }
  }
  return { unit: isByTag ? 'tag' : 'image', rules }
}

function blocksOf({ tags, digests }: Matcher): readonly ImportedBlock[] {
  return [...(tags.length > 0 ? [{ tags }] : []), ...(digests.length > 0 ? [{ digests }] : [])]
}

function readAge(
  inputs: SourceMap,
  reading: Reading,
): { readonly older: string | undefined; readonly isNever: boolean } {
  const text = inputOf(inputs, 'older-than', reading)
  if (text === undefined) return { older: undefined, isNever: false }
  const place = entryOf(inputs, 'older-than')?.place ?? inputs.place
  const length = spokenLength(text.replace(/\b(?:and|,)\b/g, ' '))
  if (length === undefined) {
    reading.refuse(
      place,
      `${JSON.stringify(text)} is not an age that is known here.`,
      'Write it as "30 days" or "2 weeks".',
    )
    return { older: undefined, isNever: false }
  }
  if (length.isRounded)
    reading.warn(place, 'older-than: months are taken as 31 days and years as 366, so more is kept.')
  return { older: writeLength(length.ms), isNever: length.ms > lengthMax }
}

function taggedRules(frame: Frame, deleted: Matcher | undefined, isByTag: boolean, reading: Reading): Rules {
  const count = wholeInputOf(frame.inputs, 'keep-n-tagged', reading)
  const names = [
    ...(deleted === undefined ? [] : ['delete-tags']),
    ...(count === undefined ? [] : ['keep-n-tagged']),
  ]
  if (names.length === 0) return []
  // No block at all would match everything.
  if (deleted !== undefined && deleted.tags.length + deleted.digests.length === 0) return []
  const base = { name: names.join(', '), comments: names.map(frame.line), not: candidatesOut(frame) }
  if (deleted === undefined) {
    return [{ ...base, match: [{ tagged: true }], delete: deletion(frame, count, false) }]
  }
  if (isByTag) {
    // Without a count, an image that is named by its digest goes, with tags or without.
    const match = namedBlocks(deleted, count === undefined)
    return match.length === 0 ? [] : [{ ...base, match, delete: deletion(frame, count, true) }]
  }
  reading.warn(
    entryOf(frame.inputs, 'delete-tags')?.place,
    'delete-tags beside exclude-tags: of an image with other tags, too, the action removes the matching tags; here such an image keeps all of them.',
  )
  // A count looks at images by their tags alone.
  if (count !== undefined && deleted.tags.length === 0) return []
  const others = { tags: deleted.tags.map((pattern) => `!${pattern}`) }
  return [
    {
      ...base,
      match: count === undefined ? blocksOf(deleted) : [{ tags: deleted.tags }],
      ...(deleted.tags.length > 0 && { except: [others] }),
      delete: deletion(frame, count, false),
    },
  ]
}

/** Tags by name, and, where nothing is counted, images by digest, with tags or without. */
function namedBlocks({ tags, digests }: Matcher, isByDigest: boolean): readonly ImportedBlock[] {
  const named = digests.length > 0 && isByDigest
  if (tags.includes('*')) {
    const bare: ImportedBlock = digests.includes('*') ? { tagged: false } : { digests, tagged: false }
    return [{ tagged: true }, ...(named ? [bare] : [])]
  }
  return [
    ...(tags.length === 0 ? [] : [{ tags }]),
    ...(named ? [{ digests }, { digests, tagged: false }] : []),
  ]
}

function deletion({ older }: Frame, count: number | undefined, isByTag: boolean): ImportedDelete {
  if (count === undefined) return older === undefined ? { all: true } : { olderThan: older }
  return {
    ...(older !== undefined && { olderThan: older }),
    beyondNewest: count,
    ...(older !== undefined && { combine: 'all' }),
    ...(isByTag && { count: 'images' }),
    countAmong: 'eligible',
  }
}

function notOf({ not }: Frame): { readonly not?: readonly ImportedBlock[] } {
  return not.length === 0 ? {} : { not }
}

/** Platforms and attachments are no candidates there, tagged or not. */
function candidatesOut({ not }: Frame): readonly ImportedBlock[] {
  return [...not, { part: true }]
}

const stateInputs = ['delete-ghost-images', 'delete-partial-images', 'delete-orphaned-images'] as const

/** Untagged images go by default when nothing else is asked for. */
function untaggedRules(frame: Frame, hasDeleteTags: boolean, reading: Reading): Rules {
  const count = wholeInputOf(frame.inputs, 'keep-n-untagged', reading)
  const asked = flagInputOf(frame.inputs, 'delete-untagged', reading)
  // With each of these the action does just that, and leaves what has no tag.
  const isDefault =
    !hasDeleteTags &&
    count === undefined &&
    entryOf(frame.inputs, 'keep-n-tagged') === undefined &&
    stateInputs.every((name) => flagInputOf(frame.inputs, name, reading) !== true)
  if (count === undefined && !(asked ?? isDefault)) return []
  const name = count === undefined ? 'delete-untagged' : 'keep-n-untagged'
  const told =
    entryOf(frame.inputs, name) === undefined
      ? `${frame.line(name)}, as nothing else is asked for`
      : frame.line(name)
  return [
    {
      name,
      comments: [told],
      match: [{ tagged: false }],
      ...notOf(frame),
      delete: deletion(frame, count, false),
    },
  ]
}

function stateRules(frame: Frame, isByTag: boolean, reading: Reading): Rules {
  const { inputs, line } = frame
  const rules: (ImportedRule | ImportedNote)[] = []
  if (flagInputOf(inputs, 'delete-partial-images', reading) === true) {
    const state = { state: 'missing-children' } as const
    const match = isByTag ? [state, { ...state, tagged: false }] : [state]
    rules.push({
      name: 'partial images',
      comments: [line('delete-partial-images')],
      match,
      not: candidatesOut(frame),
      delete: deletion(frame, undefined, false),
    })
  } else if (flagInputOf(inputs, 'delete-ghost-images', reading) === true) {
    reading.warn(
      entryOf(inputs, 'delete-ghost-images')?.place,
      'delete-ghost-images is left out: Winnow does not tell apart images that lack all of their platforms and those that lack some. They are kept.',
    )
    rules.push({
      comments: [`${line('delete-ghost-images')}. Left out: no rule can say "all platforms are missing".`],
    })
  }
  if (flagInputOf(inputs, 'delete-orphaned-images', reading) === true) {
    reading.warn(
      entryOf(inputs, 'delete-orphaned-images')?.place,
      'delete-orphaned-images is left out: a rule for orphaned referrers would take those without a sha256- tag, too. They are kept.',
    )
    rules.push(
      {
        comments: [
          `${line('delete-orphaned-images')}. Switched on, this takes every referrer whose image is gone.`,
        ],
      },
      {
        name: 'orphaned images',
        comments: [],
        match: [{ state: 'orphaned-referrer' }],
        delete: deletion(frame, undefined, false),
        isOff: true,
      },
    )
  }
  return rules
}

/** What the action itself refuses to do. */
function refuseTogether(inputs: SourceMap, reading: Reading): void {
  const isAsked = (name: string): boolean => {
    const value = entryOf(inputs, name)
    if (value === undefined || value.kind === 'nothing') return false
    return value.kind === 'flag' ? value.value : value.kind !== 'text' || !/^(?:false)?$/i.test(value.value)
  }
  for (const [one, other] of [
    ['keep-n-untagged', 'delete-untagged'],
    ['tags', 'delete-tags'],
    ['package', 'packages'],
  ] as const) {
    const place = entryOf(inputs, other)?.place
    if (place === undefined || !isAsked(one) || !isAsked(other)) continue
    reading.refuse(
      place,
      `${one} and ${other} stand together, and the action refuses that: it deletes nothing.`,
      'Leave out the one that is not meant.',
    )
  }
}

function warnOf(inputs: SourceMap, reading: Reading): void {
  if (flagInputOf(inputs, 'dry-run', reading) === true) {
    reading.warn(
      entryOf(inputs, 'dry-run')?.place,
      'dry-run is on: the rules are imported as they act when it is off; `winnow plan` is the dry run here.',
    )
  }
}
