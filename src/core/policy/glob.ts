/**
 * Globs, read into parts. `compile-patterns.ts` decides how the parts are matched; nothing here matches anything.
 *
 * What looks like a construct and is not finished (`[a`, `{a`) is refused: taken literally it would match no tag, and
 * a keep rule that silently matches nothing deletes.
 */
import { PatternError } from './pattern-error.ts'

/** `tag`: `*` is any run of characters. `path`: `*` and `?` stop at `/`, `**` does not. */
export type PatternScope = 'tag' | 'path'

export type GlobPart =
  | { readonly kind: 'literal'; readonly text: string }
  /** Any run of characters, also none; `crosses` says whether `/` may be in it. */
  | { readonly kind: 'run'; readonly crosses: boolean }
  /** `**` and the slash after it: whole path segments, also none, so that `**` + `/app` finds `app` and `team/app`. */
  | { readonly kind: 'segments' }
  | { readonly kind: 'one' }
  /** `[…]`, as RE2 writes it. */
  | { readonly kind: 'class'; readonly negated: boolean; readonly ranges: readonly CharacterRange[] }
  | { readonly kind: 'alternatives'; readonly branches: readonly (readonly GlobPart[])[] }

interface CharacterRange {
  readonly from: string
  readonly to: string
}

interface Reader {
  readonly source: string
  readonly characters: readonly string[]
  readonly scope: PatternScope
  position: number
  depth: number
}

/** Nested deeper than this, braces are a mistake or an attack. */
const depthMax = 8

/** @throws PatternError for a brace or bracket that is not closed, and for a range that runs backwards. */
export function parseGlob(source: string, scope: PatternScope): readonly GlobPart[] {
  return readParts({ source, characters: [...source], scope, position: 0, depth: 0 })
}

function readParts(reader: Reader): GlobPart[] {
  const parts: GlobPart[] = []
  while (reader.position < reader.characters.length) {
    const character = reader.characters[reader.position]
    if (reader.depth > 0 && (character === ',' || character === '}')) break
    const part = readPart(reader)
    const last = parts.at(-1)
    if (part.kind === 'literal' && last?.kind === 'literal') {
      parts[parts.length - 1] = { kind: 'literal', text: last.text + part.text }
    } else {
      parts.push(part)
    }
  }
  return parts
}

function readPart(reader: Reader): GlobPart {
  const character = reader.characters[reader.position++] ?? ''
  switch (character) {
    case '*':
      return readStars(reader)
    case '?':
      return { kind: 'one' }
    case '[':
      return readClass(reader)
    case '{':
      return readAlternatives(reader)
    case '\\':
      return { kind: 'literal', text: readEscaped(reader) }
    default:
      return { kind: 'literal', text: character }
  }
}

function readEscaped(reader: Reader): string {
  const escaped = reader.characters[reader.position++]
  if (escaped !== undefined) return escaped
  throw new PatternError(
    reader.source,
    'It ends in a backslash, which takes the special meaning from the character after it.',
    String.raw`Write "\\" for a backslash itself.`,
  )
}

function readStars(reader: Reader): GlobPart {
  const begin = reader.position - 1
  while (reader.characters[reader.position] === '*') reader.position++
  if (reader.scope === 'tag') return { kind: 'run', crosses: true }
  if (reader.position - begin === 1) return { kind: 'run', crosses: false }
  const startsSegment = begin === 0 || reader.characters[begin - 1] === '/'
  if (!startsSegment || reader.characters[reader.position] !== '/') return { kind: 'run', crosses: true }
  reader.position++
  return { kind: 'segments' }
}

function readAlternatives(reader: Reader): GlobPart {
  if (++reader.depth > depthMax) {
    throw new PatternError(
      reader.source,
      `Braces are nested deeper than ${depthMax}.`,
      'Write several patterns, one each line.',
    )
  }
  const branches: GlobPart[][] = []
  for (;;) {
    branches.push(readParts(reader))
    const end = reader.characters[reader.position++]
    if (end === '}') break
    if (end === undefined) {
      throw new PatternError(
        reader.source,
        'A brace is not closed.',
        String.raw`Close it, as in "{a,b}-*", or write "\{" for a brace itself.`,
      )
    }
  }
  reader.depth--
  return { kind: 'alternatives', branches }
}

function readClass(reader: Reader): GlobPart {
  const first = reader.characters[reader.position]
  const negated = first === '!' || first === '^'
  if (negated) reader.position++
  const ranges: CharacterRange[] = []
  // As everywhere since the Bourne shell, `]` right after the opening is a member.
  while (reader.characters[reader.position] !== ']' || ranges.length === 0) {
    const from = readClassCharacter(reader)
    const isRange =
      reader.characters[reader.position] === '-' && reader.characters[reader.position + 1] !== ']'
    if (isRange) reader.position++
    const to = isRange ? readClassCharacter(reader) : from
    if ((from.codePointAt(0) ?? 0) > (to.codePointAt(0) ?? 0)) {
      throw new PatternError(
        reader.source,
        `The range ${from}-${to} runs backwards.`,
        `Write "[${to}-${from}]", or put the dash last where it means itself.`,
      )
    }
    ranges.push({ from, to })
  }
  reader.position++
  return { kind: 'class', negated, ranges }
}

function readClassCharacter(reader: Reader): string {
  const character = reader.characters[reader.position++]
  if (character === undefined) {
    throw new PatternError(
      reader.source,
      'A bracket is not closed.',
      String.raw`Close it, as in "[0-9]*", or write "\[" for a bracket itself.`,
    )
  }
  if (character === '[' && reader.characters[reader.position] === ':') {
    throw new PatternError(
      reader.source,
      'Named classes such as [:alpha:] are not known in globs.',
      'Write the range, as in "[a-zA-Z]", or a regular expression between slashes.',
    )
  }
  return character === '\\' ? readEscaped(reader) : character
}
