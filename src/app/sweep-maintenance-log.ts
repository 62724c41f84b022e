/**
 * The log of a maintenance window: a line for each thing that begins and ends, with its time, for whoever reads it in
 * the night.
 *
 * A log that cannot be written changes nothing: a closed terminal must not keep a registry down.
 */
import type { InstantMs } from '../core/inventory/inventory.ts'

export type MaintenanceStep =
  | 'recover'
  | 'downtime'
  | 'record'
  | 'stop'
  | 'read-only'
  | 'sweep'
  | 'start'
  | 'read-write'
  | 'health'
  | 'downtime-end'
  | 'window'
  /** Of a registry's own collector, which is told in the same manner. */
  | 'collector'

export interface MaintenanceLine {
  readonly at: InstantMs
  readonly step: MaintenanceStep
  /** `output`: a line that the command of the step wrote. */
  readonly kind: 'begins' | 'done' | 'failed' | 'warning' | 'output'
  readonly text: string
  /** With `done` and `failed`. */
  readonly tookMs: number | undefined
}

/** `2026-11-25T03:00:02.310Z stop          done: systemctl stop docker-registry (2.1 s)`. */
export function formatMaintenanceLine({ at, step, kind, text, tookMs }: MaintenanceLine): string {
  const took = tookMs === undefined ? '' : ` (${formatTook(tookMs)})`
  return `${new Date(at).toISOString()} ${step.padEnd(longestStep)} ${marks[kind]}${plain(text)}${took}`
}

const longestStep = 'downtime-end'.length

const marks: Readonly<Record<MaintenanceLine['kind'], string>> = {
  begins: 'begins: ',
  done: 'done: ',
  failed: 'FAILED: ',
  warning: 'WARNING: ',
  output: '| ',
}

/** `84 ms`, `2.3 s`, `4 min 12 s`. */
export function formatTook(ms: number): string {
  const whole = Math.round(ms)
  if (whole < 1000) return `${whole} ms`
  if (whole < 59_950) return `${(whole / 1000).toFixed(1)} s`
  const seconds = Math.round(whole / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** What commands and servers write cannot move the cursor, and takes one line. */
function plain(text: string): string {
  return text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g, ' ')
}

/** Time as a window sees it; tests bring their own. */
export interface MaintenanceClock {
  /** Milliseconds since the epoch, for the log. */
  now(): InstantMs
  /** Milliseconds on a clock that nobody sets, for limits. */
  elapsed(): number
  sleep(ms: number): Promise<void>
}

export interface MaintenanceLog {
  begins(step: MaintenanceStep, text: string): RunningStep
  warning(step: MaintenanceStep, text: string): void
  /** Something ended whose beginning other lines told. */
  ended(step: MaintenanceStep, text: string, tookMs: number): void
}

/** A step that began; its end is told with how long it took. */
export interface RunningStep {
  done(text: string): void
  failed(text: string): void
  output(line: string): void
}

export function maintenanceLog(
  clock: MaintenanceClock,
  sink: (line: MaintenanceLine) => void,
): MaintenanceLog {
  const write = (
    step: MaintenanceStep,
    kind: MaintenanceLine['kind'],
    text: string,
    tookMs?: number,
  ): void => {
    try {
      sink({ at: clock.now(), step, kind, text, tookMs })
    } catch {
      // Nobody reads any more; what has to be done is done all the same.
    }
  }
  return {
    begins(step, text) {
      write(step, 'begins', text)
      const from = clock.elapsed()
      return {
        done: (told) => write(step, 'done', told, clock.elapsed() - from),
        failed: (told) => write(step, 'failed', told, clock.elapsed() - from),
        output: (line) => write(step, 'output', line),
      }
    },
    warning: (step, text) => write(step, 'warning', text),
    ended: (step, text, tookMs) => write(step, 'done', text, tookMs),
  }
}

/** What an error says, in one line. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
