/** How a run is halted and watched; the last argument of everything asynchronous. */

export interface RunOptions {
  /** Aborts at once: requests in flight are dropped and the call throws. A cancelled call never returns less. */
  readonly signal?: AbortSignal
  /** Begins nothing new and finishes what began. */
  readonly stop?: AbortSignal
  /**
   * Aborts when the time that was given for the run is used up: reading ends and is told to be incomplete, nothing new is
   * deleted, what began is finished. Heeded by app/take-inventory.ts and app/apply-repository.ts.
   */
  readonly budget?: AbortSignal
  readonly onEvent?: (event: RunEvent) => void
}

export type RunEvent =
  /** A stage of the pipeline began; `subject` is the registry or source it works on. */
  | { readonly kind: 'phase'; readonly phase: string; readonly subject?: string }
  /** Counts within the phase; `total` is undefined while it is not known. */
  | {
      readonly kind: 'progress'
      readonly phase: string
      readonly done: number
      readonly total?: number
      readonly note?: string
    }
  | { readonly kind: 'warning'; readonly text: string }
  /** The other side asked for a pause, or we retry. */
  | { readonly kind: 'wait'; readonly subject: string; readonly waitMs: number; readonly reason: string }
