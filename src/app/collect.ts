/**
 * Asks a registry's own collector to free bytes, and follows it to its end, one step after the other.
 *
 * Looking is one function and acting another; nothing is asked without the lease of the registry, so no apply of Winnow runs
 * meanwhile. Nothing here can end a collector: whoever stops following leaves it running.
 */
import { InterruptedError } from '../core/errors/errors.ts'
import type { CollectorStep } from '../ports/registry-collector.ts'
import type { RunOptions } from '../ports/run-options.ts'
import { followRun } from './collect-follow.ts'
import type { CollectPorts } from './collect-ports.ts'
import { freedTogether, type CollectedStep, type CollectReport } from './collect-report.ts'
import { withLeases, type HeldLeases } from './leases.ts'

/** For how long a collector is followed, over all its steps. */
export const FOLLOW_MAX_MS = 6 * 60 * 60_000

/** What would be asked; changes nothing. */
export async function planCollect(
  { registry, collector }: Pick<CollectPorts, 'registry' | 'collector'>,
  options: RunOptions,
): Promise<CollectReport> {
  const { steps, warnings } = await collector.look(options)
  return {
    ...{ registry, product: collector.product, applied: false, state: 'planned', interrupted: false },
    ...{ startedAt: undefined, endedAt: undefined, freed: {}, warnings },
    steps: steps.map((step) => waiting(step, 'planned')),
  }
}

/**
 * Asks for every step and follows each to its end. A step that does not end well is the last one.
 *
 * @throws LeaseHeldError, and what the collector throws when it refuses
 */
export async function collect(ports: CollectPorts, options: RunOptions): Promise<CollectReport> {
  const { registry, leases, holder } = ports
  return withLeases([registry], holder, leases, options, (held) => collectHeld(ports, held, options))
}

async function collectHeld(
  ports: CollectPorts,
  held: HeldLeases,
  options: RunOptions,
): Promise<CollectReport> {
  const { registry, collector } = ports
  const working = { ...options, signal: held.signal }
  const look = await collector.look(working)
  const startedAt = ports.now()
  const endBy = ports.elapsed() + FOLLOW_MAX_MS
  const steps: CollectedStep[] = []
  // What the look warns of is for whoever has yet to decide; a run tells what is to be known of it.
  const warnings: string[] = []
  for (const step of look.steps) {
    const goesOn = steps.every(({ state }) => state === 'done') && options.stop?.aborted !== true
    if (!goesOn) {
      steps.push(waiting(step, 'not-begun'))
      continue
    }
    const { collected, told } = await runStep(ports, { held, endBy }, step, working)
    steps.push(collected)
    warnings.push(...told)
  }
  const state = steps.find((each) => each.state !== 'done')?.state ?? 'done'
  const wasHalted = options.stop?.aborted === true || options.signal?.aborted === true
  return {
    ...{ registry, product: collector.product, applied: true, state, startedAt, warnings, steps },
    endedAt: steps.findLast((each) => each.state !== 'not-begun')?.endedAt,
    interrupted: wasHalted && (state === 'running' || state === 'not-begun'),
    freed: freedTogether(steps),
  }
}

interface Bounds {
  readonly held: HeldLeases
  /** By `elapsed`. */
  readonly endBy: number
}

async function runStep(
  ports: CollectPorts,
  { held, endBy }: Bounds,
  step: CollectorStep,
  options: RunOptions,
): Promise<{ readonly collected: CollectedStep; readonly told: readonly string[] }> {
  held.assertHeld()
  const line = ports.log.begins('collector', step.name)
  const startedAt = ports.now()
  try {
    // Safe: the lease was just seen to be ours, and what the collector frees nothing refers to (the port's contract).
    const run = await ports.collector.begin(step, options)
    if (run.wasRunning) line.output('it runs already, so it is followed and not begun again')
    for (const text of run.warnings) ports.log.warning('collector', text)
    const end = await followRun(ports, run, { endBy, line }, options)
    // A lease that was lost ends the following too, and then that is what went wrong.
    if (end.state === 'running') held.assertHeld()
    if (end.state === 'done') line.done(`${step.name}${end.text === '' ? '' : `: ${end.text}`}`)
    else line.failed(`${step.name}: ${end.text === '' ? end.state : end.text}`)
    const { name, asks } = step
    const isOver = end.state === 'done' || end.state === 'failed' || end.state === 'stopped'
    const endedAt = isOver ? ports.now() : undefined
    const collected = { name, asks, wasRunning: run.wasRunning, startedAt, endedAt, ...end }
    return { collected, told: run.warnings }
  } catch (error) {
    line.failed(`${step.name}: ${error instanceof Error ? error.message : String(error)}`)
    if (error instanceof InterruptedError) held.assertHeld()
    throw error
  }
}

function waiting({ name, asks }: CollectorStep, state: 'planned' | 'not-begun'): CollectedStep {
  const unknown = { startedAt: undefined, endedAt: undefined, freed: {} }
  return { name, asks, state, wasRunning: false, text: '', ...unknown }
}
