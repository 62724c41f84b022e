/** What every imported configuration has to be: loaded without a warning, as the JSON Schema has it, and free of lint. */
import { expect } from 'vitest'
import { parse } from 'yaml'
import * as z from 'zod'
import { lintConfiguration } from '../../src/config/lint.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import { printSchema } from '../../src/config/schema.ts'

const schema = z.fromJSONSchema(printSchema())

/** What the source brings about, and what the file says of it in a comment. */
const expected = [
  /^Nobody is asked what is in use/,
  /^This switches a protection off/,
  /^This switches the limit off/,
  /^No rule deletes and what is left is kept/,
  /^This deletes every image that no rule keeps/,
  // A source may say nothing, twice, or the contrary of what it just said; so does what is imported.
  /^This rule keeps nothing/,
  /^No rule keeps anything/,
  /^This takes out all that the others let in/,
  /^This policy is never reached/,
  /^An empty `not` takes every image out/,
]

/** Remarks of `winnow policy check` that nobody expects of an imported file. */
export function lintOf(yaml: string): readonly string[] {
  const configuration = loadConfiguration({ path: 'winnow.yaml', text: yaml })
  return lintConfiguration(configuration)
    .map(({ line, message }) => `${line}: ${message}`)
    .filter((told) => !expected.some((text) => text.test(told.replace(/^\d+: /, ''))))
}

export function expectValid(yaml: string): void {
  expect(loadConfiguration({ path: 'winnow.yaml', text: yaml }).warnings, yaml).toEqual([])
  expect(schema.safeParse(parse(yaml)).error?.issues, yaml).toBeUndefined()
  expect(lintOf(yaml), yaml).toEqual([])
}
