/**
 * Regular expressions of other tools, written as Winnow's: RE2, anchored at both ends.
 *
 * What an expression means differs from engine to engine. Where one of them reads a construct otherwise than RE2 does,
 * it is refused; read as something near it, it would delete other tags.
 */
import { compileTagPattern } from '../policy/compile-patterns.ts'
import { PatternError } from '../policy/pattern-error.ts'
import { escapeGlob } from './globs.ts'

/** Whose expression it is. `go` is RE2 itself. */
export type Dialect = 'go' | 'javascript' | 'python' | 'dotnet' | 'java'

/** `full`: the whole text · `search`: a part is enough · `start`: from its beginning. */
export type Anchoring = 'full' | 'search' | 'start'

export interface ExpressionOptions {
  readonly dialect: Dialect
  readonly anchoring: Anchoring
}

const escapesOf: Readonly<Record<Exclude<Dialect, 'go'>, string>> = {
  javascript: 'dDwWsSbBnrtfvx',
  python: 'dDwWsSbBnrtfvxA',
  dotnet: 'dDwWsSbBnrtfvxAzpP',
  java: 'dDwWsSbBnrtfxAzpPQE',
}

/**
 * A pattern for `tags:` that matches the texts the expression matches: a glob where it is one, else `/…/`.
 *
 * @throws PatternError where RE2 cannot say it, or says something else by it
 */
export function patternOf(source: string, options: ExpressionOptions): string {
  refuseForeign(source, options.dialect)
  // Compiled as it stands first: an unbalanced bracket must not be balanced by what is put around it.
  if (source !== '') compileTagPattern(`/${source}/`)
  const widened = wholeTextOf(source, options.anchoring)
  const glob = globOf(widened)
  const pattern = glob ?? `/${widened}/`
  compileTagPattern(pattern)
  return pattern
}

/** Whether alternatives stand outside of brackets: then anchors around the expression hold for two of them only. */
export function hasBareAlternatives(source: string): boolean {
  return splitAlternatives(source).length > 1
}

/**
 * The alternatives of an expression, cut at each `|` that stands outside of brackets and classes. Flags such as `(?i)`
 * hold to the end of the group they stand in, later alternatives included: so these begin with them.
 */
export function splitAlternatives(source: string): readonly string[] {
  let flags = ''
  return cutAlternatives(source).map(({ text, flags: own }) => {
    const whole = flags + text
    flags += own
    return whole
  })
}

interface Alternative {
  readonly text: string
  /** Those that stand outside of brackets, in their order. */
  readonly flags: string
}

function cutAlternatives(source: string): readonly Alternative[] {
  const parts = ['']
  const flags = ['']
  let depth = 0
  let isClass = false
  for (let at = 0; at < source.length; at++) {
    const character = source.charAt(at)
    if (character === '|' && depth === 0 && !isClass) {
      parts.push('')
      flags.push('')
      continue
    }
    const quoted = isClass ? undefined : /^\\Q.*?(?:\\E|$)/s.exec(source.slice(at))?.[0]
    if (quoted !== undefined) {
      parts[parts.length - 1] += quoted
      at += quoted.length - 1
      continue
    }
    parts[parts.length - 1] += character
    if (character === '\\') parts[parts.length - 1] += source.charAt(++at)
    else if (isClass) isClass = character !== ']'
    else if (character === '[') {
      isClass = true
      // A bracket right after the opening is a member of the class.
      const members = /^\[\^?\]/.exec(source.slice(at))?.[0]
      if (members !== undefined) {
        parts[parts.length - 1] += members.slice(1)
        at += members.length - 1
      }
    } else if (character === '(') {
      if (depth === 0)
        flags[flags.length - 1] += /^\(\?[A-Za-z]*(?:-[A-Za-z]+)?\)/.exec(source.slice(at))?.[0] ?? ''
      depth++
    } else if (character === ')') depth--
  }
  return parts.map((text, index) => ({ text, flags: flags[index] ?? '' }))
}

function refuseForeign(source: string, dialect: Dialect): void {
  if (dialect === 'go') return
  const refuse = (what: string): never => {
    throw new PatternError(source, `${what} means something else to RE2.`, hint)
  }
  if (source.includes('[[:')) refuse('"[[:"')
  if (dialect !== 'java' && /\[\^?\]/.test(source)) refuse('A class that begins with a bracket')
  if (dialect === 'python' && /\{,\d/.test(source)) refuse('"{,n}"')
  if (dialect === 'dotnet' && /\[[^\]]*-\[/.test(source)) refuse('Subtraction of classes')
  if (dialect === 'java' && /\[[^\]]*(?:&&|\[)/.test(source)) refuse('A class inside a class')
  for (const [, escaped = ''] of source.matchAll(/\\(.)/gs)) {
    if (/[a-zA-Z]/.test(escaped) && !escapesOf[dialect].includes(escaped)) refuse(`"\\${escaped}"`)
  }
}

const hint = 'Write the expression without it and import again, or write the rule by hand.'

/**
 * The expression for a whole text, without the anchors it no longer needs. Alternatives outside of brackets stay as they
 * are: an anchor belongs to one of them only.
 */
export function wholeTextOf(source: string, anchoring: Anchoring): string {
  // After \Q what is put behind it, or stands at the end, may mean itself.
  if (hasBareAlternatives(source) || source.includes(String.raw`\Q`)) {
    return anchoring === 'full' ? source : `${anchoring === 'search' ? '.*' : ''}(?:${source}).*`
  }
  const isStart = /^\^(?![?+*{])/.test(source)
  const isEnd = /(?:^|[^\\])(?:\\\\)*\$$/.test(source)
  const core = source.slice(isStart ? 1 : 0, isEnd ? -1 : undefined)
  const before = anchoring !== 'search' || isStart || /^\.\*(?![?+*{])/.test(core) ? '' : '.*'
  const after = anchoring === 'full' || isEnd || /(?:^|[^\\])(?:\\\\)*\.\*$/.test(core) ? '' : '.*'
  if (core === '') return before === '.*' || after === '.*' ? '.*' : '^$'
  return before + after === '' ? unwrapped(core) : before + core + after
}

/** Without the brackets around all of it. What they hold is an expression only where the first and the last are a pair. */
function unwrapped(expression: string): string {
  const inner = /^\((?:\?:)?(?!\?)(.+)\)$/s.exec(expression)?.[1]
  if (inner === undefined || inner.endsWith('\\')) return expression
  try {
    compileTagPattern(`/${inner}/`)
    return inner
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    return expression
  }
}

/** Plain text and `.*` make a glob, which people read more easily. */
function globOf(expression: string): string | undefined {
  let glob = ''
  let rest = expression
  while (rest !== '') {
    const [token = ''] = /^(?:\.\*(?![?+*{])|\\[.-]|[A-Za-z0-9_-])(?![?+*{])/.exec(rest) ?? []
    if (token === '') return undefined
    glob += token === '.*' ? '*' : escapeGlob(token.replace('\\', ''))
    rest = rest.slice(token.length)
  }
  return glob === '' ? undefined : glob.replace(/\*+/g, '*')
}
