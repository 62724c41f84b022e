/**
 * Reads values of a policy file strictly: a wrong type, an unknown choice or a key that nobody expected is a finding,
 * all findings are told at once, and one is enough for nothing to be imported. A rule that was half understood deletes.
 */
import type { Place, SourceList, SourceMap, SourceValue } from './source-document.ts'

export interface ImportFinding {
  readonly place: Place
  /** A full sentence: what, and why it cannot be taken over. */
  readonly message: string
  readonly hint?: string
}

export interface ImportWarning {
  readonly place: Place | undefined
  /** What differs, and that it errs towards keeping. */
  readonly text: string
  /** Other lines of which the same is to be said, rising. */
  readonly alsoAt: readonly number[]
}

export interface Reading {
  readonly findings: readonly ImportFinding[]
  readonly warnings: readonly ImportWarning[]
  refuse(place: Place, message: string, hint?: string): void
  /** Each text is told once, with every line that it is said of. */
  warn(place: Place | undefined, text: string): void
  /** The map that `value` is; keys outside `known` and `ignored` are findings. */
  map(value: SourceValue | undefined, at: Place, shape: MapShape): SourceMap | undefined
  list(value: SourceValue | undefined, at: Place, what: string): SourceList | undefined
  text(value: SourceValue | undefined): string | undefined
  /** A list of texts; one text where `orOne` is given. */
  texts(value: SourceValue | undefined, options?: { readonly orOne?: boolean }): readonly string[] | undefined
  whole(value: SourceValue | undefined, range?: WholeRange): number | undefined
  flag(value: SourceValue | undefined): boolean | undefined
  choice<T extends string>(
    value: SourceValue | undefined,
    choices: readonly T[],
    options?: Choosing,
  ): T | undefined
}

export interface MapShape {
  /** What it is called in messages: `a rule`. */
  readonly what: string
  readonly known: readonly string[]
  /** Keys that say nothing about retention. */
  readonly ignored?: readonly string[]
  /** Known keys that may hold null, for "not set"; in all others it is a finding. @default all of them */
  readonly orNothing?: readonly string[]
  /** Other keys have no bearing either: for whole configuration files. @default false */
  readonly isOpen?: boolean
}

interface WholeRange {
  /** @default 0 */
  readonly min?: number
  /** Null is "not set". @default true, and false where at least 1 is asked for: there a number has to stand */
  readonly orNothing?: boolean
  /** @default 1 000 000 000 */
  readonly max?: number
  /** Digits in quotes are a number, too. @default false */
  readonly orText?: boolean
}

interface Choosing {
  /** Null is "not set". @default false: a choice has to be made */
  readonly orNothing?: boolean
  /** Upper and lower case are one. @default false */
  readonly foldCase?: boolean
}

/** No policy that people wrote has more rules, filters or patterns in one list; some would take minutes to import. */
export const listMax = 200

/** More findings help nobody. */
const findingsMax = 50

export function startReading(): Reading {
  const findings: ImportFinding[] = []
  const warnings: (ImportWarning & { alsoAt: number[] })[] = []
  const refuse = (place: Place, message: string, hint?: string): void => {
    if (findings.length < findingsMax) findings.push({ place, message, ...(hint !== undefined && { hint }) })
  }
  const isTooLong = (value: SourceList): boolean => {
    const count = value.items.length
    if (count > listMax)
      refuse(value.place, `Here stand ${count} entries, and at most ${listMax} are imported.`, split)
    return count > listMax
  }
  const wrong = (value: SourceValue, expected: string): undefined => {
    // Of a null that was refused with its map nothing more is to be said.
    const isTold = value.kind === 'nothing' && findings.some(({ place }) => place === value.place)
    if (!isTold) refuse(value.place, `Here stands ${describe(value)}, and ${expected} is expected.`)
    return undefined
  }
  const refuseNothing = (map: SourceMap, { known, orNothing = known }: MapShape): void => {
    for (const [key, { value }] of map.entries) {
      if (value.kind !== 'nothing' || !known.includes(key) || orNothing.includes(key)) continue
      const message = `\`${key}\` is null here, and what that deletes nobody can tell, so nothing is imported.`
      refuse(value.place, message, 'Write its value, or leave the key out.')
    }
  }
  const reading: Reading = {
    findings,
    warnings,
    refuse,
    warn(place, text) {
      const same = warnings.find((other) => other.text === text)
      if (same === undefined) warnings.push({ place, text, alsoAt: [] })
      else if (place !== undefined && same.place?.line !== place.line)
        same.alsoAt = [...new Set([...same.alsoAt, place.line])].toSorted((a, b) => a - b)
    },
    map(value, at, shape) {
      if (value === undefined) {
        refuse(at, `${capital(shape.what)} is missing here.`)
        return undefined
      }
      if (value.kind !== 'map') return wrong(value, shape.what)
      if (shape.isOpen !== true) refuseUnknown(value, shape, refuse)
      refuseNothing(value, shape)
      return value
    },
    list(value, at, what) {
      if (value?.kind === 'list') return isTooLong(value) ? undefined : value
      if (value !== undefined) return wrong(value, what)
      refuse(at, `${capital(what)} is missing here.`)
      return undefined
    },
    text(value) {
      if (value === undefined || value.kind === 'nothing') return undefined
      return value.kind === 'text' ? value.value : wrong(value, 'text')
    },
    texts(value, options = {}) {
      if (value === undefined || value.kind === 'nothing') return undefined
      if (value.kind === 'text' && options.orOne === true) return [value.value]
      if (value.kind !== 'list') return wrong(value, 'a list of texts')
      if (isTooLong(value)) return undefined
      return value.items.flatMap((item) =>
        item.kind === 'text' ? [item.value] : (wrong(item, 'text') ?? []),
      )
    },
    whole(value, { min = 0, max = 1_000_000_000, orText = false, orNothing = min === 0 } = {}) {
      if (value === undefined || (orNothing && value.kind === 'nothing')) return undefined
      const number =
        orText && value.kind === 'text' && /^\d+$/.test(value.value) ? Number(value.value) : value
      const found = typeof number === 'number' ? number : number.kind === 'number' ? number.value : undefined
      if (found !== undefined && Number.isInteger(found) && found >= min && found <= max) return found
      return wrong(value, min === 0 ? 'a whole number' : `a whole number of at least ${min}`)
    },
    flag(value) {
      if (value === undefined || value.kind === 'nothing') return undefined
      return value.kind === 'flag' ? value.value : wrong(value, 'true or false')
    },
    choice(value, choices, { foldCase = false, orNothing = false } = {}) {
      if (value?.kind === 'nothing' && !orNothing) return wrong(value, `one of ${choices.join(', ')}`)
      const text = reading.text(value)
      if (value === undefined || text === undefined) return undefined
      const fold = (word: string): string => (foldCase ? word.toLowerCase() : word)
      const found = choices.find((choice) => fold(choice) === fold(text))
      if (found === undefined) {
        const meant = sameWord(text, choices)
        const hint = `Known are: ${choices.join(', ')}.${meant === undefined ? '' : ` Did you mean ${meant}?`}`
        refuse(
          value.place,
          `${JSON.stringify(text)} is not known here, and it bears on what is deleted.`,
          hint,
        )
      }
      return found
    },
  }
  return reading
}

const split = 'Import a part of them at a time.'

function refuseUnknown(map: SourceMap, shape: MapShape, refuse: Reading['refuse']): void {
  for (const [key, { keyPlace }] of map.entries) {
    if (shape.known.includes(key) || shape.ignored?.includes(key) === true) continue
    const meant = sameWord(key, shape.known)
    refuse(
      keyPlace,
      `${shape.what} has the unknown key ${JSON.stringify(key)}. It may bear on what is deleted, so nothing is imported.`.replace(
        /^./,
        (first) => first.toUpperCase(),
      ),
      meant === undefined
        ? `Known are: ${shape.known.join(', ')}.`
        : `Did you mean ${JSON.stringify(meant)}?`,
    )
  }
}

function describe(value: SourceValue): string {
  switch (value.kind) {
    case 'map':
      return 'a map'
    case 'list':
      return 'a list'
    case 'nothing':
      return 'nothing'
    case 'text':
    case 'number':
    case 'flag':
      return JSON.stringify(value.value).slice(0, 60)
  }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** The word that differs only in case, dashes or underscores. */
function sameWord(word: string, candidates: readonly string[]): string | undefined {
  const plain = (text: string): string => text.toLowerCase().replace(/[-_ ]/g, '')
  return candidates.find((candidate) => plain(candidate) === plain(word))
}
