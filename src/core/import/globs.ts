/** Wildcards of other tools as globs of Winnow: what is special here and was not there is escaped. */
import { PatternError } from '../policy/pattern-error.ts'

/** Plain text as a glob that matches it and nothing else. */
export function escapeGlob(text: string): string {
  const escaped = text.replace(/[\\*?[\]{}]/g, String.raw`\$&`)
  // At the beginning these two stand for something in a list of patterns.
  return /^[!/]/.test(escaped) ? `\\${escaped}` : escaped
}

/** `*`, and `?` where the tool knows it, are wildcards; everything else means itself. */
export function globOfWildcards(text: string, options: { readonly question: boolean }): string {
  const wildcards = options.question ? /([*?])/ : /(\*)/
  const glob = text
    .split(wildcards)
    .map((part, index) => (index % 2 === 1 ? part : part.replace(/[\\*?[\]{}]/g, String.raw`\$&`)))
    .join('')
    .replace(/\*+/g, '*')
  return /^[!/]/.test(glob) ? `\\${glob}` : glob
}

/** What begins with the text: `v*`. */
export function startingWith(prefix: string): string {
  return `${escapeGlob(prefix)}*`
}

/** A pattern of Go's doublestar on tags, which hold no slash: only its first character can mean something else here. */
export function globOfDoublestar(pattern: string): string {
  if (pattern === '') return '*'
  const glob = pattern.replace(/\*{2,}/g, '*')
  return /^[!/]/.test(glob) ? `\\${glob}` : glob
}

/**
 * A pattern of doublestar on repositories: `**` goes past a slash only where it stands between slashes by itself, in
 * an alternative between braces as outside of them.
 *
 * @throws PatternError where braces make that hard to tell
 */
export function repositoryGlobOfDoublestar(pattern: string): string {
  if (pattern === '') return '**'
  const glob = pattern.replace(/\*{2,}/g, (stars, at: number) => starsAt(pattern, at, at + stars.length))
  return /^[!/]/.test(glob) ? `\\${glob}` : glob
}

function starsAt(pattern: string, begin: number, end: number): '*' | '**' {
  const [before = '/', after = '/'] = [pattern[begin - 1], pattern[end]]
  const isWithin = depthAt(pattern, begin) > 0
  if (!isWithin) return before === '/' && after === '/' ? '**' : '*'
  if (!'/{,'.includes(before) || !'/,}'.includes(after)) return '*'
  // What an alternative begins or ends with may go on outside of the braces.
  const closed = /[}](?=(.?))/.exec(pattern.slice(end))?.[1] ?? ''
  if (before === '/' && (after === '/' || closed === '' || closed === '/')) return '**'
  throw new PatternError(
    pattern,
    '"**" at the edge of an alternative is not taken over.',
    'Write one pattern for each alternative.',
  )
}

function depthAt(pattern: string, end: number): number {
  const brackets = pattern.slice(0, end).replace(/\\./g, '')
  return brackets.split('{').length - brackets.split('}').length
}
