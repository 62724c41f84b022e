/**
 * The first mistake of a text that is meant to be JSON (RFC 8259): where it is, what is wrong, and what would be right.
 * A file that was cut off is told as one: it ends too early, wherever that was. No message quotes the text, which may
 * hold a secret.
 */

export interface JsonMistake {
  /** In characters from the beginning of the text. */
  readonly at: number
  /** Full sentences. */
  readonly message: string
  readonly hint: string
}

type Expected = 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'comma or end' | 'nothing'

interface Opened {
  readonly bracket: '{' | '['
  readonly at: number
}

interface Scan {
  readonly text: string
  at: number
  expected: Expected
  readonly opened: Opened[]
}

/** @returns undefined where the text is JSON */
export function findJsonMistake(text: string): JsonMistake | undefined {
  const scan: Scan = { text, at: 0, expected: 'value', opened: [] }
  for (;;) {
    scan.at += /^[ \t\r\n]*/.exec(text.slice(scan.at, scan.at + blanksMax))?.[0].length ?? 0
    const character = text.charAt(scan.at)
    if (/[ \t\r\n]/.test(character)) continue
    if (character === '') return scan.expected === 'nothing' ? undefined : endsEarly(scan)
    const mistake = step(scan, character)
    if (mistake !== undefined) return mistake
  }
}

/** Blanks are passed in pieces, so that a long file is not copied at every one of them. */
const blanksMax = 200

function step(scan: Scan, character: string): JsonMistake | undefined {
  switch (character) {
    case '{':
    case '[':
      if (!takesValue(scan)) return unexpected(scan)
      scan.opened.push({ bracket: character, at: scan.at++ })
      scan.expected = character === '{' ? 'key or end' : 'value or end'
      return undefined
    case '}':
    case ']':
      return close(scan, character)
    case ',':
      if (scan.expected !== 'comma or end') return unexpected(scan)
      scan.at++
      scan.expected = scan.opened.at(-1)?.bracket === '{' ? 'key' : 'value'
      return undefined
    case ':':
      if (scan.expected !== 'colon') return unexpected(scan)
      scan.at++
      scan.expected = 'value'
      return undefined
    case '"':
      return scan.expected === 'key' || scan.expected === 'key or end' || takesValue(scan)
        ? readText(scan)
        : unexpected(scan)
    default:
      return takesValue(scan) ? readWord(scan) : unexpected(scan)
  }
}

function takesValue({ expected }: Scan): boolean {
  return expected === 'value' || expected === 'value or end'
}

function afterValue(scan: Scan): void {
  scan.expected = scan.opened.length === 0 ? 'nothing' : 'comma or end'
}

function close(scan: Scan, character: '}' | ']'): JsonMistake | undefined {
  const last = scan.opened.at(-1)
  const isEnd = scan.expected.endsWith('or end')
  if (last === undefined || !isEnd || (last.bracket === '{') !== (character === '}')) return unexpected(scan)
  scan.opened.pop()
  scan.at++
  afterValue(scan)
  return undefined
}

/** A key or a value in double quotes. */
function readText(scan: Scan): JsonMistake | undefined {
  const begin = scan.at
  const plain = /[^"\\\u0000-\u001f]*/y
  for (scan.at++; ;) {
    plain.lastIndex = scan.at
    scan.at += plain.exec(scan.text)?.[0].length ?? 0
    const character = scan.text.charAt(scan.at)
    if (character === '"') break
    if (character === '') return endsEarly(scan, begin)
    if (character !== '\\') {
      const message = 'A text in double quotes is not closed in its line.'
      return { at: begin, message, hint: String.raw`Close it; a line break inside a text is written \n.` }
    }
    const [escape] = /^\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})/.exec(scan.text.slice(scan.at, scan.at + 6)) ?? []
    if (escape === undefined) {
      if (scan.at + 6 > scan.text.trimEnd().length && !scan.text.includes('"', scan.at + 2))
        return endsEarly(scan, begin)
      const message = 'This is no escape that JSON knows.'
      return {
        at: scan.at,
        message,
        hint: String.raw`A backslash that means itself is written twice: "\\d".`,
      }
    }
    scan.at += escape.length
  }
  scan.at++
  if (scan.expected.startsWith('key')) scan.expected = 'colon'
  else afterValue(scan)
  return undefined
}

/** A number, `true`, `false` or `null`. */
function readWord(scan: Scan): JsonMistake | undefined {
  const word = /^[\w.+-]+/.exec(scan.text.slice(scan.at, scan.at + wordMax))?.[0] ?? ''
  const isValue = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/.test(word)
  if (!isValue) {
    const isCut = scan.at + word.length === scan.text.trimEnd().length
    return isCut && scan.opened.length > 0 && word !== '' ? endsEarly(scan) : unexpected(scan)
  }
  scan.at += word.length
  afterValue(scan)
  return undefined
}

/** No number of a policy is longer. */
const wordMax = 100

/** What could stand here, as people say it. */
function expectedText({ expected, opened }: Scan): string {
  const last = opened.at(-1)?.bracket === '{' ? '"}"' : '"]"'
  const texts: Readonly<Record<Expected, string>> = {
    value: 'a value',
    'value or end': `a value or ${last}`,
    key: 'a key in double quotes',
    'key or end': `a key in double quotes or ${last}`,
    colon: 'a colon',
    'comma or end': `a comma or ${last}`,
    nothing: 'the end of the file',
  }
  return texts[expected]
}

function unexpected(scan: Scan): JsonMistake {
  return {
    at: scan.at,
    message: `This is no JSON: here ${expectedText(scan)} is expected.`,
    hint: hintFor(scan),
  }
}

function hintFor({ text, at, expected }: Scan): string {
  const rest = text.slice(at, at + 2)
  if (expected === 'nothing') return 'A file holds one document. Take out what follows it.'
  if (/^(?:\/[/*]|#)/.test(rest)) return 'JSON knows no comments. Take it out.'
  if (rest.startsWith("'")) return 'Texts of JSON stand in double quotes.'
  if (/^[}\]]/.test(rest) && (expected === 'value' || expected === 'key'))
    return 'Take out the comma before it.'
  if (expected === 'comma or end' && /^["{[]/.test(rest)) return 'Is there a comma missing before it?'
  return 'Correct it, or get the file once more.'
}

/** @param textAt where the text in quotes begins that the file ends in */
function endsEarly(scan: Scan, textAt?: number): JsonMistake {
  const open = scan.opened.at(-1)
  const parts = [
    ...(textAt === undefined ? [] : [`a text in double quotes (line ${lineOf(scan.text, textAt)})`]),
    ...(open === undefined ? [] : [`"${open.bracket}" of line ${lineOf(scan.text, open.at)}`]),
  ]
  const told =
    parts.length === 0
      ? `${expectedText(scan)} is still to come`
      : `${parts.join(' and ')} ${parts.length === 1 ? 'is' : 'are'} not closed`
  return {
    at: scan.text.trimEnd().length,
    message: `The file ends too early: ${told}.`,
    hint: 'It was cut off when it was saved or copied, and what is missing bears on what is deleted. Get the whole file.',
  }
}

function lineOf(text: string, at: number): number {
  return text.slice(0, at).split('\n').length
}
