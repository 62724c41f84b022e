/** Many requests, so many at a time. */
import { InterruptedError } from '../../../core/errors/errors.ts'
import type { RunOptions } from '../../../ports/run-options.ts'

/** Objects are far away: what counts is how many answers one waits for at once. */
export const REQUESTS_AT_ONCE = 32

/** Results in the order of `values`; the first failure begins nothing new, waits for what runs, and is thrown. */
export async function mapParallel<T, R>(
  values: readonly T[],
  options: RunOptions | undefined,
  work: (value: T) => Promise<R>,
): Promise<readonly R[]> {
  const results = new Array<R>(values.length)
  const failures: unknown[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < values.length && failures.length === 0) {
      const i = next
      next += 1
      try {
        throwIfAborted(options)
        results[i] = await work(values[i] as T)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(REQUESTS_AT_ONCE, values.length) }, worker))
  if (failures.length > 0) throw failures[0]
  return results
}

export function throwIfAborted(options: RunOptions | undefined): void {
  if (options?.signal?.aborted === true) throw new InterruptedError()
}

export function slicesOf<T>(values: readonly T[], length: number): readonly (readonly T[])[] {
  const count = Math.ceil(values.length / length)
  return Array.from({ length: count }, (_, i) => values.slice(i * length, (i + 1) * length))
}
