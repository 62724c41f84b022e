/**
 * Two-step halt: the first Ctrl-C (or SIGTERM) begins nothing new and finishes what began; the second aborts.
 */

export interface Halt {
  readonly stop: AbortSignal
  readonly signal: AbortSignal
  wasHalted(): boolean
  release(): void
}

/** Listens until released; `say` tells the person what happens. */
export function haltOnSignals(say: (text: string) => void): Halt {
  const stop = new AbortController()
  const abort = new AbortController()
  const onSignal = (): void => {
    if (stop.signal.aborted) {
      say('Aborting. What was begun is settled by the next run.')
      abort.abort()
      return
    }
    say('Stopping: what has begun is finished, nothing new is begun. Press Ctrl-C again to abort.')
    stop.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return {
    stop: stop.signal,
    signal: abort.signal,
    wasHalted: () => stop.signal.aborted,
    release() {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
}

/** For a command that the system may end at once: nothing listens, and nothing is ever halted. */
export function leaveSignals(): Halt {
  const never = new AbortController().signal
  return { stop: never, signal: never, wasHalted: () => false, release: () => undefined }
}
