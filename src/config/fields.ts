/**
 * The kinds of values that keys of winnow.yaml have. Each checks itself completely, so that every mistake in a file is
 * found in one pass; what lies between keys is `checks.ts`.
 */
import * as z from 'zod'
import { PatternError } from '../core/policy/pattern-error.ts'
import { parseDuration } from './durations.ts'
import { parseSize } from './sizes.ts'

interface Refusal {
  readonly problem: string
  readonly hint: string
}

/** Gives a key its title and description, which the JSON Schema and the reference page show. */
export function key<T extends z.ZodType>(
  schema: T,
  title: string,
  description: string,
  more: Readonly<Record<string, unknown>> = {},
): T {
  return schema.meta({ title, description, ...more })
}

/** Text that `refuse` finds nothing wrong with. */
export function checkedText(refuse: (text: string) => Refusal | undefined): z.ZodString {
  return z.string().check((context) => {
    const refusal = refuse(context.value)
    if (!refusal) return
    const { problem: message, hint } = refusal
    context.issues.push({ code: 'custom', message, input: context.value, params: { hint } })
  })
}

/** Text that `compile` takes; what it throws as PatternError is the diagnostic. */
export function compiledText(compile: (source: string) => unknown): z.ZodString {
  return checkedText((source) => {
    try {
      compile(source)
      return undefined
    } catch (error) {
      if (error instanceof PatternError) return { problem: error.reason, hint: error.hint }
      throw error
    }
  })
}

export const duration: z.ZodString = checkedText((text) => {
  const parsed = parseDuration(text)
  return 'ms' in parsed ? undefined : parsed
}).meta({ examples: ['24h', '7d', 'P7D'] })

export const size = z
  .union([z.number(), z.string()])
  .check((context) => {
    if (parseSize(context.value) !== undefined) return
    context.issues.push({
      code: 'custom',
      message: 'This is not a size.',
      input: context.value,
      params: { hint: 'Write bytes, or a number and a unit: "100MiB", "1GB", "500k".' },
    })
  })
  .meta({ examples: ['100MiB', '1GB'] })

/** A whole number from `min` to `max`. */
export function wholeNumber(min: number, max: number): z.ZodInt {
  return z.int().min(min).max(max)
}

/** More than any registry has of anything. */
export const countMax = 1_000_000_000

export const count: z.ZodInt = wholeNumber(0, countMax)

/** Names of registries and sources: they stand in file names, on the command line and in plans. */
export const plainName: z.ZodString = checkedText((text) =>
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(text)
    ? undefined
    : {
        problem:
          'A name holds letters, digits, dots, dashes and underscores, begins with a letter or digit, and has at most 63 characters.',
        hint: 'Choose a name such as "prod-eu".',
      },
).meta({ examples: ['prod-eu'] })

/** Names of policies and rules: any line of text. */
export const title: z.ZodString = checkedText((text) =>
  text.trim() !== '' && text.length <= 200 && !/\p{Cc}/u.test(text)
    ? undefined
    : { problem: 'A name is one line of text with at most 200 characters.', hint: 'Choose a shorter name.' },
)

/** A path of a file or folder, or the name of an environment variable: any text but none. */
export const text: z.ZodString = checkedText((value) =>
  value.trim() === '' || value.includes('\0')
    ? { problem: 'This is empty.', hint: 'Write the value.' }
    : undefined,
)

export const variable: z.ZodString = checkedText((value) =>
  /^[A-Za-z_][A-Za-z0-9_]*$/.test(value)
    ? undefined
    : {
        problem: 'This is not the name of an environment variable.',
        hint: 'Write the name alone, without $, such as REGISTRY_PASSWORD. The value itself never stands in this file.',
      },
)

/** One or several; an empty list is refused, because "any of nothing" is never meant. */
export function oneOrMore<T extends z.ZodType>(element: T): z.ZodUnion<readonly [T, z.ZodArray<T>]> {
  return z.union([element, z.array(element).min(1)])
}

/** What `oneOrMore` read, as a list. */
export function listOf<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return []
  return Array.isArray(value) ? (value as readonly T[]) : [value as T]
}
