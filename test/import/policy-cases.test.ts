/**
 * The cases of other systems, from their documentation and their own tests, run through import and an offline plan:
 * nothing that the source keeps goes, and where more is kept a warning says so.
 */
import { describe, expect, it } from 'vitest'
import { importers } from '../../src/core/import/importers.ts'
import { policyCases } from './cases.ts'
import { expectValid } from './expect-valid.ts'
import { runCase } from './run-case.ts'
import { sharedCasesFile } from './shared-cases.ts'

/** Cases in which the import keeps more than the source; docs/import/README.md lists them with their reasons. */
const exceptions: ReadonlySet<string> = new Set([
  'ecr-emu-since-transitioned',
  'acr-lookbehind',
  'snok-keep1',
])

const systems = importers
  .map(({ system }) => system)
  .filter((system) => policyCases.some((each) => each.system === system))

describe.each(systems)('%s', (system) => {
  const cases = policyCases.filter((each) => each.system === system).map((each) => [each.id, each] as const)

  it.each(cases)('%s', async (id, each) => {
    const { tooMuch, tooLittle, warnings, yaml, code, stderr } = await runCase(each)
    const told = `${yaml}\n${stderr}`
    expect(tooMuch, told).toEqual([])
    expect(tooLittle.length === 0 || warnings.length > 0 || code === 3, told).toBe(true)
    if (code === 0) expectValid(yaml)
    // One that decides alike is to leave the list, here and in the documentation.
    expect(tooLittle.length > 0, told).toBe(exceptions.has(id))
  })
})

it.skipIf(policyCases.length === 0)(`${sharedCasesFile('policy-cases.json')} has 104 cases`, () => {
  expect(policyCases).toHaveLength(104)
})

it.skipIf(policyCases.length === 0)('at most one case in twenty is an exception', () => {
  expect(exceptions.size).toBeLessThanOrEqual(policyCases.length / 20)
})
