/**
 * Many short steps on this thread, with turns for everything else between.
 *
 * Renaming or looking at a file takes microseconds, which the way through the thread pool would multiply; but a run of
 * thousands of them must still notice Ctrl-C.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { InterruptedError } from '../../../core/errors/errors.ts'
import type { RunOptions } from '../../../ports/run-options.ts'

const STEPS_PER_TURN = 100

/** Results in the order of `values`. @throws InterruptedError between two slices */
export async function mapInSlices<T, R>(
  values: readonly T[],
  options: RunOptions | undefined,
  step: (value: T, i: number) => R,
): Promise<readonly R[]> {
  const results: R[] = []
  for (let start = 0; start < values.length; start += STEPS_PER_TURN) {
    if (start > 0) await nextTurn()
    if (options?.signal?.aborted === true) throw new InterruptedError()
    for (const value of values.slice(start, start + STEPS_PER_TURN)) {
      results.push(step(value, results.length))
    }
  }
  return results
}
