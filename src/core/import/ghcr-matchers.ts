/**
 * `delete-tags` and `exclude-tags`: a list of wildcards, or one regular expression; both are tried on tags and on digests.
 */
import { patternOf } from './expressions.ts'
import { globOfWildcards } from './globs.ts'
import type { Reading } from './reading.ts'
import { entryOf, type Place, type SourceMap } from './source-document.ts'
import { tryText } from './try-pattern.ts'
import { inputOf } from './workflow-steps.ts'

export interface Matcher {
  readonly tags: readonly string[]
  readonly digests: readonly string[]
}

export function readMatcher(
  inputs: SourceMap,
  name: string,
  isExpression: boolean,
  reading: Reading,
): Matcher | undefined {
  // The action takes blanks off the whole input, as every action does.
  const text = inputOf(inputs, name, reading)?.trim()
  if (text === undefined || text === '') return undefined
  const place = entryOf(inputs, name)?.place ?? inputs.place
  if (isExpression) {
    const pattern = tryText(text, place, reading, (source) =>
      patternOf(source, { dialect: 'javascript', anchoring: 'search' }),
    )
    if (pattern === undefined) return undefined
    return isDigest(text)
      ? { tags: [], digests: [pattern] }
      : { tags: [pattern], digests: beginsOtherwise(text) ? [] : [pattern] }
  }
  const words = wordsOf(text, name, place, reading)
  const bad = words.find((word) => word.startsWith('!') || word.includes('\\'))
  if (bad !== undefined)
    reading.refuse(place, `${JSON.stringify(bad)}: "!" and backslashes in wildcards are not known here.`)
  const globs = words.map((word) => [word, globOfWildcards(word, { question: true })] as const)
  return {
    tags: globs.flatMap(([word, glob]) => (isDigest(word) ? [] : [glob])),
    digests: globs.flatMap(([word, glob]) => (isDigest(word) || couldBeDigest(word) ? [glob] : [])),
  }
}

/**
 * A blank after a comma belongs to the word in the action, and no tag has one: such a word deletes nothing. Of what is
 * excluded it is taken off, which keeps more.
 */
function wordsOf(text: string, name: string, place: Place, reading: Reading): readonly string[] {
  const words = text.split(',').filter((word) => word !== '')
  const isBlank = (word: string): boolean => /\s/.test(word)
  if (name === 'exclude-tags') return words.map((word) => word.trim()).filter((word) => word !== '')
  if (words.some(isBlank)) {
    reading.warn(
      place,
      `${name}: the action takes a blank for a part of the name, so ${JSON.stringify(words.find(isBlank))} matches no tag; it is left out.`,
    )
  }
  return words.filter((word) => !isBlank(word))
}

/** No tag has a colon. */
function isDigest(text: string): boolean {
  return text.startsWith('sha256:')
}

/** Digests are `sha256:` and hexadecimal digits; a word with other letters is none. */
function couldBeDigest(word: string): boolean {
  const start = /^[^*?]*/.exec(word)?.[0] ?? ''
  return /^[sha256:0-9a-f*?]*$/.test(word) && 'sha256:'.startsWith(start.slice(0, 7))
}

/** Whether an expression is anchored at a beginning that no digest has. */
function beginsOtherwise(expression: string): boolean {
  const [, group, single] = /^\^(?:\(([\w.|\\-]+)\)|([\w-]))/.exec(expression) ?? []
  const starts = group === undefined ? (single === undefined ? [] : [single]) : group.split('|')
  return (
    starts.length > 0 &&
    !/^\^(?:\([^)]*\)|.)[?*{]/.test(expression) &&
    starts.every((start) => /^[A-Za-rt-z0-9_-]/.test(start)) &&
    !hasBareBar(expression)
  )
}

function hasBareBar(expression: string): boolean {
  return expression.replace(/\([^()]*\)/g, '').includes('|')
}
