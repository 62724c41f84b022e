/** The tasks of Nexus that free space: found, run one after the other, followed, refused, lost. */
import { afterEach, describe, expect, it } from 'vitest'
import { collect, planCollect } from '../../src/app/collect.ts'
import { failureOf, type CollectReport } from '../../src/app/collect-report.ts'
import { collectorSchema } from '../../src/cli/schemas/report-formats.ts'
import { OperationalError } from '../../src/core/errors/errors.ts'
import type { FakeRequest } from '../fakes/fake-server.ts'
import { nexusUser, type NexusTaskRow } from '../fakes/nexus-server.ts'
import { collecting, commandLineOver, containing, type Collecting } from './collecting.ts'
import { startNexusLab, type NexusLab, type NexusLabOptions } from './nexus-lab.ts'

const stops: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop()
})

const gc = (more: Partial<NexusTaskRow> = {}): NexusTaskRow => ({
  ...{ id: 'gc-1', name: 'unused layers', type: 'repository.docker.gc', ...more },
})
const compact = (more: Partial<NexusTaskRow> = {}): NexusTaskRow => ({
  ...{ id: 'compact-1', name: 'compact default', type: 'blobstore.compact', ...more },
})

async function opened(
  tasks: readonly NexusTaskRow[],
  options: NexusLabOptions = {},
): Promise<{ readonly lab: NexusLab; readonly work: Collecting }> {
  const lab = await startNexusLab(options)
  stops.push(() => lab.stop())
  lab.fake.tasks.push(...tasks)
  return { lab, work: collecting(lab) }
}

const isBegin = ({ method }: FakeRequest): boolean => method === 'POST'
const isList = ({ url }: FakeRequest): boolean => url.pathname.endsWith('/tasks')
const posts = ({ fake }: NexusLab): readonly string[] =>
  fake.requests.filter(({ method }) => method !== 'GET').map(({ method, target }) => `${method} ${target}`)

async function refusal(work: Promise<unknown>): Promise<OperationalError> {
  const error: unknown = await work.catch((thrown: unknown) => thrown)
  if (error instanceof OperationalError) return error
  throw new Error('nothing was refused')
}

const collectIn = ({ ports }: Collecting, options = {}): Promise<CollectReport> => collect(ports, options)
const statesOf = ({ steps }: CollectReport): readonly string[] => steps.map(({ state }) => state)

describe('the tasks of Nexus', () => {
  it('are only named by a plan', async () => {
    const { lab, work } = await opened([compact(), gc()])
    const report = await planCollect(work.ports, {})
    expect(report.steps.map(({ asks }) => asks)).toEqual([
      'POST /service/rest/v1/tasks/gc-1/run',
      'POST /service/rest/v1/tasks/compact-1/run',
    ])
    expect(posts(lab)).toEqual([])
    expect(lab.fake.ran).toEqual([])
  })

  it('are run one after the other, those that delete before those that compact', async () => {
    const { lab, work } = await opened([
      compact({ course: ['RUNNING', 'RUNNING'] }),
      compact({ id: 'compact-2', name: 'compact other' }),
      // A moment passes before it begins, and it has run before.
      gc({
        course: ['WAITING', 'RUNNING'],
        lastRun: '2026-11-24T03:00:00.000+00:00',
        lastRunResult: 'FAILED',
      }),
    ])
    const report = await collectIn(work)
    expect(report).toMatchObject({ state: 'done', product: 'Sonatype Nexus' })
    expect(report.freed.bytes).toBeUndefined()
    expect(lab.fake.ran).toEqual(['gc-1', 'compact-1', 'compact-2'])
    expect(statesOf(report)).toEqual(['done', 'done', 'done'])
    const told = work.lines.filter((line) => /begins|done/.test(line)).map((line) => line.slice(25).trim())
    expect(told.map((line) => /(begins|done): the task “([^”]+)”/.exec(line)?.slice(1).join(' '))).toEqual([
      'begins unused layers',
      'done unused layers',
      'begins compact default',
      'done compact default',
      'begins compact other',
      'done compact other',
    ])
  })

  it.each([
    ['Docker - Delete unused manifests and images', [compact()]],
    ['Admin - Compact blob store', [gc()]],
  ])('are not run where “%s” does not exist, and it is said how to make it', async (name, tasks) => {
    const { lab, work } = await opened(tasks)
    for (const refused of [await refusal(planCollect(work.ports, {})), await refusal(collectIn(work))]) {
      expect(refused).toMatchObject({ code: 'COLLECTOR_REFUSED', message: containing(name) })
      expect(refused.hint).toContain(`System, Tasks, Create task, “${name}”`)
    }
    expect(lab.fake.ran).toEqual([])
  })

  it('need the privileges to see and to run them, and it is said which', async () => {
    const blind = await opened([gc(), compact()], { user: { ...nexusUser, privileges: ['browse', 'read'] } })
    blind.lab.fake.users.set(nexusUser.name, { ...nexusUser, privileges: ['browse', 'read'] })
    expect(await refusal(planCollect(blind.work.ports, {}))).toMatchObject({
      code: 'COLLECTOR_REFUSED',
      hint: containing('nx-tasks-read'),
    })
    const { lab, work } = await opened([gc(), compact()])
    lab.fake.users.set(nexusUser.name, { ...nexusUser, privileges: ['browse', 'read', 'tasks'] })
    expect(await planCollect(work.ports, {})).toMatchObject({ state: 'planned' })
    expect(await refusal(collectIn(work))).toMatchObject({
      code: 'COLLECTOR_REFUSED',
      hint: containing('nx-tasks-run'),
    })
    expect(lab.fake.ran).toEqual([])
  })

  it('are not run when disabled', async () => {
    const { work } = await opened([gc({ enabled: false }), compact()])
    expect(await refusal(collectIn(work))).toMatchObject({
      code: 'COLLECTOR_REFUSED',
      message: containing('disabled'),
    })
  })

  it.each([false, true])(
    'are followed where they run already, and not begun again (time at its start: %s)',
    async (stampsAtStart) => {
      const words = ['RUNNING', 'RUNNING', 'RUNNING']
      const running = { currentState: 'RUNNING', words, lastRun: '2026-11-25T03:00:00Z', stampsAtStart }
      const { lab, work } = await opened([gc(running), compact({ stampsAtStart })])
      const report = await collectIn(work)
      expect(lab.fake.ran).toEqual(['compact-1'])
      expect(report).toMatchObject({ state: 'done', steps: [{ wasRunning: true }, { wasRunning: false }] })
      expect(report.warnings.join('\n')).toContain('begun by somebody else')
    },
  )

  it.each([
    ['FAILED', 'failed'],
    ['CANCELED', 'stopped'],
  ])('that end with %s are the last', async (result, state) => {
    const { lab, work } = await opened([gc({ result }), compact()])
    const report = await collectIn(work)
    expect(report.state).toBe(state)
    expect(statesOf(report)).toEqual([state, 'not-begun'])
    expect(failureOf(report)).toMatchObject({ code: 'COLLECTOR_FAILED' })
    expect(lab.fake.ran).toEqual(['gc-1'])
  })

  it('that never begin are not waited for without end', async () => {
    const { work } = await opened([gc({ course: Array<string>(2000).fill('WAITING') }), compact()])
    const report = await collectIn(work)
    expect(statesOf(report)).toEqual(['unknown', 'not-begun'])
    expect(failureOf(report)).toMatchObject({ code: 'COLLECTOR_LOST' })
  })

  it('are followed through a time without answers, and given up when it lasts', async () => {
    const { lab, work } = await opened([gc(), compact()])
    // Two lists of a look, one before it begins.
    lab.fake.inject({ on: isList, after: 3, times: 30, reply: 'reset' })
    expect(await collectIn(work)).toMatchObject({ state: 'done' })
    const gone = await opened([gc(), compact()])
    gone.lab.fake.inject({ on: isList, after: 3, reply: 'reset' })
    const report = await collectIn(gone.work)
    expect(statesOf(report)).toEqual(['unknown', 'not-begun'])
  })

  it('are found running when the answer to the request was lost, and not begun twice', async () => {
    const { lab, work } = await opened([gc({ course: ['RUNNING', 'RUNNING'] }), compact()])
    lab.fake.inject({ on: isBegin, times: 1, reply: 'cut' })
    expect(await collectIn(work)).toMatchObject({ state: 'done', steps: [{ wasRunning: false }, {}] })
    expect(lab.fake.ran).toEqual(['gc-1', 'compact-1'])
  })

  it('are not taken for begun when the request itself was lost', async () => {
    const { lab, work } = await opened([
      gc({ lastRun: '2026-11-24T03:00:00Z', lastRunResult: 'OK' }),
      compact(),
    ])
    lab.fake.inject({ on: isBegin, times: 1, reply: 'reset' })
    expect(await refusal(collectIn(work))).toMatchObject({ code: 'UNREACHABLE' })
    expect(lab.fake.ran).toEqual([])
  })

  it('go on by themselves at Ctrl-C, and the next one is not begun', async () => {
    const { lab } = await opened([gc({ course: Array<string>(50).fill('RUNNING') }), compact()])
    const controller = new AbortController()
    const work = collecting(lab, (round) => {
      if (round === 2) controller.abort()
    })
    const report = await collectIn(work, { stop: controller.signal })
    expect(report).toMatchObject({ state: 'running', interrupted: true })
    expect(statesOf(report)).toEqual(['running', 'not-begun'])
    expect(posts(lab)).toEqual(['POST /service/rest/v1/tasks/gc-1/run'])
  })

  it('are not begun once it was said to stop, though the one before ended well', async () => {
    const { lab, work } = await opened([gc({ course: [] }), compact()])
    const controller = new AbortController()
    const { collector } = work.ports
    const halting: typeof collector = {
      product: collector.product,
      look: (options) => collector.look(options),
      begin: (step, options) => collector.begin(step, options),
      follow: (run, options) => {
        controller.abort()
        return collector.follow(run, options)
      },
    }
    const report = await collect({ ...work.ports, collector: halting }, { stop: controller.signal })
    expect(report).toMatchObject({ state: 'not-begun', interrupted: true })
    expect(statesOf(report)).toEqual(['done', 'not-begun'])
    expect(lab.fake.ran).toEqual(['gc-1'])
  })
})

describe('winnow sweep --registry-collector', () => {
  it('runs the tasks, and says that nobody tells how much was freed', async () => {
    const { lab } = await opened([gc({ course: [] }), compact({ course: [] })])
    const line = await commandLineOver('nexus', lab.configuration, lab.environment)
    stops.push(() => line.remove())
    const planned = await line.run(['sweep', '--registry-collector', '-o', 'json'])
    expect(planned, planned.stderr).toMatchObject({ code: 0 })
    expect(collectorSchema.parse(JSON.parse(planned.stdout))).toMatchObject({
      applied: false,
      state: 'planned',
    })
    expect(lab.fake.ran).toEqual([])
    const done = await line.run(['sweep', '--registry-collector', 'nexus', '--apply'])
    expect(done, done.stderr).toMatchObject({ code: 0 })
    expect(done.stdout).toContain('does not tell how much was freed')
    expect(done.stderr.match(/^\S+Z collector +(?:begins|done): /gm)).toHaveLength(4)
    expect(lab.fake.ran).toEqual(['gc-1', 'compact-1'])
  })
})
