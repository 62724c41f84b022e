/**
 * Rules of artifactory-cleanup that keep the newest few of what is left to delete. What they count depends on where they
 * stand: before the first rule for Docker, each folder holds one file, and the newest of one is all there is.
 */
import type { CleanupCount, SelectionDraft, VersionLine } from './artifactory-selection.ts'
import type { Reading } from './reading.ts'
import { entryOf, type Place, type SourceMap } from './source-document.ts'

export type RuleReader = (rule: SourceMap, draft: SelectionDraft, context: RuleContext) => void

export interface RuleContext {
  /** As it is called in the file. */
  readonly name: string
  /** Of that name. */
  readonly place: Place
  readonly policy: string
  readonly reading: Reading
}

const plain = String.raw`/\d+\.\d+\.\d+/`
const withV = String.raw`/v\d+\.\d+\.\d+/`

/** Distinct manifests of each image, in the order of their newest upload. */
export const readDigests: RuleReader = (rule, draft, context) => {
  const newest = readNewest(rule, context)
  if (newest !== undefined) addCount({ kind: 'digests', newest }, draft, context)
}

/** Files in the order of their first upload. */
export const readCreated: RuleReader = (rule, draft, context) => {
  const newest = readNewest(rule, context)
  if (newest === undefined) return
  const isInFolder = context.name === 'KeepLatestNFilesInFolder'
  if (isInFolder && !draft.isMapped) keepAll(draft, context, 'one file')
  else addCount({ kind: 'created', newest, rule: context.name }, draft, context)
}

/** Versions in each folder, those with one prefix together. */
export const readVersionFiles: RuleReader = (rule, draft, context) => {
  const newest = readNewest(rule, context, 0)
  readExpression(rule, [String.raw`([\d]+\.[\d]+\.[\d]+)`], context)
  if (newest === undefined) return
  if (!draft.isMapped) return keepAll(draft, context, 'a file without a version')
  context.reading.warn(
    context.place,
    `${context.name}: only tags that are a version and nothing else, such as 1.2.3 and v1.2.3, are taken over; others are kept.`,
  )
  // What it finds no version in it keeps, whatever the count.
  addCount({ kind: 'versions', newest, lines: [{ pattern: plain }, { pattern: withV }] }, draft, context)
}

const versionExpressions = [String.raw`(^\d+\.\d+\.\d+$)`, String.raw`(^v?\d+\.\d+\.\d+$)`] as const

/** Versions of each image, by their first numbers. */
export const readVersionImages: RuleReader = (rule, draft, context) => {
  const { reading, place, name } = context
  const newest = readNewest(rule, context, 0)
  const expression = readExpression(rule, versionExpressions, context)
  const digits = reading.whole(entryOf(rule, 'number_of_digits_in_version'), { min: 1 }) ?? 1
  if (newest === undefined) return
  if (!draft.isMapped) return keepAll(draft, context, 'one file')
  reading.warn(
    place,
    `${name}: artifactory-cleanup stops with an error at a tag that is no version, and deletes nothing more; here such a tag is kept, and the others go.`,
  )
  const lines = [
    ...lineOf(plain, digits),
    ...(expression === versionExpressions[1] ? lineOf(withV, digits - 1) : []),
  ]
  if (lines.length === 0 && newest > 0) draft.idle = `${name} keeps each version by itself`
  else addCount({ kind: 'versions', newest, lines }, draft, context)
}

/** The first so many numbers of a version make a stream; with all of them each version is one, and stays. */
function lineOf(pattern: string, digits: number): readonly VersionLine[] {
  if (digits > 2) return []
  const per = [undefined, '{major}', '{major}.{minor}'][digits]
  return [{ pattern, ...(per !== undefined && { per }) }]
}

/** How many stay; undefined where none does, and the rule says nothing. */
function readNewest(rule: SourceMap, { reading, name, place }: RuleContext, min = 1): number | undefined {
  const value = entryOf(rule, 'count')
  if (value === undefined) reading.refuse(place, `${name} needs \`count\`.`)
  const newest = reading.whole(value, { orNothing: false })
  return newest === undefined || newest < min ? undefined : newest
}

/** Refuses an expression that is none of those whose versions are known. */
function readExpression(
  rule: SourceMap,
  known: readonly string[],
  { reading, name }: RuleContext,
): string | undefined {
  const value = entryOf(rule, 'custom_regexp')
  const text = reading.text(value)
  if (value !== undefined && text !== undefined && !known.includes(text)) {
    reading.refuse(
      value.place,
      `${name}: what ${JSON.stringify(text)} finds is no version that Winnow can order.`,
      `Known are: ${known.join(' and ')}.`,
    )
  }
  return text
}

function keepAll(draft: SelectionDraft, { name }: RuleContext, what: string): void {
  draft.idle = `${name} stands before the rules for Docker, where each folder holds ${what}, and keeps all of them`
}

function addCount(count: CleanupCount, draft: SelectionDraft, { reading, place, name }: RuleContext): void {
  if (draft.count !== undefined) {
    reading.refuse(
      place,
      `${name} counts what another rule that counts has left, which no rule of Winnow's does.`,
      'Leave one of them.',
    )
  }
  draft.count = count
}
