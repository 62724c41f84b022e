/**
 * Reads WWW-Authenticate (RFC 9110 section 11.6.1, formerly RFC 7235): several challenges in one header, several
 * headers joined by commas, quoted strings that hold commas and escaped quotes, names in any case.
 *
 * It never throws: a header that cannot be read gives the challenges before the damage.
 */

export interface Challenge {
  /** Lower case. */
  readonly scheme: string
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*(?=\s*(?:,|$))/y
const QUOTED = /"((?:[^"\\]|\\.)*)"/sy
const SPACE = /[ \t]*/y
const SEPARATORS = /[ \t,]*/y

/** All challenges of a header value, in the order they stand. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = []
  const at = { index: 0 }
  for (;;) {
    take(SEPARATORS, header, at)
    const name = take(TOKEN, header, at)
    if (name === undefined) return challenges
    take(SPACE, header, at)
    const current = challenges.at(-1)
    // `name=` continues the challenge before it; anything else begins a new one.
    if (header[at.index] === '=' && current !== undefined) {
      const value = takeValue(header, at)
      if (value === undefined) return challenges
      current.parameters.set(name.toLowerCase(), value)
      continue
    }
    challenges.push({ scheme: name.toLowerCase(), parameters: new Map() })
    skipToken68(header, at)
  }
}

interface Cursor {
  index: number
}

function take(pattern: RegExp, text: string, at: Cursor): string | undefined {
  pattern.lastIndex = at.index
  const match = pattern.exec(text)
  if (match === null) return undefined
  at.index = pattern.lastIndex
  return match[1] ?? match[0]
}

function takeValue(text: string, at: Cursor): string | undefined {
  at.index += 1
  take(SPACE, text, at)
  const quoted = take(QUOTED, text, at)
  if (quoted !== undefined) return quoted.replace(/\\(.)/gs, '$1')
  return take(TOKEN, text, at)
}

/** Negotiate and kin carry one opaque word instead of parameters. */
function skipToken68(text: string, at: Cursor): void {
  const start = at.index
  const word = take(TOKEN68, text, at)
  // A lone word before a comma may as well be the next scheme; only what looks opaque is skipped.
  if (word !== undefined && !/[=/+]/.test(word) && word.length < 16) at.index = start
}
