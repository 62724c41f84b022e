/** Waiting that heeds both ways to halt a run. */
import { setTimeout as pause } from 'node:timers/promises'
import { InterruptedError } from './core/errors/errors.ts'
import type { RunOptions } from './ports/run-options.ts'

/** Ends early when the run is to stop. @throws InterruptedError when it is aborted */
export async function sleep(ms: number, { signal, stop }: RunOptions): Promise<void> {
  const either = AbortSignal.any([signal, stop].filter((each) => each !== undefined))
  try {
    await pause(ms, undefined, { signal: either })
  } catch {
    if (signal?.aborted === true) throw new InterruptedError()
  }
}
