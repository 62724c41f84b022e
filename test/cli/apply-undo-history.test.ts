/** From a plan to a deletion and back, on a small part of the sample world. */
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { treeDigest } from '../../src/cli/tree-digest.ts'
import { makeSampleFolder, type SampleFolder } from '../support/sample-folder.ts'
import { winnow } from '../support/winnow-in-process.ts'

let sample: SampleFolder
let before: string

beforeAll(async () => {
  sample = await makeSampleFolder()
  const config = at('winnow.yaml')
  const text = await readFile(config, 'utf8')
  await writeFile(config, text.replace('["team/**"]', '[team/worker]'))
  before = await registryNow()
})

afterAll(() => sample.remove())

const at = (name: string): string => join(sample.path, name)

async function registryNow(): Promise<string> {
  return (await treeDigest(at('registry'))).digest
}

interface Report {
  readonly run: string
  readonly outcome: string
  readonly counts: Readonly<Record<string, number>>
  readonly lines: readonly { readonly outcome: string; readonly digest: string; readonly text: string }[]
}

async function historyNow(): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { stdout } = await winnow(['history', '-o', 'json', ...sample.words])
  const { schemaVersion, runs } = JSON.parse(stdout) as {
    schemaVersion: string
    runs: Record<string, unknown>[]
  }
  expect(schemaVersion).toBe('history/v1')
  return runs
}

it('has no history before the first run', async () => {
  const { code, stdout } = await winnow(['history', ...sample.words])
  expect([code, stdout]).toEqual([0, 'No runs yet.\n'])
})

it('deletes nothing without a terminal and without --yes', async () => {
  const { code, stdout, stderr } = await winnow(['apply', ...sample.words])
  expect([code, stdout]).toEqual([64, ''])
  expect(stderr).toContain('Add --yes')
  expect(await registryNow()).toBe(before)
})

it('applies a saved plan, spares what moved since and ends with 4, and undo brings every byte back', async () => {
  await winnow(['plan', '--out', at('plan.json'), ...sample.words])
  // A push to one planned tag comes between: the tag then names an image that stays.
  const tags = at('registry/docker/registry/v2/repositories/team/worker/_manifests/tags')
  await cp(join(tags, '1.6.0/current/link'), join(tags, 'pr-129/current/link'))
  const moved = await registryNow()

  const applied = await winnow(['apply', at('plan.json'), '--yes', '-o', 'json', ...sample.words])
  const report = JSON.parse(applied.stdout) as Report
  expect(applied.code).toBe(4)
  expect(report.outcome).toBe('partly')
  expect(report.counts['drifted']).toBe(1)
  expect(report.lines.filter(({ outcome }) => outcome === 'deleted')).toHaveLength(
    report.counts['deleted'] ?? 0,
  )
  expect(report.lines.find(({ outcome }) => outcome === 'drifted')?.text).toContain('pr-129')
  expect(await registryNow()).not.toBe(moved)
  expect(await historyNow()).toMatchObject([
    { id: report.run, kind: 'apply', outcome: 'partly', undoable: true },
  ])

  const one = await winnow(['undo', report.run, 'team/worker:pr-128', '--yes', ...sample.words])
  expect(one.code).toBe(0)
  expect(one.stdout).toContain('Put back 1 manifest and 1 tag')

  const all = await winnow(['undo', report.run, '--yes', ...sample.words])
  expect(all.code).toBe(0)
  expect(all.stdout).toContain('2 were there already')
  expect(await registryNow()).toBe(moved)
  expect((await historyNow()).map(({ kind, undoOf }) => [kind, undoOf])).toEqual([
    ['undo', report.run],
    ['undo', report.run],
    ['apply', null],
  ])
})

it('shows its own plan, deletes, and says how to take it back', async () => {
  const { code, stdout } = await winnow(['apply', '--yes', ...sample.words])
  expect(code).toBe(0)
  const run = /^Undo: {2}winnow undo (r-\S+) --config .* --state .*$/m.exec(stdout)?.[1] ?? ''
  expect(stdout).toMatch(/^Plan: delete \d+ images? /m)
  expect(stdout).toMatch(/^Deleted \d+ images? \(\d+ manifests?\)$/m)
  const again = await winnow(['apply', '--yes', ...sample.words])
  expect(again.code).toBe(0)
  expect(again.stdout).toContain('Nothing to do.')
  expect((await historyNow())[0]?.['id']).toBe(run)
})

it('undoes nothing that the run did not remove', async () => {
  const [newest] = await historyNow()
  const { code, stderr } = await winnow([
    'undo',
    String(newest?.['id']),
    'team/worker:nope',
    '--yes',
    ...sample.words,
  ])
  expect(code).toBe(64)
  expect(stderr).toContain('removed nothing called team/worker:nope')
})
