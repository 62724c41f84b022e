/** A plan applied and undone where referrers go with their subject: what has a tag of its own, above all. */
import { createHash } from 'node:crypto'
import { afterEach, expect, it } from 'vitest'
import { createMemoryJournalStore } from '../../src/adapters/journal/memory/journal-store.ts'
import { createMemoryLeaseStore } from '../../src/adapters/journal/memory/lease.ts'
import { apply, type ApplyReport } from '../../src/app/apply.ts'
import { plan } from '../../src/app/plan.ts'
import { planUndo, undo } from '../../src/app/undo.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import type { Digest } from '../../src/core/image/digest.ts'
import { parseRepositoryName, type RepositoryName, type TagName } from '../../src/core/image/names.ts'
import type { RunId } from '../../src/core/journal/entry.ts'
import { newRunId } from '../../src/core/journal/run-id.ts'
import { pushImage, pushReferrer, type PushedManifest } from '../servers/push.ts'
import { startAcrLab, type AcrLab } from './acr-lab.ts'

const repository = parseRepositoryName('team/app') as RepositoryName
let lab: AcrLab
afterEach(() => lab.stop())

interface Pushed {
  readonly image: PushedManifest
  readonly bill: PushedManifest
  readonly signature: PushedManifest
}

/** An image, a bill of materials with a tag of its own, and a signature of that bill without one. */
async function pushed(): Promise<Pushed> {
  lab = await startAcrLab()
  const url = lab.server.urlWithPassword
  const image = await pushImage(url, repository, { tags: ['1'] })
  const bill = await pushReferrer(url, repository, image.descriptor, { tags: ['bill'] })
  const signature = await pushReferrer(url, repository, bill.descriptor, {
    artifactType: 'application/vnd.example.signature',
  })
  return { image, bill, signature }
}

const hash = (texts: Iterable<string>): string =>
  `sha256:${createHash('sha256')
    .update([...texts].join(''))
    .digest('hex')}`

async function applied(kept: string, before: () => Promise<unknown> = async () => undefined) {
  const now = (): number => Date.now() + 1000
  const text = `version: 1
registries: {test: {url: "https://example.azurecr.io"}}
protect: {youngerThan: 0s, seenInUseWithin: 0s}
limits: {maxShare: 100%, minSurvivors: 0}
policies:
  - name: all
    repositories: ["team/app"]
    rules: [{match: {tags: ["${kept}"]}, keep: {all: true}}]
    unmatched: delete
`
  const { policySet } = loadConfiguration({ path: 'winnow.yaml', text })
  const ports = { sources: [], memory: undefined, now }
  const request = { registries: [], leftOut: [], accepted: [] }
  const planned = await plan(
    { ...request, policySet, policyText: '' },
    { ...ports, readers: [lab.reader], hash: (texts) => hash(texts) as Digest },
  )
  await before()
  const journal = createMemoryJournalStore()
  const applying = {
    ...ports,
    registries: new Map([[lab.reader.name, { reader: lab.reader, writer: lab.writer }]]),
    journal,
    leases: createMemoryLeaseStore(),
    newRunId: (at: number): RunId => newRunId(at, `000${Math.floor(Math.random() * 9)}`),
  }
  const given = { ...request, limits: policySet.limits, holder: 'test:1' }
  const report: ApplyReport = await apply(planned.plan, given, applying)
  const undoIt = async (): Promise<void> => {
    const undoing = await planUndo(report.run as RunId, {}, journal)
    await undo(undoing.run, undoing.plan, 'test:1', applying)
  }
  return { report, undoIt }
}

const isThere = async ({ digest }: PushedManifest): Promise<boolean> =>
  (await lab.reader.readManifest(repository, digest as Digest)) !== undefined
const pointsAt = (tag: string): Promise<Digest | undefined> =>
  lab.reader.resolveTag(repository, tag as TagName)

it('brings back a referrer and its tag that went with their subject', async () => {
  const { image, bill, signature } = await pushed()
  const { report, undoIt } = await applied('nothing')
  expect(report.lines.map(({ outcome }) => outcome)).toEqual(['deleted', 'deleted'])
  for (const each of [image, bill, signature]) expect(await isThere(each)).toBe(false)
  await undoIt()
  for (const each of [image, bill, signature]) expect(await isThere(each)).toBe(true)
  expect([await pointsAt('1'), await pointsAt('bill')]).toEqual([image.digest, bill.digest])
})

it('keeps the subject of a referrer that stays', async () => {
  const { image, bill } = await pushed()
  const { report } = await applied('bill')
  expect(report.lines).toEqual([])
  expect([await isThere(image), await isThere(bill)]).toEqual([true, true])
})

it('keeps the subject of a referrer that came after the plan', async () => {
  const { image } = await pushed()
  const url = lab.server.urlWithPassword
  let late: PushedManifest | undefined
  const { report } = await applied('nothing', async () => {
    late = await pushReferrer(url, repository, image.descriptor, {
      tags: ['late'],
      content: Buffer.from('late'),
    })
  })
  expect(report.lines.map(({ outcome }) => outcome)).toContain('drifted')
  expect([await isThere(image), late && (await isThere(late))]).toEqual([true, true])
})
