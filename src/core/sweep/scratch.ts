/**
 * Where packed tables put what does not fit into memory. Nothing in it outlives the run, and losing it ends the run.
 */
export interface Scratch {
  /** Adds bytes to the end of a named heap. @throws when they could not all be written */
  append(heap: string, bytes: Uint8Array): void
  /** Everything that was added, in order; empty for a heap that does not exist. */
  read(heap: string): Uint8Array
  /** Forgets one heap. */
  drop(heap: string): void
}
