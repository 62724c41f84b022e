/** Wildcards of other tools as globs of Winnow: what is special here and was not there is escaped. */

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
 * A pattern of doublestar on repositories: `**` goes past a slash only where it stands between slashes by itself.
 */
export function repositoryGlobOfDoublestar(pattern: string): string {
  if (pattern === '') return '**'
  const segments = pattern.split('/').map((part) => (part === '**' ? part : part.replace(/\*{2,}/g, '*')))
  const glob = segments.join('/')
  return /^[!/]/.test(glob) ? `\\${glob}` : glob
}
