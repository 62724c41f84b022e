/** Harbor's own garbage collection: asked for, followed, refused, lost; by itself and from the command line. */
import { afterEach, describe, expect, it } from 'vitest'
import { collect, FOLLOW_MAX_MS, planCollect } from '../../src/app/collect.ts'
import { failureOf, type CollectReport } from '../../src/app/collect-report.ts'
import { collectorSchema } from '../../src/cli/schemas/report-formats.ts'
import { OperationalError } from '../../src/core/errors/errors.ts'
import { freedInLog } from '../../src/adapters/registries/harbor/gc-jobs.ts'
import type { Lease } from '../../src/ports/lease.ts'
import { seedGraph } from '../conformance/registry-fixture.ts'
import type { FakeRequest } from '../fakes/fake-server.ts'
import { robot } from '../fakes/harbor-server.ts'
import { repositoryNamed } from '../fakes/harbor-state.ts'
import {
  collecting,
  commandLineOver,
  containing,
  type Collecting,
  type CollectingLine,
} from './collecting.ts'
import { startHarborLab, type HarborLab, type HarborLabOptions } from './harbor-lab.ts'

const repository = repositoryNamed('team/app')
const stops: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop()
})

async function opened(options: HarborLabOptions = {}): Promise<HarborLab> {
  const lab = await startHarborLab(options)
  stops.push(() => lab.stop())
  return lab
}

const posts = ({ harbor }: HarborLab): readonly FakeRequest[] =>
  harbor.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')
const isBegin = ({ method }: FakeRequest): boolean => method === 'POST'
const isFollow = ({ url }: FakeRequest): boolean => /\/system\/gc\/\d+$/.test(url.pathname)

async function refusal(work: Promise<unknown>): Promise<OperationalError> {
  const error: unknown = await work.catch((thrown: unknown) => thrown)
  if (error instanceof OperationalError) return error
  throw new Error('nothing was refused')
}

const collectIn = ({ ports }: Collecting, options = {}): Promise<CollectReport> => collect(ports, options)

describe('the garbage collection of Harbor', () => {
  it('is only described by a plan', async () => {
    const lab = await opened()
    const report = await planCollect(collecting(lab).ports, {})
    expect(report).toMatchObject({ applied: false, state: 'planned', product: 'Harbor' })
    expect(report.steps).toMatchObject([{ state: 'planned' }])
    expect(report.steps[0]?.asks).toContain('delete_untagged: false')
    expect(posts(lab)).toEqual([])
    expect(lab.harbor.gc.rows).toEqual([])
  })

  it('is asked once, told to spare what has no tag, and followed to its end', async () => {
    const lab = await opened()
    await seedGraph(lab.seeder, repository, [])
    const stored = lab.harbor.state.store.repository(repository)
    const before = [...stored.manifests.keys()]
    expect(before.some((digest) => stored.tagsOf(digest).length === 0)).toBe(true)
    lab.harbor.gc.course = ['Pending', 'Running', 'Running', 'Success']
    const work = collecting(lab)
    const report = await collectIn(work)
    expect(
      posts(lab).map(({ method, target, body }) => [method, target, JSON.parse(body.toString()) as unknown]),
    ).toEqual([
      [
        'POST',
        '/api/v2.0/system/gc/schedule',
        { schedule: { type: 'Manual' }, parameters: { delete_untagged: false, dry_run: false } },
      ],
    ])
    expect([...stored.manifests.keys()]).toEqual(before)
    expect(report).toMatchObject({
      ...{ applied: true, state: 'done', interrupted: false },
      freed: { bytes: 36_000_000, blobs: 4, manifests: 2 },
      steps: [{ state: 'done', wasRunning: false }],
    })
    expect(failureOf(report)).toBeUndefined()
    expect(report.endedAt).toBeGreaterThan(report.startedAt ?? Infinity)
    expect(work.lines[0]).toMatch(/^2026-11-25T03:00:00\.000Z collector +begins: garbage collection$/)
    expect(work.lines.at(-1)).toMatch(/^2026-\S+Z collector +done: garbage collection \(\d+\.\d s\)$/)
  })

  it('is asked ever more seldom', async () => {
    const lab = await opened()
    lab.harbor.gc.course = [...Array<string>(12).fill('Running'), 'Success']
    const work = collecting(lab)
    await collectIn(work)
    expect(work.pauses.slice(0, 3)).toEqual([2000, 3000, 4500])
    expect(work.pauses.at(-1)).toBe(30_000)
    expect(work.pauses).toHaveLength(12)
  })

  it('tells by its log what was freed, where its rows do not', async () => {
    const lab = await opened()
    lab.harbor.gc.tellsInRows = false
    const { freed } = await collectIn(collecting(lab))
    expect(freed).toEqual({ bytes: 34 * 1024 * 1024, blobs: 4, manifests: 2 })
    expect(freedInLog('nothing of the kind')).toEqual({})
  })

  it('is followed where a schedule began it, with what it deletes besides', async () => {
    const lab = await opened()
    const row = lab.harbor.gc.begun({}, ['Running', 'Running', 'Success'], 'SCHEDULE')
    const planned = await planCollect(collecting(lab).ports, {})
    expect(planned.steps[0]?.asks).toContain(`run ${row.id}`)
    const report = await collectIn(collecting(lab))
    expect(posts(lab)).toEqual([])
    expect(report).toMatchObject({ state: 'done', steps: [{ wasRunning: true }] })
    expect(report.warnings).toHaveLength(2)
    expect(report.warnings.join('\n')).toMatch(/begun by somebody else[\s\S]*every artifact without a tag/)
  })

  it.each(['newest last', 'newest first'])('is told by its newest run, %s in the list', async (order) => {
    const lab = await opened()
    lab.harbor.gc.begun({}, ['Running'])
    lab.harbor.gc.begun({}, ['Success'])
    if (order === 'newest first') lab.harbor.gc.rows.reverse()
    expect(await collectIn(collecting(lab))).toMatchObject({ steps: [{ wasRunning: false }] })
    expect(posts(lab)).toHaveLength(1)
  })

  it('is refused while a dry run is under way', async () => {
    const lab = await opened()
    lab.harbor.gc.begun({ delete_untagged: false, dry_run: true }, ['Running'])
    expect(await refusal(collectIn(collecting(lab)))).toMatchObject({
      code: 'COLLECTOR_REFUSED',
      message: containing('dry run'),
    })
    expect(posts(lab)).toEqual([])
  })

  it('needs rights over the system, and says which', async () => {
    const rights = ['pull', 'push', 'delete'] as const
    const lab = await opened({ accounts: [{ ...robot, rights }] })
    const cure = {
      code: 'COLLECTOR_REFUSED',
      hint: containing('garbage-collection: create, read, list'),
    }
    expect(await refusal(planCollect(collecting(lab).ports, {}))).toMatchObject(cure)
    expect(await refusal(collectIn(collecting(lab)))).toMatchObject(cure)
    expect(posts(lab)).toEqual([])
    const seeing = await opened({ accounts: [{ ...robot, rights: ['gc-list'] }] })
    expect(await planCollect(collecting(seeing).ports, {})).toMatchObject({ state: 'planned' })
    expect(await refusal(collectIn(collecting(seeing)))).toMatchObject(cure)
    expect(seeing.harbor.gc.rows).toEqual([])
  })

  it('is refused while Harbor is read-only, and where something stands in its way', async () => {
    const lab = await opened()
    lab.harbor.state.isReadOnly = true
    expect((await refusal(collectIn(collecting(lab)))).hint).toContain('read-only')
    lab.harbor.state.isReadOnly = false
    lab.harbor.gc.isBlocked = true
    const work = collecting(lab)
    expect(await refusal(collectIn(work))).toMatchObject({
      code: 'COLLECTOR_REFUSED',
      message: containing('a schedule exists'),
    })
    expect(work.lines.at(-1)).toContain('FAILED')
    expect(posts(lab).every(({ method }) => method === 'POST')).toBe(true)
  })

  it('may end with an error, or be stopped', async () => {
    const lab = await opened()
    lab.harbor.gc.course = ['Running', 'Error']
    const failed = await collectIn(collecting(lab))
    expect(failed).toMatchObject({
      state: 'failed',
      steps: [{ state: 'failed', text: 'failed to delete blob from storage' }],
    })
    expect(failureOf(failed)).toMatchObject({ code: 'COLLECTOR_FAILED' })
    lab.harbor.gc.course = ['Running', 'Stopped']
    const stopped = await collectIn(collecting(lab))
    expect(stopped.state).toBe('stopped')
    expect(failureOf(stopped)?.message).toContain('was stopped')
  })

  it('is followed through a time without answers', async () => {
    const lab = await opened()
    // More failures in a row than a conversation of a run puts up with.
    lab.harbor.inject({ on: isFollow, times: 30, reply: 'reset' })
    const work = collecting(lab)
    expect(await collectIn(work)).toMatchObject({ state: 'done' })
    expect(work.lines.some((line) => line.includes('| Could not reach'))).toBe(true)
  })

  it('is given up when nobody answers any more, as something that may go on', async () => {
    const lab = await opened()
    lab.harbor.inject({ on: isFollow, reply: 'reset' })
    const work = collecting(lab)
    const report = await collectIn(work)
    expect(report).toMatchObject({ state: 'unknown', endedAt: undefined, interrupted: false })
    expect(failureOf(report)).toMatchObject({ code: 'COLLECTOR_LOST' })
    expect(work.pauses.reduce((total, ms) => total + ms, 0)).toBeGreaterThan(600_000)
  })

  it('is not given up in silence when an answer makes no sense', async () => {
    const lab = await opened()
    lab.harbor.inject({
      on: isFollow,
      reply: { status: 200, headers: { 'content-type': 'application/json' }, body: '{}' },
    })
    expect(await collectIn(collecting(lab))).toMatchObject({ state: 'unknown' })
  })

  it('is found again when the answer to the request that began it was lost', async () => {
    const lab = await opened()
    lab.harbor.inject({ on: isBegin, times: 1, reply: 'cut' })
    expect(await collectIn(collecting(lab))).toMatchObject({ state: 'done', steps: [{ wasRunning: false }] })
    expect(lab.harbor.gc.rows).toHaveLength(1)
    expect(posts(lab)).toHaveLength(1)
  })

  it('is not taken for begun when the request itself was lost', async () => {
    const lab = await opened()
    lab.harbor.gc.begun({ delete_untagged: false }, ['Success'])
    lab.harbor.inject({ on: isBegin, times: 1, reply: 'reset' })
    expect(await refusal(collectIn(collecting(lab)))).toMatchObject({ code: 'UNREACHABLE' })
    expect(lab.harbor.gc.rows).toHaveLength(1)
  })

  it('goes on by itself when the following is stopped or aborted', async () => {
    for (const halt of ['stop', 'signal'] as const) {
      const lab = await opened()
      lab.harbor.gc.course = ['Running']
      const controller = new AbortController()
      const work = collecting(lab, (round) => {
        if (round === 3) controller.abort()
      })
      const report = await collectIn(work, { [halt]: controller.signal })
      expect(report).toMatchObject({ state: 'running', interrupted: true, endedAt: undefined })
      expect(failureOf(report)).toBeUndefined()
      // Nothing was sent to stop it.
      expect(posts(lab).map(({ method }) => method)).toEqual(['POST'])
      expect(lab.harbor.gc.rows[0]?.words).toEqual(['Running'])
    }
  })

  it('is followed for six hours at most', async () => {
    const lab = await opened()
    lab.harbor.gc.course = ['Running']
    const work = collecting(lab)
    const report = await collectIn(work)
    expect(report).toMatchObject({ state: 'running', interrupted: false })
    expect(failureOf(report)).toMatchObject({ code: 'COLLECTOR_UNFINISHED' })
    expect(work.pauses.reduce((total, ms) => total + ms, 0)).toBe(FOLLOW_MAX_MS)
  })

  it('is not asked while another run holds the lease', async () => {
    const lab = await opened()
    const { ports } = collecting(lab)
    const timing = { ttlMs: 60_000, renewMs: 20_000, waitMs: 0 }
    const lease = await ports.leases.acquire('test', 'there:2', timing)
    stops.push(async () => {
      if (lease.kind === 'lease') await lease.release()
    })
    const acquire: typeof ports.leases.acquire = (name, holder) => ports.leases.acquire(name, holder, timing)
    expect(await refusal(collect({ ...ports, leases: { acquire } }, {}))).toMatchObject({
      code: 'LEASE_HELD',
    })
    expect(lab.harbor.requests).toEqual([])
  })

  it('is told to be left alone when the lease is lost, and goes on by itself', async () => {
    const lab = await opened()
    lab.harbor.gc.course = ['Running']
    const lost = new AbortController()
    const work = collecting(lab, (round) => {
      if (round === 2) lost.abort()
    })
    const lease: Lease = {
      kind: 'lease',
      token: 1,
      lost: lost.signal,
      isHeld: () => !lost.signal.aborted,
      release: async () => undefined,
    }
    const leases = { acquire: async () => lease }
    expect(await refusal(collect({ ...work.ports, leases }, {}))).toMatchObject({ code: 'LEASE_LOST' })
    expect(work.lines.join('\n')).toContain('it goes on by itself')
    expect(posts(lab).map(({ method }) => method)).toEqual(['POST'])
  })
})

describe('winnow sweep --registry-collector', () => {
  async function line(lab: HarborLab, more: Readonly<Record<string, unknown>> = {}): Promise<CollectingLine> {
    const made = await commandLineOver('harbor', { ...lab.configuration, ...more }, lab.environment)
    stops.push(() => made.remove())
    return made
  }
  const words = ['sweep', '--registry-collector'] as const

  it('says what would be asked of Harbor, then does it', async () => {
    const lab = await opened()
    lab.harbor.gc.course = ['Success']
    const { run } = await line(lab)
    const planned = await run(words)
    expect(planned, planned.stderr).toMatchObject({ code: 0, stderr: '' })
    expect(planned.stdout).toContain('delete_untagged: false')
    expect(planned.stdout).toContain('winnow sweep harbor --registry-collector --apply')
    expect(posts(lab)).toEqual([])
    const done = await run([...words, 'harbor', '--apply', '-o', 'json'])
    expect(done, done.stderr).toMatchObject({ code: 0 })
    expect(collectorSchema.parse(JSON.parse(done.stdout))).toMatchObject({
      ...{ registry: 'harbor', product: 'Harbor', applied: true, state: 'done', bytesFreed: 36_000_000 },
      startedAt: containing('Z'),
      endedAt: containing('Z'),
    })
    expect(done.stderr).toMatch(/^\d{4}-\S+Z collector +begins: garbage collection\n.*done: garbage/)
  })

  it('ends with 130 at Ctrl-C, and says that Harbor goes on', async () => {
    const lab = await opened()
    lab.harbor.gc.course = ['Running']
    const controller = new AbortController()
    const undo = lab.harbor.inject({
      on: (request) => {
        if (isBegin(request)) controller.abort()
        return false
      },
      reply: 'reset',
    })
    const { run } = await line(lab)
    const ended = await run([...words, '--apply', '-o', 'json'], { stop: controller.signal })
    undo()
    expect(ended).toMatchObject({
      code: 130,
      stderr: containing('Harbor goes on with it by itself'),
    })
    const document = collectorSchema.parse(JSON.parse(ended.stdout))
    expect(document).toMatchObject({ state: 'running' })
    expect(document.bytesFreed).toBeUndefined()
  })

  it('ends with 1 and the report when the job failed', async () => {
    const lab = await opened()
    lab.harbor.gc.course = ['Error']
    const ended = await (await line(lab)).run([...words, '--apply', '-o', 'json'])
    expect(ended).toMatchObject({ code: 1, stderr: containing('(COLLECTOR_FAILED)') })
    expect(collectorSchema.parse(JSON.parse(ended.stdout)).state).toBe('failed')
  })

  it.each([
    ['--restore', 'r-20260131-045110-7f2a'],
    ['--grace', '1h'],
    ['--quarantine', '1d'],
    ['--settle', '1m'],
    ['--every', '1h'],
    ['--stopped'],
    ['--registry-restarted', '2026-01-31T04:51:00Z'],
    ['--detailed-exitcode'],
    ['--show', 'all'],
  ])('does not go with %s', async (...option) => {
    const lab = await opened()
    const ended = await (await line(lab)).run([...words, '--apply', ...option])
    expect(ended).toMatchObject({ code: 64, stderr: containing(option[0] ?? '') })
    expect(lab.harbor.requests).toEqual([])
  })

  it.each([
    ['distribution', 'winnow sweep harbor'],
    ['zot', 'zot collects by itself'],
    ['gitlab', 'online garbage collection'],
    ['quay', 'time machine'],
    ['artifactory', 'Administration, Maintenance'],
    ['gitea', 'cleanup_packages'],
    ['ghcr', 'by itself'],
  ])('says of %s what to do instead', async (kind, cure) => {
    const lab = await opened()
    const ended = await (await line(lab, { kind })).run([...words, '--apply'])
    expect(ended, ended.stderr).toMatchObject({ code: 64, stderr: containing(cure) })
    expect(ended.stderr).toContain('(NO_COLLECTOR)')
    expect(posts(lab)).toEqual([])
  })

  it('needs an address', async () => {
    const made = await commandLineOver('disk', {
      storage: { layout: 'distribution', filesystem: '/nowhere' },
    })
    stops.push(() => made.remove())
    expect(await made.run(words)).toMatchObject({ code: 64, stderr: containing('no url:') })
  })
})
