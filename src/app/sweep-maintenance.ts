/**
 * A sweep while the registry is out of service (`mode: maintenance`): everything around the sweep itself.
 *
 *     downtime → note in the storage → stop → sweep → start → health → note cleared → downtime ended
 *
 * Promises: nothing is touched before every monitoring was told. From the moment the note is written, the registry is
 * brought back whatever happens: when the stop fails, when the sweep throws, when the run is interrupted. The way back
 * obeys neither `stop` nor `signal`. Where it fails, the note stays, and downtimes are left to run out.
 * Refuses: to run a command that anybody but the configuration names; to sweep after a stop that failed.
 *
 * The caller holds the lease of the storage all the while, from before `recoverMaintenance`: a note of a run that is
 * alive would otherwise look like one that was left behind, and its registry be started in the middle of its sweep.
 */
import { InterruptedError } from '../core/errors/errors.ts'
import type { RegistryName } from '../core/image/names.ts'
import type { InstantMs } from '../core/inventory/inventory.ts'
import type { MaintenanceNote, MaintenanceRecord } from '../ports/maintenance-record.ts'
import type { Downtime, MaintenanceWindow } from '../ports/monitoring.ts'
import type { RegistrySwitch } from '../ports/registry-switch.ts'
import type { RunOptions } from '../ports/run-options.ts'
import { askSafely, bringBack, type BackTiming } from './sweep-maintenance-back.ts'
import {
  beginDowntimes,
  endDowntimes,
  warnOfShortDowntimes,
  type DowntimeInForce,
} from './sweep-maintenance-downtimes.ts'
import { StopFailedError } from './sweep-maintenance-errors.ts'
import {
  maintenanceLog,
  reasonOf,
  type MaintenanceClock,
  type MaintenanceLine,
  type MaintenanceLog,
} from './sweep-maintenance-log.ts'

export interface MaintenanceRequest {
  readonly registry: RegistryName
  /** Told to the monitoring and noted beside the storage. */
  readonly run: string
  /** @default see MaintenanceTiming */
  readonly timing?: Partial<MaintenanceTiming>
}

export interface MaintenanceTiming extends BackTiming {
  /** How long a stopped registry may go on answering before that is told as a warning. @default 10 s */
  readonly silenceMs: number
}

export interface MaintenancePorts {
  /** In the order in which they are told. */
  readonly downtimes: readonly Downtime[]
  readonly registrySwitch: RegistrySwitch
  readonly record: MaintenanceRecord
  readonly clock: MaintenanceClock
  /** Takes the lines of the log, which `formatMaintenanceLine` makes text of. */
  readonly onLine: (line: MaintenanceLine) => void
}

/**
 * What the sweep may rely on. `answering`: the stop command succeeded, and something still answers at the health address.
 * Then nobody knows that pushes have ended, and bytes are not to be freed at once.
 */
export type RegistryState = 'stopped' | 'read-only' | 'answering'

export type MaintenanceWork<T> = (state: RegistryState, options: RunOptions) => Promise<T>

const defaultTiming: MaintenanceTiming = {
  startPausesMs: [2_000, 10_000, 30_000],
  healthMs: 60_000,
  healthPollMs: 1_000,
  silenceMs: 10_000,
}

/** A window and all that it needs, bundled for the steps. */
interface Course extends MaintenancePorts {
  readonly window: MaintenanceWindow
  readonly timing: MaintenanceTiming
  readonly log: MaintenanceLog
}

/**
 * Runs `work` while the registry is out of service, and returns what it returns once the registry is back.
 *
 * `work` gets `options` as they are: `stop` and `signal` are its to obey, for the registry is not started before it
 * has ended.
 *
 * @throws DowntimeFailedError (nothing was touched), StopFailedError (the registry is up), StartFailedError and
 *   UnhealthyError (it is not; an earlier error is their cause), InterruptedError (up), and what `work` throws (up)
 */
export async function runInMaintenance<T>(
  request: MaintenanceRequest,
  ports: MaintenancePorts,
  work: MaintenanceWork<T>,
  options: RunOptions = {},
): Promise<T> {
  requireGoing(options, 'Nothing was stopped.')
  const course = courseOf(request, ports)
  const { window, log, downtimes } = course
  const inForce = await beginDowntimes(window, downtimes, log, options)
  try {
    requireGoing(options, 'Nothing was stopped.')
    await writeNote(course, inForce, options)
  } catch (error) {
    await endDowntimes(window, inForce, downtimes, log)
    throw error
  }
  const awayFrom = ports.clock.elapsed()
  const worked = await settle(() => workWhileOut(course, work, options))
  // From here on neither `stop` nor `signal` is looked at: the registry comes back first.
  await comeBack(course, inForce, {
    isAnswerProof: worked.kind === 'failed' || worked.value.state !== 'answering',
    before: worked.kind === 'failed' ? worked.error : undefined,
  })
  warnOfShortDowntimes(inForce, ports.clock.now(), log)
  log.ended('window', `${request.registry} is back in service`, ports.clock.elapsed() - awayFrom)
  if (worked.kind === 'failed') throw worked.error
  return worked.value.result
}

export interface RecoveredMaintenance {
  /** The run that was killed in its window. */
  readonly run: string
  /** Undefined where its note could not be understood. */
  readonly beganAt: InstantMs | undefined
}

/**
 * Brings back a registry that a killed run left out of service, and ends the downtimes it had begun. Undefined when there
 * is nothing to recover. What is run is what the configuration says today, never what the note says.
 *
 * @throws StartFailedError, UnhealthyError; then the note stays for the next run
 */
export async function recoverMaintenance(
  request: Pick<MaintenanceRequest, 'registry' | 'timing'>,
  ports: MaintenancePorts,
  options: RunOptions = {},
): Promise<RecoveredMaintenance | undefined> {
  const note = await ports.record.read(options)
  if (note === undefined) return undefined
  const { beganAt, run } = note
  const course = courseOf({ ...request, run }, ports, beganAt)
  const since = beganAt === undefined ? '' : ` at ${new Date(beganAt).toISOString()}`
  course.log.warning(
    'recover',
    `the run ${run} took ${request.registry} out of service${since} and did not bring it back; that is done now`,
  )
  await comeBack(course, note.downtimes, { isAnswerProof: true, before: undefined })
  return { run, beganAt }
}

function courseOf(request: MaintenanceRequest, ports: MaintenancePorts, beganAt?: InstantMs): Course {
  const { registry, run } = request
  return {
    ...ports,
    window: { registry, run, beganAt: beganAt ?? ports.clock.now() },
    timing: { ...defaultTiming, ...request.timing },
    log: maintenanceLog(ports.clock, ports.onLine),
  }
}

/** On disk before the stop: whoever comes after a kill must find it. */
async function writeNote(
  { window, registrySwitch, record, log }: Course,
  downtimes: readonly DowntimeInForce[],
  options: RunOptions,
): Promise<void> {
  const step = log.begins('record', 'a note beside the storage, for the next run if this one is killed')
  const note: MaintenanceNote = { ...window, backCommand: registrySwitch.backCommand, downtimes }
  try {
    await record.begin(note, options)
  } catch (error) {
    step.failed(`${reasonOf(error)} Nothing is stopped.`)
    throw error
  }
  step.done('noted')
}

async function workWhileOut<T>(
  course: Course,
  work: MaintenanceWork<T>,
  options: RunOptions,
): Promise<{ readonly state: RegistryState; readonly result: T }> {
  await takeOut(course, options)
  const state = await stateOf(course, options)
  requireGoing(options, 'Nothing was swept.')
  const step = course.log.begins('sweep', course.window.registry)
  try {
    const result = await work(state, options)
    step.done(course.window.registry)
    return { state, result }
  } catch (error) {
    step.failed(reasonOf(error))
    throw error
  }
}

async function takeOut({ window, registrySwitch, log }: Course, options: RunOptions): Promise<void> {
  const { outCommand, kind } = registrySwitch
  const step = log.begins(kind, outCommand)
  const { signal } = options
  const outcome = await registrySwitch.takeOut({
    onLine: (line) => step.output(line),
    ...(signal !== undefined && { signal }),
  })
  if (outcome.kind === 'done') {
    step.done(outCommand)
    return
  }
  step.failed(`${outCommand} ${outcome.why}`)
  requireGoing(options, 'Nothing was swept.')
  throw new StopFailedError(window.registry, outCommand, outcome.why)
}

/** A stop command that succeeded may still have stopped something else, or not all of it. */
async function stateOf(
  { registrySwitch, clock, timing, log }: Course,
  options: RunOptions,
): Promise<RegistryState> {
  const { kind, health } = registrySwitch
  if (kind === 'read-only') return 'read-only'
  if (health === undefined) return 'stopped'
  const deadline = clock.elapsed() + timing.silenceMs
  for (;;) {
    const { isWell, said } = await askSafely(health)
    if (!isWell) return 'stopped'
    if (clock.elapsed() >= deadline || isHalted(options)) {
      log.warning('stop', `${health.url} still answers (${said}): what was stopped is not all that serves it`)
      return 'answering'
    }
    await clock.sleep(Math.min(timing.healthPollMs, timing.silenceMs))
  }
}

/** @throws StartFailedError, UnhealthyError; then the note and the downtimes stay */
async function comeBack(
  course: Course,
  inForce: readonly DowntimeInForce[],
  known: { readonly isAnswerProof: boolean; readonly before: unknown },
): Promise<void> {
  const { window, log, downtimes, record } = course
  const back = await bringBack({ ...course, ...known, registry: window.registry })
  if (back.kind === 'down') {
    log.warning('window', `${window.registry} IS NOT BACK. By hand: ${course.registrySwitch.backCommand}`)
    throw back.error
  }
  try {
    await record.clear()
  } catch (error) {
    // Then the next run starts a registry that is up, which does no harm.
    log.warning('record', `the note could not be cleared: ${reasonOf(error)}`)
  }
  await endDowntimes(window, inForce, downtimes, log)
}

type Settled<T> =
  { readonly kind: 'done'; readonly value: T } | { readonly kind: 'failed'; readonly error: unknown }

async function settle<T>(task: () => Promise<T>): Promise<Settled<T>> {
  try {
    return { kind: 'done', value: await task() }
  } catch (error) {
    return { kind: 'failed', error }
  }
}

function isHalted({ stop, signal }: RunOptions): boolean {
  return stop?.aborted === true || signal?.aborted === true
}

function requireGoing(options: RunOptions, what: string): void {
  if (isHalted(options)) throw new InterruptedError(`The run was interrupted. ${what}`)
}
