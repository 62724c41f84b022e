/**
 * Follows one run of a registry's collector: asks politely how it stands, seldom and more seldom, until it has ended, the
 * time is up, or somebody says that it is enough.
 */
import { InterruptedError } from '../core/errors/errors.ts'
import { isOperationalError } from '../core/errors/is-operational.ts'
import type { CollectorRun, CollectorState } from '../ports/registry-collector.ts'
import type { RunOptions } from '../ports/run-options.ts'
import type { CollectPorts } from './collect-ports.ts'
import type { CollectedStep } from './collect-report.ts'
import type { RunningStep } from './sweep-maintenance-log.ts'

const PAUSE_FIRST_MS = 2_000
const PAUSE_MAX_MS = 30_000
const PAUSE_GROWTH = 1.5
/** A registry that is restarted is back by then; one that is not would keep us for hours. */
const SILENT_MAX_MS = 10 * 60_000
/** What was asked for begins within seconds. One that does not shows nothing that could be waited for. */
const RESTING_MAX_MS = 10 * 60_000

type End = Pick<CollectedStep, 'state' | 'text' | 'freed'>

interface Following {
  /** By `elapsed`. */
  readonly endBy: number
  readonly line: RunningStep
}

const goesOn = 'no longer followed; it goes on by itself'

/** Never throws for what the registry does: it was begun, so how it stands is worth telling in every case. */
export async function followRun(
  ports: CollectPorts,
  run: CollectorRun,
  following: Following,
  options: RunOptions,
): Promise<End> {
  try {
    return await followToEnd(ports, run, following, options)
  } catch (error) {
    if (!isOperationalError(error)) throw error
    if (!(error instanceof InterruptedError)) return { state: 'unknown', text: error.message, freed: {} }
    following.line.output(goesOn)
    // Nothing was lost: the run is the registry's, and we only watched.
    return { state: 'running', text: goesOn, freed: {} }
  }
}

async function followToEnd(
  ports: CollectPorts,
  run: CollectorRun,
  { endBy, line }: Following,
  options: RunOptions,
): Promise<End> {
  let pauseMs = PAUSE_FIRST_MS
  let said = ''
  let since: { readonly kind: CollectorState['kind']; readonly at: number } | undefined
  for (;;) {
    await ports.sleep(Math.min(pauseMs, Math.max(endBy - ports.elapsed(), 0)), options)
    if (options.stop?.aborted === true) {
      line.output(goesOn)
      return { state: 'running', text: goesOn, freed: {} }
    }
    const state = await ports.collector.follow(run, options)
    if (state.kind === 'ended') return { state: state.how, text: state.text, freed: state.freed }
    const now = ports.elapsed()
    if (since?.kind !== state.kind) since = { kind: state.kind, at: now }
    const text = state.kind === 'silent' ? state.why : state.said
    if (text !== said) line.output(text)
    said = text
    const unknown = tooLong(state, now - since.at)
    if (unknown !== undefined) return { state: 'unknown', text: unknown, freed: {} }
    if (now >= endBy) return { state: 'running', text: 'after six hours it still runs', freed: {} }
    pauseMs = Math.min(pauseMs * PAUSE_GROWTH, PAUSE_MAX_MS)
  }
}

function tooLong(state: CollectorState, ms: number): string | undefined {
  if (state.kind === 'silent' && ms >= SILENT_MAX_MS) return `no answer for ten minutes: ${state.why}`
  return state.kind === 'resting' && ms >= RESTING_MAX_MS
    ? 'for ten minutes it was not seen running, and no end was told'
    : undefined
}
