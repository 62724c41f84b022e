import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import * as z from 'zod'
import { configurationReference } from './reference.ts'
import type { SchemaNode } from './schema-paths.ts'
import { alternatives, didYouMean } from './schema-paths.ts'
import { printSchema } from './schema.ts'

const example: unknown = parse(readFileSync(new URL('testdata/full.yaml', import.meta.url), 'utf8'))

/** Every named key of the schema, with its path. */
function keysOf(node: SchemaNode, path = ''): readonly (readonly [string, SchemaNode])[] {
  return alternatives(node).flatMap((each) => [
    ...Object.entries(each.properties ?? {}).flatMap(([name, child]) => [
      [`${path}.${name}`, child] as const,
      ...keysOf(child, `${path}.${name}`),
    ]),
    ...(each.items ? keysOf(each.items, `${path}[]`) : []),
    ...(typeof each.additionalProperties === 'object' ? keysOf(each.additionalProperties, `${path}.*`) : []),
  ])
}

describe('the JSON Schema', () => {
  it('gives every key a title and a description', () => {
    const keys = keysOf(printSchema())
    expect(keys.length).toBeGreaterThan(100)
    expect(keys.filter(([, node]) => !node.title || !node.description).map(([path]) => path)).toEqual([])
  })

  it('takes the example, and nothing with an unknown key', () => {
    const schema = z.fromJSONSchema(printSchema())
    expect(schema.safeParse(example).error?.issues).toBeUndefined()
    expect(schema.safeParse({ ...(example as object), polices: [] }).success).toBe(false)
    expect(schema.safeParse({ version: 2 }).success).toBe(false)
  })

  it('is plain JSON', () => {
    expect(JSON.parse(JSON.stringify(printSchema()))).toEqual(printSchema())
  })
})

describe('the reference page', () => {
  it('names every key of the schema', () => {
    const page = configurationReference()
    const missing = keysOf(printSchema()).filter(
      ([path]) => !page.includes(`| \`${path.split('.').at(-1) ?? ''}\` |`),
    )
    expect(missing.map(([path]) => path)).toEqual([])
    expect(page).toContain('The same keys as `policies[].rules[].match`.')
  })
})

describe('did you mean', () => {
  it.each([
    ['kep', ['keep', 'delete'], 'keep'],
    ['older_than', ['olderThan', 'all'], 'olderThan'],
    ['repositorys', ['registry', 'repositories'], 'repositories'],
    ['x', ['all', 'by'], undefined],
    ['zebra', ['keep'], undefined],
    ['a', [], undefined],
  ])('%s among %j: %s', (word, candidates, meant) => {
    expect(didYouMean(word, candidates)).toBe(meant)
  })
})
