/**
 * Makes patterns out of what a user wrote: globs, and RE2 expressions between slashes, anchored at both ends.
 *
 * No pattern ever reaches JavaScript's RegExp, which backtracks: a match takes time linear in the text, whatever was
 * written. The usual globs (`latest`, `v*`, `*-rc`, `pr-*-amd64`, `team/**`) are compared as strings, without an engine,
 * so that a million tags against a handful of patterns take a fraction of a second; RE2 does the rest.
 */
import { RE2JS, RE2JSException } from 're2js'
import type { GlobPart, PatternScope } from './glob.ts'
import { parseGlob } from './glob.ts'
import { PatternError } from './pattern-error.ts'
import type { TagPatterns, TextPattern } from './patterns.ts'

/** Longer than any sensible pattern; RE2 programs grow with the pattern. */
const patternLengthMax = 1000

type Captures = Readonly<Record<string, string>>
const noCaptures: Captures = Object.freeze({})

/**
 * Compiles one pattern on tags, digests, media types or label values: `*` is any run of characters, also none, and
 * `/…/` or `/…/i` an RE2 expression (DESIGN section 3).
 *
 * @throws PatternError with the reason, when RE2 or the glob grammar refuses it.
 */
export function compileTagPattern(source: string): TextPattern {
  return compilePattern(source, 'tag')
}

/**
 * Compiles a list in which `!pattern` takes out what the others let in; with nothing but `!pattern` in it, the rest
 * is let in. An empty list matches nothing.
 *
 * @throws PatternError for the first pattern that cannot be used.
 */
export function compileTagPatterns(list: readonly string[]): TagPatterns {
  return compileList(list, 'tag')
}

/**
 * Compiles patterns on repository names. `*` and `?` stop at `/`; `**` crosses it. `team/**` matches `team/a` and
 * `team/a/b`, not `team` itself, which no slash follows; `**` before a slash also stands for no folder at all, so that
 * `**` + `/base` finds `base`.
 *
 * @throws PatternError for the first pattern that cannot be used.
 */
export function compileRepositoryPatterns(list: readonly string[]): TagPatterns {
  return compileList(list, 'path')
}

/**
 * The names a pattern captures under: `1`, `2` … and those of named groups.
 *
 * @throws PatternError as compiling does.
 */
export function captureNames(source: string): readonly string[] {
  const body = source.startsWith('!') ? source.slice(1) : source
  const expression = compileExpression(body, expressionOf(body, 'tag'))
  const numbers = Array.from({ length: expression.groupCount() }, (_, index) => String(index + 1))
  return [...numbers, ...Object.keys(expression.namedGroups())]
}

function compileList(list: readonly string[], scope: PatternScope): TagPatterns {
  const include: TextPattern[] = []
  const exclude: TextPattern[] = []
  for (const source of list) {
    if (source.startsWith('!')) exclude.push(compilePattern(source.slice(1), scope, source))
    else include.push(compilePattern(source, scope))
  }
  const isEverythingIncluded = include.length === 0 && exclude.length > 0
  return {
    include,
    exclude,
    matches: (text) => (isEverythingIncluded || anyMatches(include, text)) && !anyMatches(exclude, text),
    captures(text) {
      if (anyMatches(exclude, text)) return undefined
      if (isEverythingIncluded) return noCaptures
      for (const pattern of include) {
        const captured = pattern.captures(text)
        if (captured) return captured
      }
      return undefined
    },
  }
}

/** A plain loop: it runs for every tag of a registry. */
function anyMatches(patterns: readonly TextPattern[], text: string): boolean {
  for (const pattern of patterns) if (pattern.matches(text)) return true
  return false
}

function compilePattern(body: string, scope: PatternScope, source = body): TextPattern {
  if (body.length > patternLengthMax) {
    throw new PatternError(
      source,
      `It is longer than ${patternLengthMax} characters.`,
      'Write several patterns.',
    )
  }
  if (body.startsWith('!')) {
    throw new PatternError(
      source,
      'Here an exclamation mark takes a pattern out of a list, and it can do so only once.',
      String.raw`Write "\!" for an exclamation mark itself.`,
    )
  }
  const fast = body.startsWith('/') ? undefined : fastGlob(source, parseGlob(body, scope))
  return fast ?? expressionPattern(source, compileExpression(source, expressionOf(body, scope)))
}

/** Globs with at most one wildcard run between two texts, which is nearly all that people write. */
function fastGlob(source: string, parts: readonly GlobPart[]): TextPattern | undefined {
  const runs = parts.filter((part) => part.kind === 'run')
  const texts = parts.map((part) => (part.kind === 'literal' ? part.text : ''))
  if (parts.some((part) => part.kind !== 'literal' && part.kind !== 'run') || runs.length > 1)
    return undefined
  const [run] = runs
  if (!run) return literalPattern(source, texts.join(''))
  const at = parts.indexOf(run)
  return affixPattern(source, texts.slice(0, at).join(''), texts.slice(at + 1).join(''), run.crosses)
}

function literalPattern(source: string, literal: string): TextPattern {
  return {
    source,
    matches: (text) => text === literal,
    captures: (text) => (text === literal ? noCaptures : undefined),
  }
}

function affixPattern(source: string, prefix: string, suffix: string, crosses: boolean): TextPattern {
  const lengthMin = prefix.length + suffix.length
  const matches = (text: string): boolean =>
    text.length >= lengthMin &&
    text.startsWith(prefix) &&
    text.endsWith(suffix) &&
    (crosses || !text.slice(prefix.length, text.length - suffix.length).includes('/'))
  return {
    source,
    matches,
    captures: (text) =>
      matches(text) ? { '1': text.slice(prefix.length, text.length - suffix.length) } : undefined,
  }
}

function expressionPattern(source: string, expression: RE2JS): TextPattern {
  const groups = expression.groupCount()
  const named = Object.entries(expression.namedGroups())
  return {
    source,
    matches: (text) => expression.testExact(text),
    captures(text) {
      const matcher = expression.matcher(text)
      if (!matcher.matches()) return undefined
      const captured: Record<string, string> = {}
      // A group that took no part stays out: what it would have told is unknown, and unknown keeps.
      for (let group = 1; group <= groups; group++) {
        const text = matcher.group(group)
        if (text !== null) captured[String(group)] = text
      }
      for (const [name, group] of named) {
        const text = matcher.group(group)
        if (text !== null) captured[name] = text
      }
      return captured
    },
  }
}

interface Expression {
  readonly text: string
  readonly flags: number
}

function expressionOf(body: string, scope: PatternScope): Expression {
  // A wildcard stands for any character, a line break in a label's value included.
  if (!body.startsWith('/')) return { text: toExpression(parseGlob(body, scope), scope), flags: RE2JS.DOTALL }
  const close = body.lastIndexOf('/')
  const flags = body.slice(close + 1)
  const text = body.slice(1, close)
  if (close === 0 || (flags !== '' && flags !== 'i')) {
    throw new PatternError(
      body,
      close === 0
        ? 'It begins with a slash, as a regular expression does, and has no closing one.'
        : `After a regular expression only the flag "i" can stand, not ${JSON.stringify(flags)}.`,
      String.raw`Write "/…/" or "/…/i" for a regular expression, "\/…" for a glob that begins with a slash.`,
    )
  }
  if (text === '') {
    throw new PatternError(body, 'The regular expression is empty.', 'Write "/.*/", or "*" for everything.')
  }
  return { text, flags: flags === 'i' ? RE2JS.CASE_INSENSITIVE : 0 }
}

/** The RE2 expression of a glob; each wildcard is a group, numbered from the left. */
function toExpression(parts: readonly GlobPart[], scope: PatternScope): string {
  return parts.map((part) => partExpression(part, scope)).join('')
}

function partExpression(part: GlobPart, scope: PatternScope): string {
  switch (part.kind) {
    case 'literal':
      return RE2JS.quote(part.text)
    case 'run':
      return part.crosses ? '(.*)' : '([^/]*)'
    case 'segments':
      return '(?:(.*)/)?'
    case 'one':
      return scope === 'path' ? '([^/])' : '(.)'
    case 'class': {
      const members = part.ranges.map(({ from, to }) => `${classEscape(from)}-${classEscape(to)}`).join('')
      return part.negated ? `([^${members}${scope === 'path' ? '/' : ''}])` : `([${members}])`
    }
    case 'alternatives':
      return `(?:${part.branches.map((branch) => toExpression(branch, scope)).join('|')})`
  }
}

function classEscape(character: string): string {
  return `\\x{${(character.codePointAt(0) ?? 0).toString(16)}}`
}

function compileExpression(source: string, expression: Expression): RE2JS {
  try {
    return RE2JS.compile(expression.text, expression.flags)
  } catch (cause) {
    if (!(cause instanceof RE2JSException)) throw cause
    throw new PatternError(source, refusal(cause.message), 'docs/policies.md lists what patterns can hold.')
  }
}

/** Why RE2 refused an expression, in words for those who come from an engine that backtracks. */
function refusal(message: string): string {
  if (/\(\?<?[=!]/.test(message)) {
    return 'Look-around, (?=…) (?!…) (?<=…) (?<!…), is not supported by RE2, which matches in linear time. A "!pattern" in the list, or a `not:` block, takes tags out.'
  }
  if (/invalid escape sequence: `\\[1-9k]/.test(message)) {
    return 'Back-references are not supported by RE2, which matches in linear time.'
  }
  return `RE2 refuses it: ${message.replace(/^error parsing regexp: /, '')}.`
}
