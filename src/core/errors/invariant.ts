/** Bugs, told apart from everything that can happen to correct code. */

export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

/** Fails when something is false that the program itself guarantees; never for bad input. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(`This is a bug in Winnow: ${message}`)
}
