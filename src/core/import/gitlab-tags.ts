/** Which tags a GitLab policy speaks of: its two expressions as patterns of Winnow. */
import { PatternError } from '../policy/pattern-error.ts'
import { patternOf, splitAlternatives } from './expressions.ts'
import type { Reading } from './reading.ts'
import { entryOf, type SourceMap, type SourceValue } from './source-document.ts'
import { tryPattern } from './try-pattern.ts'

/** RE2, and both ends anchored. */
export const gitlabPattern = { dialect: 'go', anchoring: 'full' } as const

/** `name_regex` is the older name, and counts only where the newer one is empty. */
export function deleteExpression(
  policy: SourceMap,
  reading: Reading,
): { readonly text: string; readonly value: SourceValue } | undefined {
  for (const key of ['name_regex_delete', 'name_regex']) {
    const value = entryOf(policy, key)
    const text = reading.text(value)
    if (value?.kind === 'text' && text !== undefined && text !== '') return { text, value }
  }
  return undefined
}

/**
 * GitLab writes `\A` before and `\z` behind the expression and no brackets around it: of alternatives, the first is
 * anchored at the beginning and the last at the end, and nothing else is.
 */
export function keepPatterns(
  policy: SourceMap,
  reading: Reading,
): { readonly patterns: readonly string[]; readonly lines: readonly number[] } {
  const value = entryOf(policy, 'name_regex_keep')
  const text = reading.text(value)
  if (value?.kind !== 'text' || text === undefined || text === '') return { patterns: [], lines: [] }
  const whole = tryPattern(value, reading, (source) => patternOf(source, gitlabPattern))
  const parts = splitAlternatives(text)
  if (whole === undefined || parts.length === 1)
    return { patterns: whole === undefined ? [] : [whole], lines: [value.place.line] }
  try {
    const patterns = parts.map((part, index) => {
      // No alternatives are left in a part, so anchors beside it need no brackets.
      const plain = (index === 0 ? '^' : '') + part + (index === parts.length - 1 ? '$' : '')
      return patternOf(plain, { dialect: 'go', anchoring: 'search' })
    })
    return { patterns, lines: [value.place.line] }
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    reading.refuse(value.place, error.message, error.hint)
    return { patterns: [], lines: [] }
  }
}
