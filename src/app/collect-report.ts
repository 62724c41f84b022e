/** What was asked of a registry's own collector, and what became of it; and the errors it can end with. */
import { OperationalError } from '../core/errors/errors.ts'
import type { InstantMs } from '../core/inventory/inventory.ts'
import type { CollectorStep, Freed } from '../ports/registry-collector.ts'

/**
 * - `planned`: nothing was asked yet.
 * - `running`: Winnow stopped following it; it goes on by itself.
 * - `stopped`: somebody stopped it in the registry.
 * - `unknown`: the registry does not tell what became of it.
 * - `not-begun`: what came before it did not end well, or Winnow was told to stop.
 */
export type CollectState = 'planned' | 'done' | 'failed' | 'stopped' | 'running' | 'unknown' | 'not-begun'

export interface CollectedStep extends Pick<CollectorStep, 'name' | 'asks'> {
  readonly state: CollectState
  /** It ran already, so Winnow only followed it. */
  readonly wasRunning: boolean
  /** What the registry says of its end, or why it is no longer followed; empty when there is nothing to say. */
  readonly text: string
  /** By our clock. */
  readonly startedAt: InstantMs | undefined
  readonly endedAt: InstantMs | undefined
  readonly freed: Freed
}

export interface CollectReport {
  readonly registry: string
  readonly product: string
  readonly applied: boolean
  readonly state: CollectState
  /** Winnow was told to stop following. */
  readonly interrupted: boolean
  readonly startedAt: InstantMs | undefined
  /** Undefined while something may still run. */
  readonly endedAt: InstantMs | undefined
  /** Over all steps; undefined where none of them tells. */
  readonly freed: Freed
  readonly steps: readonly CollectedStep[]
  readonly warnings: readonly string[]
}

/** The registry's collector ended with an error, or was stopped there. */
export class CollectorFailedError extends OperationalError {
  readonly code = 'COLLECTOR_FAILED'
  readonly hint: string

  constructor(registry: string, product: string, { name, state, text }: CollectedStep) {
    const end = state === 'stopped' ? 'was stopped' : 'ended with an error'
    super(`${registry}: ${name} ${end}${text === '' ? '' : ` (${text})`}, so not everything was freed.`)
    this.hint = `Look into its log in ${product}, then run the command again: what was not freed is found again.`
  }
}

/** It was begun, and nobody can tell what became of it. */
export class CollectorLostError extends OperationalError {
  readonly code = 'COLLECTOR_LOST'
  readonly hint: string

  constructor(registry: string, product: string, { name, text }: CollectedStep) {
    super(
      `${registry}: what became of ${name} is not known (${text}). It may have ended, or go on by itself.`,
    )
    this.hint = `Look in ${product} how it ended. Running the command again does no harm: where it still runs, it is followed.`
  }
}

/** It runs for longer than Winnow follows. */
export class CollectorUnfinishedError extends OperationalError {
  readonly code = 'COLLECTOR_UNFINISHED'
  readonly hint =
    'It goes on by itself. Run the command again to follow it further, without anything being begun a second time.'

  constructor(registry: string, { name, text }: CollectedStep) {
    super(`${registry}: ${name} has not ended (${text}).`)
  }
}

/** The error for a report that did not end well; undefined when it did, was only planned, or was interrupted. */
export function failureOf(report: CollectReport): OperationalError | undefined {
  const { registry, product, interrupted } = report
  const step = report.steps.find(({ state }) => state !== 'done' && state !== 'not-begun')
  if (interrupted || step === undefined) return undefined
  if (step.state === 'failed' || step.state === 'stopped')
    return new CollectorFailedError(registry, product, step)
  if (step.state === 'unknown') return new CollectorLostError(registry, product, step)
  return step.state === 'running' ? new CollectorUnfinishedError(registry, step) : undefined
}

/** What all steps freed together. */
export function freedTogether(steps: readonly Pick<CollectedStep, 'freed'>[]): Freed {
  const sum = (of: (freed: Freed) => number | undefined): number | undefined => {
    const told = steps.flatMap(({ freed }) => of(freed) ?? [])
    return told.length === 0 ? undefined : told.reduce((total, each) => total + each, 0)
  }
  return {
    bytes: sum(({ bytes }) => bytes),
    blobs: sum(({ blobs }) => blobs),
    manifests: sum(({ manifests }) => manifests),
  }
}
