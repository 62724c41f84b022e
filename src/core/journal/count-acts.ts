/**
 * Counts what a run did, for the history (DESIGN section 7), as a plan counts it: what two images share is an act of each of
 * them, and one manifest.
 */
import type { Act, ActOutcome, RunSummary } from './entry.ts'

export interface ActTally {
  readonly kind: Act['kind']
  /** The best that came of it: what one image's act failed to remove, another's may have. */
  readonly result: ActResult
  /** How many manifests or tags, each counted once. */
  readonly count: number
}

/** `neither`: it drifted, was in use, or is as it was; nobody did anything and nothing went wrong. */
export type ActResult = 'done' | 'failed' | 'neither'

/** The world is now as the act wanted it. What was already gone counts as done. */
export const doneOutcomes: readonly ActOutcome[] = ['done', 'absent', 'settled-done']
export const failedOutcomes: readonly ActOutcome[] = ['failed', 'refused']

/** Tallies of one run, from its acts and the last outcome recorded for each. */
export function tallyActs(
  acts: Iterable<{ readonly act: Act; readonly outcome: ActOutcome }>,
): readonly ActTally[] {
  const things = new Map<string, { readonly kind: Act['kind']; readonly result: ActResult }>()
  for (const { act, outcome } of acts) {
    const key = JSON.stringify([act.kind, act.registry, act.repository, act.digest, tagOf(act)])
    things.set(key, { kind: act.kind, result: better(resultOf(outcome), things.get(key)?.result) })
  }
  return [...things.values()].map((thing) => ({ ...thing, count: 1 }))
}

/** A manifest is deleted whatever its tags. */
function tagOf(act: Act): string | undefined {
  return act.kind === 'delete' ? undefined : act.tag
}

function resultOf(outcome: ActOutcome): ActResult {
  if (doneOutcomes.includes(outcome)) return 'done'
  return failedOutcomes.includes(outcome) ? 'failed' : 'neither'
}

function better(one: ActResult, other: ActResult = 'neither'): ActResult {
  if (one === 'done' || other === 'done') return 'done'
  return one === 'failed' || other === 'failed' ? 'failed' : 'neither'
}

/** Sums the tallies of one run. */
export function countActs(tallies: readonly ActTally[]): RunSummary['counts'] {
  const counts = { deleted: 0, untagged: 0, restored: 0, failed: 0 }
  for (const { kind, result, count } of tallies) {
    if (result === 'done') counts[columnOf[kind]] += count
    else if (result === 'failed') counts.failed += count
  }
  return counts
}

const columnOf: Readonly<Record<Act['kind'], 'deleted' | 'untagged' | 'restored'>> = {
  delete: 'deleted',
  untag: 'untagged',
  put: 'restored',
}
