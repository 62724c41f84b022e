/**
 * Runs `work` over `values`, at most `limit` at a time; results in the order of `values`.
 *
 * Workers pull the next value when they are free, so a million values cost a million results and nothing more. The first
 * failure begins nothing new, waits for what runs, and is thrown.
 */
export async function mapParallel<T, R>(
  values: readonly T[],
  limit: number,
  work: (value: T) => Promise<R>,
): Promise<readonly R[]> {
  const results = new Array<R>(values.length)
  let next = 0
  let failure: { readonly error: unknown } | undefined
  const worker = async (): Promise<void> => {
    while (next < values.length && failure === undefined) {
      const i = next
      next += 1
      try {
        results[i] = await work(values[i] as T)
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, values.length) }, worker))
  if (failure !== undefined) throw failure.error
  return results
}
