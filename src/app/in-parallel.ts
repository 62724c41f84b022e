/** Bounded parallel work; the first error stops the beginning of more, and is thrown when what began has ended. */

export async function inParallel<T>(
  all: readonly T[],
  atOnce: number,
  work: (each: T) => Promise<void>,
): Promise<void> {
  let next = 0
  const failures: unknown[] = []
  const worker = async (): Promise<void> => {
    while (next < all.length && failures.length === 0) {
      const each = all[next]
      next += 1
      if (each === undefined) continue
      try {
        await work(each)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, all.length) }, worker))
  if (failures.length > 0) throw failures[0]
}
