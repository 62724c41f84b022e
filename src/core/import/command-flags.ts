/** Flags of a command line that is imported: each is known with its kind, or refused. */
import { fileStart, type Place, type SourceDocument } from './source-document.ts'
import type { Reading } from './reading.ts'
import { splitCommand, type Word } from './shell-words.ts'

export interface FlagValue {
  readonly text: string
  readonly place: Place
}

export interface CommandShape {
  /** The words that begin the command: `['acr', 'purge']`. */
  readonly begin: readonly string[]
  /** Flags with a value that bear on what is deleted. */
  readonly values: readonly string[]
  /** Flags with one value or more, up to the next flag (Python's argparse). @default none */
  readonly lists?: readonly string[]
  /** Flags without one. */
  readonly switches: readonly string[]
  /** Flags with a value that have no bearing. */
  readonly ignored: readonly string[]
  /** Other names of flags: `r` for `registry`. */
  readonly aliases?: Readonly<Record<string, string>>
  /** One dash is as good as two (Go's flag package). @default false */
  readonly oneDash?: boolean
}

export interface CommandFlags {
  readonly place: Place
  /** Every value of a flag, in order. */
  all(name: string): readonly FlagValue[]
  /** The last one: it is the one that counts. */
  last(name: string): FlagValue | undefined
  switch(name: string): FlagValue | undefined
}

/** Whether a text is the command, whatever its flags. */
export function isCommand({ text, documents }: SourceDocument, begin: readonly string[]): boolean {
  if (documents.length > 0 && documents[0]?.kind !== 'text') return false
  const split = splitCommand(text)
  const words = 'words' in split ? split.words.map((word) => word.text) : text.trim().split(/\s+/)
  return begin.every((word, index) => baseName(words[index] ?? '') === word)
}

export function readFlags(
  { text }: SourceDocument,
  shape: CommandShape,
  reading: Reading,
): CommandFlags | undefined {
  const split = splitCommand(text)
  if ('problem' in split) {
    reading.refuse(split.place, split.problem)
    return undefined
  }
  const { words } = split
  if (!shape.begin.every((word, index) => baseName(words[index]?.text ?? '') === word)) {
    reading.refuse(
      words[0]?.place ?? fileStart,
      `The command is not ${JSON.stringify(shape.begin.join(' '))}.`,
    )
    return undefined
  }
  const values = new Map<string, FlagValue[]>()
  const rest = words.slice(shape.begin.length)
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at]
    if (word === undefined) continue
    const taken = readFlag(word, rest[at + 1], shape, reading)
    if (taken === undefined) continue
    const more = shape.lists?.includes(taken.name) === true ? valuesAfter(rest, at + 1) : []
    values.set(taken.name, [...(values.get(taken.name) ?? []), taken.value, ...more.slice(1)])
    if (taken.usesNext) at += Math.max(more.length, 1)
  }
  return {
    place: words[0]?.place ?? fileStart,
    all: (name) => values.get(name) ?? [],
    last: (name) => values.get(name)?.at(-1),
    switch: (name) => {
      const value = values.get(name)?.at(-1)
      return value?.text === 'true' ? value : undefined
    },
  }
}

/** The words of a list: those before the next flag. */
function valuesAfter(words: readonly Word[], begin: number): readonly FlagValue[] {
  const end = words.findIndex((word, index) => index >= begin && word.text.startsWith('-'))
  return words.slice(begin, end === -1 ? undefined : end).map(({ text, place }) => ({ text, place }))
}

interface TakenFlag {
  readonly name: string
  readonly value: FlagValue
  readonly usesNext: boolean
}

function readFlag(
  word: Word,
  next: Word | undefined,
  shape: CommandShape,
  reading: Reading,
): TakenFlag | undefined {
  const [, dashes = '', written = '', joined] = /^(--?)([A-Za-z][\w-]*)(?:=([\s\S]*))?$/.exec(word.text) ?? []
  const alias = shape.aliases?.[written]
  const name = alias ?? written
  const isLong = dashes === '--' || shape.oneDash === true || (dashes === '-' && alias !== undefined)
  if (written === '' || !isLong) {
    reading.refuse(word.place, `${JSON.stringify(word.text)} is not a flag that is known here.`)
    return undefined
  }
  if (shape.switches.includes(name)) {
    const text = joined ?? 'true'
    if (!/^(?:true|false|1|0|t|f)$/i.test(text)) reading.refuse(word.place, `--${name} is true or false.`)
    return {
      name,
      value: { text: /^(?:true|1|t)$/i.test(text) ? 'true' : 'false', place: word.place },
      usesNext: false,
    }
  }
  const known = [...shape.values, ...(shape.lists ?? []), ...shape.switches]
  if (!known.includes(name) && !shape.ignored.includes(name)) {
    const hint = `Known are: ${known.map((each) => `--${each}`).join(', ')}.`
    reading.refuse(
      word.place,
      `--${written} is not known here. It may bear on what is deleted, so nothing is imported.`,
      hint,
    )
    return undefined
  }
  if (joined !== undefined) return { name, value: { text: joined, place: word.place }, usesNext: false }
  if (next === undefined || (shape.lists?.includes(name) === true && next.text.startsWith('-'))) {
    reading.refuse(word.place, `--${name} needs a value.`)
    return undefined
  }
  return { name, value: { text: next.text, place: next.place }, usesNext: true }
}

function baseName(word: string): string {
  return word.split('/').at(-1) ?? word
}

/** A whole number from a flag. */
export function wholeFlag(flag: FlagValue | undefined, reading: Reading): number | undefined {
  if (flag === undefined) return undefined
  if (/^\d{1,9}$/.test(flag.text)) return Number(flag.text)
  reading.refuse(flag.place, `${JSON.stringify(flag.text)} is not a whole number of at least 0.`)
  return undefined
}
