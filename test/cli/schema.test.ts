/** What the commands write is what their schemas say, and the schemas refuse what is not. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  applySchema,
  evidenceSchema,
  historySchema,
  inventorySchema,
  planSchema,
} from '../../src/cli/schemas/file-formats.ts'
import { jsonSchemas } from '../../src/cli/schemas/json-schemas.ts'
import {
  doctorSchema,
  explainSchema,
  policyCheckSchema,
  sweepSchema,
  undoSchema,
  verifySchema,
} from '../../src/cli/schemas/report-formats.ts'
import { makeSampleFolder, type SampleFolder } from '../support/sample-folder.ts'
import { winnow } from '../support/winnow-in-process.ts'

describe('winnow schema', () => {
  it('prints the schema of winnow.yaml when nothing is named', async () => {
    const { code, stdout } = await winnow(['schema'])
    expect(code).toBe(0)
    expect(stdout).toBe(await readFile('winnow.schema.json', 'utf8'))
  })

  it.each([...jsonSchemas.keys()].filter((name) => name !== 'configuration'))(
    'prints that of %s',
    async (name) => {
      const { code, stdout } = await winnow(['schema', name])
      expect(code).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        title: `${name}/v1`,
        type: 'object',
      })
    },
  )

  it('ends with 64 for a format there is not', async () => {
    const { code, stderr } = await winnow(['schema', 'sbom'])
    expect(code).toBe(64)
    expect(stderr).toContain('inventory')
  })
})

describe('the documents of a whole run', { timeout: 300_000 }, () => {
  let sample: SampleFolder

  beforeAll(async () => {
    sample = await makeSampleFolder()
  })

  afterAll(() => sample.remove())

  it('are as their schemas say', async () => {
    const json = async (...words: readonly string[]): Promise<unknown> =>
      JSON.parse((await winnow([...words, ...sample.words, '-o', 'json'])).stdout)
    const plan = planSchema.parse(await json('plan', '--out', join(sample.path, 'plan.json')))
    expect(plan.actions.length).toBeGreaterThan(0)
    const applied = applySchema.parse(await json('apply', join(sample.path, 'plan.json'), '--yes'))
    expect(applied).toMatchObject({ outcome: 'done' })
    expect(applied.lines).toHaveLength(plan.actions.length)
    const { runs } = historySchema.parse(await json('history'))
    expect(runs).toMatchObject([{ id: applied.run, kind: 'apply', outcome: 'done' }])
    const undone = undoSchema.parse(await json('undo', applied.run ?? '', '--yes'))
    expect(undone).toMatchObject({ undone: applied.run, outcome: 'done' })
    const explained = explainSchema.parse(await json('explain', 'team/web:latest'))
    expect(explained).toMatchObject({ repository: 'team/web', outcome: 'keep' })
    expect(verifySchema.parse(await json('verify')).counts).toMatchObject({ missing: 0, broken: 0 })
    expect(doctorSchema.parse(await json('doctor')).healthy).toBe(true)
    expect(policyCheckSchema.parse(await json('policy', 'check')).valid).toBe(true)
  })

  it('are so for sweeps too', async () => {
    const sweep = async (...words: readonly string[]): Promise<ReturnType<typeof sweepSchema.parse>> => {
      const { code, stdout, stderr } = await winnow(['sweep', ...words, ...sample.words, '-o', 'json'])
      expect(code, stderr).toBe(0)
      return sweepSchema.parse(JSON.parse(stdout))
    }
    expect((await winnow(['apply', '--yes', ...sample.words])).code).toBe(0)
    const plan = await sweep()
    expect(plan).toMatchObject({ applied: false, complete: true, mode: 'online' })
    expect(plan.actions).toHaveLength(plan.summary.setAside)
    const done = await sweep('--apply', '--settle', '0s')
    expect(done).toMatchObject({
      applied: true,
      complete: true,
      summary: { setAside: plan.summary.setAside },
    })
    const back = await sweep('--restore', done.run)
    expect(back.summary.restored).toBe(plan.summary.setAside)
    const freed = await sweep('--apply', '--quarantine', '0s', '--settle', '0s')
    const kinds = new Set(freed.actions.map(({ kind }) => kind))
    expect(kinds).toEqual(new Set(['set-aside', 'free', 'remove-link']))

    const history = async (...words: readonly string[]): Promise<string> =>
      (await winnow(['history', ...words, ...sample.words])).stdout
    const { runs } = historySchema.parse(JSON.parse(await history('-o', 'json')))
    const blobs = plan.summary.setAside
    const bytes = plan.summary.bytesGarbage
    const none = { setAside: 0, bytesSetAside: 0, restored: 0, bytesRestored: 0, freed: 0, bytesFreed: 0 }
    expect(runs.slice(0, 3)).toMatchObject([
      {
        ...{ id: freed.run, kind: 'sweep', outcome: 'done' },
        swept: { ...none, setAside: blobs, bytesSetAside: bytes, freed: blobs, bytesFreed: bytes },
      },
      {
        ...{ id: back.run, kind: 'restore', outcome: 'done', undoOf: done.run },
        swept: { ...none, restored: blobs, bytesRestored: bytes },
      },
      { id: done.run, kind: 'sweep', swept: { ...none, setAside: blobs, bytesSetAside: bytes } },
    ])
    const table = await history('-o', 'wide')
    expect(table).toMatch(new RegExp(`restore .*${blobs} restored \\(.*of ${done.run}`))
    expect(table).toMatch(new RegExp(`sweep .*${blobs} set aside \\(.*${blobs} freed \\(`))
    expect((await winnow(['undo', back.run ?? '', '--yes', ...sample.words])).code).toBe(64)
  })
})

it.each([
  { name: 'a plan without fingerprints', schema: planSchema, document: { schemaVersion: 'plan/v1' } },
  { name: 'another version', schema: historySchema, document: { schemaVersion: 'history/v2', runs: [] } },
  {
    name: 'a manifest without digest',
    schema: inventorySchema,
    document: {
      schemaVersion: 'inventory/v1',
      registry: 'a',
      repositories: [{ name: 'x', manifests: [{}] }],
    },
  },
  {
    name: 'a freed blob without digest',
    schema: sweepSchema.pick({ actions: true }),
    document: { actions: [{ kind: 'free', sizeBytes: 1, reason: 'due' }] },
  },
  {
    name: 'a time without offset',
    schema: evidenceSchema,
    document: { schemaVersion: 'evidence/v1', takenAt: '2026-01-31T00:00:00', sources: [] },
  },
])('$name is refused', ({ schema, document }) => {
  expect(schema.safeParse(document).success).toBe(false)
})

it('keys of a later version are allowed', () => {
  const document = { schemaVersion: 'history/v1', runs: [], later: true }
  expect(historySchema.safeParse(document).success).toBe(true)
})
