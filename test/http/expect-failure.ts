import { expect } from 'vitest'

/** The error that `work` ends with; fails when it does not end with one of this kind. */
export async function failure<E extends Error>(
  work: Promise<unknown>,
  kind: abstract new (...args: never[]) => E,
): Promise<E> {
  const error: unknown = await work.then(
    () => new Error('It did not fail.'),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(kind)
  return error as E
}
