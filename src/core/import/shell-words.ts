/**
 * Words of a command line as a POSIX shell reads them: quotes, backslashes, continued lines, comment lines. What only a
 * running shell could tell (variables, substitutions, pipes, a second command) is refused.
 */
import type { Place } from './source-document.ts'

export interface Word {
  readonly text: string
  readonly place: Place
}

export type SplitLine =
  { readonly words: readonly Word[] } | { readonly place: Place; readonly problem: string }

interface Reader {
  readonly text: string
  at: number
}

/** The words of the one command in the text. */
export function splitCommand(text: string): SplitLine {
  const reader: Reader = { text, at: 0 }
  const words: Word[] = []
  let isEnded = false
  while (reader.at < text.length) {
    const character = text.charAt(reader.at)
    if (character === '\n' || character === '\r') {
      isEnded ||= words.length > 0
      reader.at++
    } else if (/[ \t]/.test(character)) reader.at++
    else if (text.startsWith('\\\n', reader.at) || text.startsWith('\\\r\n', reader.at)) {
      reader.at += text.charAt(reader.at + 1) === '\n' ? 2 : 3
    } else if (character === '#') reader.at = endOfLine(text, reader.at)
    else if (isEnded)
      return { place: placeAt(text, reader.at), problem: 'A second command begins here; a file holds one.' }
    else {
      const word = readWord(reader)
      if ('problem' in word) return word
      words.push(word)
    }
  }
  return { words }
}

function readWord(reader: Reader): Word | { readonly place: Place; readonly problem: string } {
  const { text } = reader
  const begin = reader.at
  const fail = (problem: string): { place: Place; problem: string } => ({
    place: placeAt(text, reader.at),
    problem,
  })
  let word = ''
  while (reader.at < text.length) {
    const character = text.charAt(reader.at)
    // To a shell nothing else is blank: a form feed or a no-break space belongs to its word.
    if (/[ \t\r\n]/.test(character)) break
    if (/[;&|<>()]/.test(character))
      return fail(`The shell would read ${JSON.stringify(character)} by itself; put quotes around the word.`)
    if (
      character === '`' ||
      (character === '$' && /[A-Za-z0-9_{(@*#?!$'"-]/.test(text.charAt(reader.at + 1)))
    )
      return fail('What the shell would put here is not known; write the value.')
    if (character === "'") {
      const close = text.indexOf("'", reader.at + 1)
      if (close === -1) return fail('A quote is not closed.')
      word += text.slice(reader.at + 1, close)
      reader.at = close + 1
    } else if (character === '"') {
      const quoted = readQuoted(reader)
      if (typeof quoted !== 'string') return fail(quoted.problem)
      word += quoted
    } else if (character === '\\') {
      const next = text.charAt(reader.at + 1)
      if (next === '\n') reader.at += 2
      else {
        word += next
        reader.at += 2
      }
    } else {
      word += character
      reader.at++
    }
  }
  return { text: word, place: { ...placeAt(text, begin), length: reader.at - begin } }
}

/** Between double quotes a backslash means itself but before these, and a dollar sign a variable but at the end. */
function readQuoted(reader: Reader): string | { readonly problem: string } {
  const { text } = reader
  let word = ''
  for (let at = reader.at + 1; at < text.length; at++) {
    const character = text.charAt(at)
    if (character === '"') {
      reader.at = at + 1
      return word
    }
    if (character === '\\' && /[$`"\\\n]/.test(text.charAt(at + 1))) {
      at++
      if (text.charAt(at) !== '\n') word += text.charAt(at)
    } else if (
      character === '`' ||
      (character === '$' && /[A-Za-z0-9_{(@*#?!$-]/.test(text.charAt(at + 1)))
    ) {
      return { problem: 'What the shell would put here is not known; write the value, or use single quotes.' }
    } else word += character
  }
  return { problem: 'A quote is not closed.' }
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end === -1 ? text.length : end
}

export function placeAt(text: string, at: number): Place {
  const before = text.slice(0, at).split('\n')
  return { line: before.length, column: (before.at(-1) ?? '').length + 1, length: 1, path: '' }
}
