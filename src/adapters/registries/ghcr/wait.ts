/** A pause that ends when the run is aborted. */
import { setTimeout as pause } from 'node:timers/promises'
import { InterruptedError } from '../../../core/errors/errors.ts'

/** @throws InterruptedError */
export async function wait(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await pause(ms, undefined, signal && { signal })
  } catch {
    // A timer fails for no other reason.
    throw new InterruptedError()
  }
}
