/** Several requests at a time, and never more. */

/** Results in the order of `values`. The first failure begins nothing new, waits for what runs, and is thrown. */
export async function mapParallel<T, R>(
  values: readonly T[],
  limit: number,
  work: (value: T, i: number) => Promise<R>,
): Promise<readonly R[]> {
  const results = new Array<R>(values.length)
  const entries = values.entries()
  let failure: { readonly error: unknown } | undefined
  const worker = async (): Promise<void> => {
    for (const [i, value] of entries) {
      if (failure !== undefined) return
      try {
        results[i] = await work(value, i)
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, values.length) }, worker))
  if (failure !== undefined) throw failure.error
  return results
}

/** What several sources give, as it comes; at most `limit` of them are being asked, each for one thing at a time. */
export async function* merge<T>(sources: Iterable<AsyncGenerator<T>>, limit: number): AsyncGenerator<T> {
  type Answer = { readonly source: AsyncGenerator<T>; readonly result: IteratorResult<T, unknown> }
  const asked = new Map<AsyncGenerator<T>, Promise<Answer>>()
  const ask = (source: AsyncGenerator<T>): void => {
    const answer = source.next().then((result) => ({ source, result }))
    // Whoever fails while another answer is looked at fails again when it is waited for.
    answer.catch(() => undefined)
    asked.set(source, answer)
  }
  const waiting = sources[Symbol.iterator]()
  const fill = (): void => {
    while (asked.size < limit) {
      const next = waiting.next()
      if (next.done === true) return
      ask(next.value)
    }
  }
  for (fill(); asked.size > 0; fill()) {
    const { source, result } = await Promise.race(asked.values())
    asked.delete(source)
    if (result.done === true) continue
    ask(source)
    yield result.value
  }
}

/** Contiguous parts, at most `count` of them, none smaller than `sizeMin` unless there is only one. */
export function partsOf<T>(values: readonly T[], count: number, sizeMin: number): readonly (readonly T[])[] {
  const size = Math.max(sizeMin, Math.ceil(values.length / count))
  return Array.from({ length: Math.ceil(values.length / size) }, (_, i) =>
    values.slice(i * size, (i + 1) * size),
  )
}
