/**
 * The pace of writes to the API of github.com. It counts 900 points a minute, and a write five ("secondary rate limits"),
 * so 180 writes a minute are the most; 150 leave room for what is read meanwhile.
 */
import { setTimeout as pause } from 'node:timers/promises'

export const writePauseMs = 400

/** What plugin-throttling asks for a turn: the one method of a Bottleneck group that it calls. */
export interface WriteGroup {
  key(id: string): { schedule<T>(options: unknown, work: () => T | Promise<T>): Promise<T> }
}

/** Lets one write through every `pauseMs`, in the order they came. */
export function paceWrites(pauseMs: number, now: () => number = Date.now): WriteGroup {
  let nextAt = 0
  const schedule = async <T>(_options: unknown, work: () => T | Promise<T>): Promise<T> => {
    const at = Math.max(now(), nextAt)
    nextAt = at + pauseMs
    const wait = at - now()
    if (wait > 0) await pause(wait)
    return work()
  }
  return { key: () => ({ schedule }) }
}
