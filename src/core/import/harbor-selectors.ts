/**
 * Harbor's selectors: which repositories and which artifacts a rule speaks of. All selectors of a rule must hold.
 * (Harbor, src/lib/selector: `matches` asks for some tag that matches, `excludes` for some tag that does not.)
 */
import { compileRepositoryPatterns, compileTagPattern } from '../policy/compile-patterns.ts'
import { globOfDoublestar, repositoryGlobOfDoublestar } from './globs.ts'
import type { ImportedBlock } from './imported-policy.ts'
import type { Condition } from './partition.ts'
import type { Reading } from './reading.ts'
import { entryOf, type SourceMap, type SourceValue } from './source-document.ts'
import { tryPattern } from './try-pattern.ts'

export interface Selected {
  readonly match?: readonly ImportedBlock[]
  readonly not?: readonly ImportedBlock[]
}

/** One selector: tags that must be there, tags of which not all may be, labels, and whether untagged artifacts pass. */
interface TagSelector {
  readonly some?: string
  readonly notAll?: string
  readonly labels?: readonly string[]
  readonly withoutLabels?: readonly string[]
  readonly untagged: boolean
}

export function readTagSelectors(
  value: SourceValue | undefined,
  rule: SourceMap,
  reading: Reading,
): Selected | undefined {
  const list = reading.list(value, rule.place, 'a list of tag selectors')
  if (list === undefined) return undefined
  const selectors = list.items.map((item) => readTagSelector(item, reading))
  if (selectors.some((each) => each === undefined)) return undefined
  return selectedOf(selectors.flatMap((each) => each ?? []))
}

function readTagSelector(value: SourceValue, reading: Reading): TagSelector | undefined {
  const selector = reading.map(value, value.place, {
    what: 'a selector',
    known: ['kind', 'decoration', 'pattern', 'extras'],
    orNothing: ['extras'],
  })
  if (selector === undefined) return undefined
  const kind = reading.choice(entryOf(selector, 'kind'), ['doublestar', 'label'])
  const pattern = entryOf(selector, 'pattern')
  if (kind === 'label') return readLabels(selector, pattern, reading)
  const decoration = reading.choice(entryOf(selector, 'decoration'), ['matches', 'excludes'])
  const untagged = readExtras(entryOf(selector, 'extras'), reading)
  if (pattern === undefined) reading.refuse(selector.place, 'A selector needs `pattern`.')
  if (decoration === undefined || pattern === undefined) {
    if (entryOf(selector, 'decoration') === undefined)
      reading.refuse(selector.place, 'A selector needs `decoration`.')
    return undefined
  }
  const glob = tryPattern(pattern, reading, (source) => {
    const made = globOfDoublestar(source)
    compileTagPattern(made)
    return made
  })
  if (glob === undefined) return undefined
  // Without extras, `matches` takes untagged artifacts along, and so does `excludes`.
  return decoration === 'matches'
    ? { some: glob, untagged: untagged ?? true }
    : { notAll: glob, untagged: !(untagged ?? false) }
}

function readLabels(
  selector: SourceMap,
  pattern: SourceValue | undefined,
  reading: Reading,
): TagSelector | undefined {
  const decoration = reading.choice(entryOf(selector, 'decoration'), ['withLabels', 'withoutLabels'])
  const names = (reading.text(pattern) ?? '').split(',').filter((name) => name !== '')
  reading.warn(
    selector.place,
    'Selectors by label need an inventory that has Harbor’s labels of artifacts; Winnow’s own labels are those of the image. Make sure that they are there before anything is deleted.',
  )
  if (decoration === undefined) return undefined
  return { [decoration === 'withLabels' ? 'labels' : 'withoutLabels']: names, untagged: true }
}

/** `extras` is JSON inside a text: `{"untagged":false}`. */
function readExtras(value: SourceValue | undefined, reading: Reading): boolean | undefined {
  const text = reading.text(value)
  if (value === undefined || text === undefined || text.trim() === '') return undefined
  const [, word] = /^\s*\{\s*(?:"untagged"\s*:\s*(true|false)\s*)?\}\s*$/.exec(text) ?? []
  if (word === undefined && !/^\s*\{\s*\}\s*$/.test(text)) {
    reading.refuse(
      value.place,
      '`extras` holds something that is not known here.',
      String.raw`Known is "{\"untagged\": true}" or false.`,
    )
  }
  // Harbor reads an object without the key as false.
  return word === 'true'
}

function selectedOf(selectors: readonly TagSelector[]): Selected {
  const some = selectors.flatMap((each) => each.some ?? []).filter((glob) => glob !== '*')
  const labels = selectors.flatMap((each) => each.labels ?? [])
  const asksTags = selectors.some((each) => each.some !== undefined || each.notAll !== undefined)
  const untagged = selectors.every((each) => each.untagged)
  const labelled: ImportedBlock =
    labels.length === 0 ? {} : { labels: Object.fromEntries(labels.map((name) => [name, '*'])) }
  const tagged: ImportedBlock =
    some.length === 0 ? {} : some.length === 1 ? { tags: some } : { tagsEvery: some }
  const match: readonly ImportedBlock[] =
    some.length === 0
      ? [asksTags && !untagged ? { tagged: true, ...labelled } : labelled]
      : [{ ...tagged, ...labelled }, ...(untagged ? [{ tagged: false, ...labelled }] : [])]
  const not = [
    ...selectors.flatMap((each) => (each.notAll === undefined ? [] : [{ tagsAll: [each.notAll] }])),
    ...selectors.flatMap((each) => (each.withoutLabels ?? []).map((name) => ({ labels: { [name]: '*' } }))),
  ]
  const isOpen = match.length === 1 && Object.keys(match[0] ?? {}).length === 0
  return { ...(!isOpen && { match }), ...(not.length > 0 && { not }) }
}

export function readRepositorySelectors(
  value: SourceValue | undefined,
  rule: SourceMap,
  reading: Reading,
): readonly Condition[] | undefined {
  const scopes = reading.map(value, rule.place, { what: 'scope_selectors', known: ['repository'] })
  const list =
    scopes && reading.list(entryOf(scopes, 'repository'), scopes.place, 'a list of repository selectors')
  if (list === undefined) return undefined
  const conditions = list.items.map((item) => readRepositorySelector(item, reading))
  if (conditions.some((each) => each === undefined)) return undefined
  const all = conditions.flatMap((each) => each ?? [])
  // A rule without one speaks of everything.
  return all.length === 0 ? [{ pattern: '**', isNegated: false }] : all
}

function readRepositorySelector(value: SourceValue, reading: Reading): Condition | undefined {
  const selector = reading.map(value, value.place, {
    what: 'a repository selector',
    known: ['kind', 'decoration', 'pattern'],
    orNothing: [],
    ignored: ['extras'],
  })
  if (selector === undefined) return undefined
  reading.choice(entryOf(selector, 'kind'), ['doublestar'])
  const decoration = reading.choice(entryOf(selector, 'decoration'), ['repoMatches', 'repoExcludes'])
  const pattern = entryOf(selector, 'pattern')
  const glob = pattern && tryPattern(pattern, reading, projectGlob)
  if (pattern === undefined) reading.refuse(selector.place, 'A selector needs `pattern`.')
  return decoration === undefined || glob === undefined
    ? undefined
    : { pattern: glob, isNegated: decoration === 'repoExcludes' }
}

/** Patterns are relative to the project, whose name is the first part of a repository's. */
function projectGlob(source: string): string {
  const made = repositoryGlobOfDoublestar(source)
  const glob = made === '**' ? made : `*/${made.replace(/^\\(?=[!/])/, '')}`
  compileRepositoryPatterns([glob])
  return glob
}
