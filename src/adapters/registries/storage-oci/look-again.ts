/**
 * Patience with files that are being written this very moment: what is not whole is looked at again a few times, and is
 * then an error, never absent.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { InterruptedError } from '../../../core/errors/errors.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { StorageCorruptError } from '../storage-distribution/storage-errors.ts'
import { LayoutUnreadableError } from './layout-errors.ts'
import type { LayoutStore } from './list-files.ts'

const ATTEMPTS = 3
/** The first pause; files that a registry rewrites in place are whole again within milliseconds. */
const PAUSE_MS = 200

/** A store, and how patient to be with it. */
export interface Source {
  readonly store: LayoutStore
  /** How long to wait before looking again at a file that is not whole. @default 200 */
  readonly retryPauseMs?: number
}

/** Repeats a look that ends in a LayoutUnreadableError or a StorageCorruptError. @throws the last of them */
export async function lookAgain<T>(
  { retryPauseMs = PAUSE_MS }: Source,
  options: RunOptions | undefined,
  look: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await look()
    } catch (error) {
      const mayPass = error instanceof LayoutUnreadableError || error instanceof StorageCorruptError
      if (!mayPass || attempt === ATTEMPTS) throw error
    }
    await pause(retryPauseMs * attempt, options)
  }
}

async function pause(ms: number, options: RunOptions | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, options?.signal === undefined ? {} : { signal: options.signal })
  } catch {
    // A sleep fails for one reason alone: its signal.
    throw new InterruptedError()
  }
}
