/**
 * The course of a window, with a fault in each of its steps: whenever the start command can work, the registry is up
 * afterwards. Time is the tests' own; test/maintenance does the same with real servers.
 */
import { describe, expect, it } from 'vitest'
import { InterruptedError, OperationalError } from '../core/errors/errors.ts'
import type { RegistryName } from '../core/image/names.ts'
import type { MaintenanceNote } from '../ports/maintenance-record.ts'
import type { BegunDowntime, Downtime } from '../ports/monitoring.ts'
import type { HealthAnswer, RegistrySwitch, SwitchOutcome } from '../ports/registry-switch.ts'
import type { RunOptions } from '../ports/run-options.ts'
import {
  DowntimeFailedError,
  StartFailedError,
  StopFailedError,
  UnhealthyError,
} from './sweep-maintenance-errors.ts'
import { formatMaintenanceLine, type MaintenanceLine } from './sweep-maintenance-log.ts'
import { recoverMaintenance, runInMaintenance, type MaintenancePorts } from './sweep-maintenance.ts'

const registry = 'onprem' as RegistryName
const request = { registry, run: 'r-1' }
const done: SwitchOutcome = { kind: 'done' }
const failed: SwitchOutcome = { kind: 'failed', why: 'ended with exit status 3' }

interface Faults {
  readonly kind?: RegistrySwitch['kind']
  /** What the commands do; the default works. */
  readonly takeOut?: (world: World, options: Pick<RunOptions, 'signal'>) => SwitchOutcome
  /** By attempt, from 1. */
  readonly bringBack?: (world: World, attempt: number) => SwitchOutcome
  /** The answer of a registry that is up. */
  readonly well?: (world: World) => HealthAnswer
  readonly hasHealth?: boolean
  readonly beginDowntime?: (name: string, world: World) => BegunDowntime
  readonly endDowntime?: (name: string) => void
  readonly beginRecord?: (world: World) => void
  readonly clearRecord?: () => void
  readonly note?: MaintenanceNote
  readonly onLine?: (line: MaintenanceLine, world: World) => void
}

/** Everything around a window, and what happened in it. */
class World {
  isUp = true
  nowMs = Date.UTC(2026, 10, 25, 3)
  note: MaintenanceNote | undefined
  readonly acts: string[] = []
  readonly lines: MaintenanceLine[] = []
  readonly stop = new AbortController()
  readonly abort = new AbortController()
  readonly options: RunOptions = { stop: this.stop.signal, signal: this.abort.signal }
  readonly ports: MaintenancePorts
  #attempts = 0

  constructor(faults: Faults = {}) {
    this.note = faults.note
    this.ports = {
      downtimes: ['icinga2', 'webhook'].map((name) => this.#downtime(name, faults)),
      registrySwitch: this.#switch(faults),
      record: {
        begin: async (note) => {
          faults.beginRecord?.(this)
          this.acts.push('note')
          this.note = note
        },
        read: async () => this.note,
        clear: async () => {
          faults.clearRecord?.()
          this.acts.push('clear')
          this.note = undefined
        },
      },
      clock: {
        now: () => this.nowMs,
        elapsed: () => this.nowMs,
        sleep: async (ms) => {
          this.nowMs += ms
        },
      },
      onLine: (line) => {
        this.lines.push(line)
        faults.onLine?.(line, this)
      },
    }
  }

  get log(): string {
    return this.lines.map(formatMaintenanceLine).join('\n')
  }

  #downtime(name: string, { beginDowntime, endDowntime }: Faults): Downtime {
    return {
      name,
      begin: async (window) => {
        const begun = beginDowntime?.(name, this)
        this.acts.push(`begin ${name}`)
        return begun ?? { id: `${name}-id`, what: `downtime in ${name}`, until: window.beganAt + 900_000 }
      },
      end: async ({ id }) => {
        endDowntime?.(name)
        this.acts.push(`end ${id}`)
      },
    }
  }

  #switch(faults: Faults): RegistrySwitch {
    const kind = faults.kind ?? 'stop'
    const ask = async (): Promise<HealthAnswer> =>
      this.isUp
        ? (faults.well?.(this) ?? { isWell: true, said: 'status 200' })
        : { isWell: false, said: 'connection refused' }
    return {
      kind,
      outCommand: 'systemctl stop docker-registry',
      backCommand: 'systemctl start docker-registry',
      takeOut: async (options) => {
        this.acts.push('stop')
        const outcome = faults.takeOut?.(this, options) ?? done
        if (outcome.kind === 'done' && kind === 'stop' && faults.takeOut === undefined) this.isUp = false
        return outcome
      },
      bringBack: async () => {
        this.#attempts += 1
        this.acts.push('start')
        const outcome = faults.bringBack?.(this, this.#attempts) ?? done
        if (outcome.kind === 'done') this.isUp = true
        return outcome
      },
      health: faults.hasHealth === false ? undefined : { url: 'https://registry.internal:5000/v2/', ask },
    }
  }
}

async function failure(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(Error)
  return error as Error
}

async function run(world: World, work?: () => Promise<unknown>): Promise<unknown> {
  return await runInMaintenance(
    request,
    world.ports,
    async (state) => {
      world.acts.push(`sweep ${state}`)
      return await work?.()
    },
    world.options,
  )
}

const told = ['begin icinga2', 'begin webhook']
const out = [...told, 'note', 'stop']
const back = ['start', 'clear', 'end icinga2-id', 'end webhook-id']

describe('a window in which all goes well', () => {
  it('tells the monitoring, notes, stops, sweeps, starts, looks, and takes back what it told', async () => {
    const world = new World()
    const result = await run(world, async () => {
      expect(world.isUp).toBe(false)
      expect(world.note?.downtimes.map(({ begun }) => begun.id)).toEqual(['icinga2-id', 'webhook-id'])
      return 'swept'
    })
    expect(result).toBe('swept')
    expect(world.acts).toEqual([...out, 'sweep stopped', ...back])
    expect(world).toMatchObject({ isUp: true, note: undefined })
  })

  it('is told line by line, with times', async () => {
    const world = new World()
    await run(world, async () => {
      world.nowMs += 72_300
    })
    expect(world.log).toMatchInlineSnapshot(`
      "2026-11-25T03:00:00.000Z downtime     begins: icinga2
      2026-11-25T03:00:00.000Z downtime     done: icinga2: downtime in icinga2 until 2026-11-25T03:15:00.000Z (0 ms)
      2026-11-25T03:00:00.000Z downtime     begins: webhook
      2026-11-25T03:00:00.000Z downtime     done: webhook: downtime in webhook until 2026-11-25T03:15:00.000Z (0 ms)
      2026-11-25T03:00:00.000Z record       begins: a note beside the storage, for the next run if this one is killed
      2026-11-25T03:00:00.000Z record       done: noted (0 ms)
      2026-11-25T03:00:00.000Z stop         begins: systemctl stop docker-registry
      2026-11-25T03:00:00.000Z stop         done: systemctl stop docker-registry (0 ms)
      2026-11-25T03:00:00.000Z sweep        begins: onprem
      2026-11-25T03:01:12.300Z sweep        done: onprem (1 min 12 s)
      2026-11-25T03:01:12.300Z start        begins: systemctl start docker-registry
      2026-11-25T03:01:12.300Z start        done: systemctl start docker-registry (0 ms)
      2026-11-25T03:01:12.300Z health       begins: https://registry.internal:5000/v2/
      2026-11-25T03:01:12.300Z health       done: https://registry.internal:5000/v2/ answers: status 200 (0 ms)
      2026-11-25T03:01:12.300Z downtime-end begins: icinga2
      2026-11-25T03:01:12.300Z downtime-end done: icinga2: downtime in icinga2 (0 ms)
      2026-11-25T03:01:12.300Z downtime-end begins: webhook
      2026-11-25T03:01:12.300Z downtime-end done: webhook: downtime in webhook (0 ms)
      2026-11-25T03:01:12.300Z window       done: onprem is back in service (1 min 12 s)"
    `)
  })

  it('is much the same for a registry that is made read-only', async () => {
    const world = new World({ kind: 'read-only' })
    await run(world)
    expect(world.acts).toEqual([...out, 'sweep read-only', ...back])
    expect(world.log).toContain('read-write   done:')
  })

  it('says so when nobody looks whether the registry is well', async () => {
    const world = new World({ hasHealth: false })
    await run(world)
    expect(world.acts).toEqual([...out, 'sweep stopped', ...back])
    expect(world.log).toContain('WARNING: no `health:` is configured')
  })

  it('waits for a registry that goes on answering for a while', async () => {
    const world = new World({ takeOut: () => done })
    const sleep = world.ports.clock.sleep.bind(world.ports.clock)
    let sleeps = 0
    const clock = {
      ...world.ports.clock,
      sleep: async (ms: number) => {
        sleeps += 1
        if (sleeps === 3) world.isUp = false
        await sleep(ms)
      },
    }
    const state = await runInMaintenance(request, { ...world.ports, clock }, async (is) => is, world.options)
    expect(state).toBe('stopped')
  })

  it('tells the sweep when something still answers, so that nothing is freed at once', async () => {
    const world = new World({ takeOut: () => done })
    await run(world)
    expect(world.acts).toContain('sweep answering')
    expect(world.log).toContain('still answers (status 200)')
  })

  it('warns when a downtime was over before the registry was back', async () => {
    const world = new World()
    await run(world, async () => {
      world.nowMs += 1_000_000
    })
    expect(world.log).toContain('icinga2: the downtime was over before the registry was back')
  })

  it('does not mind that nobody reads the log', async () => {
    const world = new World({
      onLine: () => {
        throw new Error('EPIPE')
      },
    })
    await run(world)
    expect(world.acts).toEqual([...out, 'sweep stopped', ...back])
  })
})

describe('before the stop', () => {
  it('a downtime that fails touches nothing, and takes back what was told', async () => {
    const world = new World({
      beginDowntime: (name) => {
        if (name === 'webhook') throw new Error('status 500')
        return { id: 'icinga2-id', what: 'x', until: undefined }
      },
    })
    const error = await failure(run(world))
    expect(error).toBeInstanceOf(DowntimeFailedError)
    expect(error.message).toContain('nothing was stopped: status 500')
    expect(world.acts).toEqual(['begin icinga2', 'end icinga2-id'])
  })

  it('a mistake of the configuration stays one', async () => {
    class Mistake extends OperationalError {
      readonly code = 'X'
      readonly hint = ''
      override readonly category = 'configuration'
    }
    const world = new World({
      beginDowntime: () => {
        throw new Mistake('no such variable')
      },
    })
    expect(await failure(run(world))).toBeInstanceOf(Mistake)
    expect(world.acts).toEqual([])
  })

  it('a note that cannot be written touches nothing', async () => {
    const world = new World({
      beginRecord: () => {
        throw new Error('read-only file system')
      },
    })
    expect((await failure(run(world))).message).toBe('read-only file system')
    expect(world.acts).toEqual([...told, 'end icinga2-id', 'end webhook-id'])
    expect(world.isUp).toBe(true)
  })

  it.each(['stop', 'abort'] as const)('%s before the beginning does nothing at all', async (way) => {
    const world = new World()
    world[way].abort()
    expect(await failure(run(world))).toBeInstanceOf(InterruptedError)
    expect(world.acts).toEqual([])
  })

  it('an interruption while the monitoring is told stops nothing', async () => {
    const world = new World({
      onLine: (line, { stop }) => {
        if (line.step === 'downtime') stop.abort()
      },
    })
    expect(await failure(run(world))).toBeInstanceOf(InterruptedError)
    expect(world.acts).toEqual([...told, 'end icinga2-id', 'end webhook-id'])
  })
})

describe('once the registry is out, it comes back', () => {
  const cases: readonly {
    readonly name: string
    readonly faults: Faults
    readonly work?: (world: World) => Promise<unknown>
    readonly error: new (...args: never[]) => Error
    readonly acts: readonly string[]
  }[] = [
    {
      name: 'when the stop fails',
      faults: { takeOut: () => failed },
      error: StopFailedError,
      acts: [...out, ...back],
    },
    {
      name: 'when the stop fails half-way',
      faults: {
        takeOut: (world) => {
          world.isUp = false
          return failed
        },
      },
      error: StopFailedError,
      acts: [...out, ...back],
    },
    {
      name: 'when the stop throws, which it promised not to',
      faults: {
        takeOut: (world) => {
          world.isUp = false
          throw new TypeError('a bug')
        },
      },
      error: TypeError,
      acts: [...out, ...back],
    },
    {
      name: 'when it is interrupted during the stop',
      faults: {
        takeOut: (world) => {
          world.isUp = false
          world.stop.abort()
          return done
        },
      },
      error: InterruptedError,
      acts: [...out, ...back],
    },
    {
      name: 'when the stop is aborted',
      faults: {
        takeOut: (world) => {
          world.isUp = false
          world.abort.abort()
          return failed
        },
      },
      error: InterruptedError,
      acts: [...out, ...back],
    },
    {
      name: 'when the sweep throws',
      faults: {},
      work: async () => {
        throw new RangeError('a blob')
      },
      error: RangeError,
      acts: [...out, 'sweep stopped', ...back],
    },
    {
      name: 'when the sweep is aborted',
      faults: {},
      work: async (world) => {
        world.stop.abort()
        world.abort.abort()
        throw new InterruptedError()
      },
      error: InterruptedError,
      acts: [...out, 'sweep stopped', ...back],
    },
    {
      name: 'when the sweep throws and the start fails at first',
      faults: { bringBack: (_, attempt) => (attempt < 4 ? failed : done) },
      work: async () => {
        throw new RangeError('a blob')
      },
      error: RangeError,
      acts: [...out, 'sweep stopped', 'start', 'start', 'start', ...back],
    },
  ]

  it.each(cases)('$name', async ({ faults, work, error, acts }) => {
    const world = new World(faults)
    expect(await failure(run(world, work && (() => work(world))))).toBeInstanceOf(error)
    expect(world.acts).toEqual(acts)
    expect(world).toMatchObject({ isUp: true, note: undefined })
  })

  it('when the start fails at first, after a pause', async () => {
    const world = new World({ bringBack: (_, attempt) => (attempt === 1 ? failed : done) })
    const before = world.nowMs
    await run(world)
    expect(world.isUp).toBe(true)
    expect(world.nowMs - before).toBe(2_000)
    expect(world.log).toContain(
      'start        FAILED: systemctl start docker-registry ended with exit status 3',
    )
    expect(world.log).toContain('attempt 2')
  })

  it('when the start throws, which it promised not to', async () => {
    const world = new World({
      bringBack: (_, attempt) => {
        if (attempt === 1) throw new TypeError('a bug')
        return done
      },
    })
    await run(world)
    expect(world.isUp).toBe(true)
  })

  it('when the start says that it failed because the registry runs', async () => {
    const world = new World({
      bringBack: (at) => {
        at.isUp = true
        return failed
      },
    })
    await run(world)
    expect(world.acts).toEqual([...out, 'sweep stopped', ...back])
    expect(world.log).toContain('WARNING: the command failed, and the registry answers all the same')
  })

  it.each<{ name: string; faults: Faults }>([
    { name: 'a registry that was still answering', faults: { takeOut: () => done, bringBack: () => failed } },
    { name: 'a read-only registry', faults: { kind: 'read-only', bringBack: () => failed } },
  ])('an answer of $name is no proof that it is back', async ({ faults }) => {
    const world = new World(faults)
    expect(await failure(run(world))).toBeInstanceOf(StartFailedError)
    expect(world.note).toBeDefined()
  })

  it.each(['stop', 'abort'] as const)('whatever is interrupted on the way back (%s)', async (way) => {
    for (const step of ['start', 'health', 'downtime-end', 'window'] as const) {
      const world = new World({
        bringBack: (_, attempt) => (attempt === 1 ? failed : done),
        onLine: (line, at) => {
          if (line.step === step) at[way].abort()
        },
      })
      await run(world)
      expect(world.acts).toEqual([...out, 'sweep stopped', 'start', ...back])
      expect(world.isUp).toBe(true)
    }
  })

  it('when its downtime cannot be ended: that is a warning', async () => {
    const world = new World({
      endDowntime: (name) => {
        if (name === 'icinga2') throw new Error('status 503')
      },
    })
    await run(world)
    expect(world.acts.slice(-2)).toEqual(['clear', 'end webhook-id'])
    expect(world.log).toContain('downtime-end WARNING: icinga2: could not be ended early')
  })

  it('when its note cannot be cleared: that is a warning', async () => {
    const world = new World({
      clearRecord: () => {
        throw new Error('disk full')
      },
    })
    await run(world)
    expect(world.acts.slice(-2)).toEqual(['end icinga2-id', 'end webhook-id'])
    expect(world.log).toContain('record       WARNING: the note could not be cleared: disk full')
  })
})

describe('a registry that cannot be brought back', () => {
  it('is a loud error with the command; note and downtimes stay', async () => {
    const world = new World({ bringBack: () => failed })
    const error = await failure(
      run(world, async () => {
        throw new RangeError('the blob was gone')
      }),
    )
    expect(error).toBeInstanceOf(StartFailedError)
    expect(error.message).toBe(
      'onprem IS OUT OF SERVICE. It could not be brought back in 4 attempts; in the last one the command ended with exit status 3. Before that: the blob was gone',
    )
    expect((error as StartFailedError).hint.split('\n')).toContain('systemctl start docker-registry')
    expect(error.cause).toBeInstanceOf(RangeError)
    expect(world.acts).toEqual([...out, 'sweep stopped', 'start', 'start', 'start', 'start'])
    expect(world.note).toBeDefined()
    expect(world.log).toContain('window       WARNING: onprem IS NOT BACK.')
  })

  it('is an error too when it never gets well, after 60 seconds', async () => {
    const world = new World({ well: () => ({ isWell: false, said: 'status 503' }) })
    const error = await failure(run(world))
    expect(error).toBeInstanceOf(UnhealthyError)
    expect(error.message).toContain('after 1 min 0 s it still does not answer 200 or 401')
    expect(world.acts).toEqual([...out, 'sweep stopped', 'start'])
    expect(world.note).toBeDefined()
  })

  it.each([
    { name: 'just in time', wellAfterMs: 59_000, isError: false },
    { name: 'too late', wellAfterMs: 62_000, isError: true },
  ])('counts as back when it gets well $name', async ({ wellAfterMs, isError }) => {
    const from = new World().nowMs
    const world = new World({ well: ({ nowMs }) => ({ isWell: nowMs >= from + wellAfterMs, said: 'x' }) })
    const outcome = await run(world).then(
      () => false,
      () => true,
    )
    expect(outcome).toBe(isError)
  })
})

describe('what a killed run left', () => {
  const note: MaintenanceNote = {
    registry,
    run: 'r-0',
    beganAt: Date.UTC(2026, 10, 25, 2),
    backCommand: 'rm -rf /',
    downtimes: [
      { name: 'icinga2', begun: { id: 'old-id', what: 'downtime', until: undefined } },
      { name: 'alertmanager', begun: { id: 'gone-id', what: 'silence', until: undefined } },
    ],
  }

  it('is nothing as a rule', async () => {
    const world = new World()
    expect(await recoverMaintenance(request, world.ports)).toBeUndefined()
    expect(world.acts).toEqual([])
  })

  it('is brought back by the command of the configuration, looked at, and its downtimes are ended', async () => {
    const world = new World({ note })
    world.isUp = false
    expect(await recoverMaintenance(request, world.ports)).toEqual({ run: 'r-0', beganAt: note.beganAt })
    expect(world.acts).toEqual(['start', 'clear', 'end old-id'])
    expect(world).toMatchObject({ isUp: true, note: undefined })
    expect(world.log).toContain('the run r-0 took onprem out of service at 2026-11-25T02:00:00.000Z')
    expect(world.log).toContain('alertmanager: no longer configured')
    expect(world.log).not.toContain('rm -rf')
  })

  it('stays noted when it cannot be brought back', async () => {
    const world = new World({ note, bringBack: () => failed })
    world.isUp = false
    expect(await failure(recoverMaintenance(request, world.ports))).toBeInstanceOf(StartFailedError)
    expect(world.note).toBe(note)
  })

  it('is no harm when somebody started it by hand and the command says so', async () => {
    const world = new World({ note, bringBack: () => failed })
    await recoverMaintenance(request, world.ports)
    expect(world.note).toBeUndefined()
  })
})
