/**
 * The way back into service, which nothing interrupts: the command, again if it fails, then the question whether the
 * registry is well.
 *
 * It never throws: whoever calls it has a result, or an error of their own, to give back besides.
 */
import type { RegistryName } from '../core/image/names.ts'
import type { HealthAnswer, RegistryHealth, RegistrySwitch } from '../ports/registry-switch.ts'
import { StartFailedError, UnhealthyError } from './sweep-maintenance-errors.ts'
import { formatTook, reasonOf, type MaintenanceClock, type MaintenanceLog } from './sweep-maintenance-log.ts'

export interface BackTiming {
  /** Pauses between attempts to start; one attempt more than there are pauses. @default 2 s, 10 s, 30 s */
  readonly startPausesMs: readonly number[]
  /** How long the registry may take to be well after the start. @default 60 s */
  readonly healthMs: number
  /** Pause between two questions. @default 1 s */
  readonly healthPollMs: number
}

export type BroughtBack =
  { readonly kind: 'up' } | { readonly kind: 'down'; readonly error: StartFailedError | UnhealthyError }

export interface WayBack {
  readonly registry: RegistryName
  readonly registrySwitch: RegistrySwitch
  readonly clock: MaintenanceClock
  readonly log: MaintenanceLog
  readonly timing: BackTiming
  /** Whether a good answer shows that the registry itself is up: not where it answered while it should have been away. */
  readonly isAnswerProof: boolean
  /** What had gone wrong before, to be told with what goes wrong now. */
  readonly before: unknown
}

export async function bringBack(way: WayBack): Promise<BroughtBack> {
  const failure = await start(way)
  if (failure !== undefined) return { kind: 'down', error: failure }
  const unhealthy = await untilWell(way)
  return unhealthy === undefined ? { kind: 'up' } : { kind: 'down', error: unhealthy }
}

async function start(way: WayBack): Promise<StartFailedError | undefined> {
  const { registrySwitch, clock, timing } = way
  const attempts = timing.startPausesMs.length + 1
  let why = ''
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    if (attempt > 1) await clock.sleep(timing.startPausesMs[attempt - 2] ?? 0)
    const failed = await startOnce(way, attempt)
    if (failed === undefined || (await isUpAnyway(way))) return undefined
    why = failed
  }
  const command = registrySwitch.backCommand
  return new StartFailedError(way.registry, { command, attempts, why, before: way.before })
}

/** Why it failed; undefined when it did not. */
async function startOnce({ registrySwitch, log }: WayBack, attempt: number): Promise<string | undefined> {
  const { backCommand } = registrySwitch
  const again = attempt === 1 ? '' : ` (attempt ${attempt})`
  const step = log.begins(backStep(registrySwitch), `${backCommand}${again}`)
  const outcome = await registrySwitch
    .bringBack({ onLine: (line) => step.output(line) })
    .catch((error: unknown) => ({ kind: 'failed', why: `could not be run: ${reasonOf(error)}` }) as const)
  if (outcome.kind === 'done') {
    step.done(backCommand)
    return undefined
  }
  step.failed(`${backCommand}${again} ${outcome.why}`)
  return outcome.why
}

/** Some commands fail because the registry runs already; then it is back, whatever they say. */
async function isUpAnyway({ registrySwitch, log, isAnswerProof }: WayBack): Promise<boolean> {
  const { health, kind } = registrySwitch
  // A registry that takes no pushes answers just as well as one that does.
  if (health === undefined || kind === 'read-only' || !isAnswerProof) return false
  const { isWell, said } = await askSafely(health)
  if (isWell) log.warning('start', `the command failed, and the registry answers all the same: ${said}`)
  return isWell
}

async function untilWell(way: WayBack): Promise<UnhealthyError | undefined> {
  const { registrySwitch, clock, log, timing } = way
  const { health } = registrySwitch
  if (health === undefined) {
    log.warning('health', 'no `health:` is configured, so nobody looks whether the registry answers')
    return undefined
  }
  const step = log.begins('health', health.url)
  const deadline = clock.elapsed() + timing.healthMs
  for (let last = ''; ;) {
    const { isWell, said } = await askSafely(health)
    if (isWell) {
      step.done(`${health.url} answers: ${said}`)
      return undefined
    }
    if (said !== last) step.output(`not yet: ${said}`)
    last = said
    if (clock.elapsed() >= deadline) {
      const waited = formatTook(timing.healthMs)
      step.failed(`${health.url} does not answer 200 or 401: ${said}`)
      const { backCommand: command } = registrySwitch
      return new UnhealthyError(way.registry, { command, url: health.url, waited, said, before: way.before })
    }
    await clock.sleep(timing.healthPollMs)
  }
}

/** What should not throw and does is an answer too: the way back goes on. */
export async function askSafely(health: RegistryHealth): Promise<HealthAnswer> {
  try {
    return await health.ask()
  } catch (error) {
    return { isWell: false, said: reasonOf(error) }
  }
}

function backStep({ kind }: RegistrySwitch): 'start' | 'read-write' {
  return kind === 'stop' ? 'start' : 'read-write'
}
