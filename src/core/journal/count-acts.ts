/** Counts what a run did, for the history (DESIGN section 7). */
import type { Act, ActOutcome, RunSummary } from './entry.ts'

export interface ActTally {
  readonly kind: Act['kind']
  /** The last outcome recorded for the act. */
  readonly outcome: ActOutcome
  readonly count: number
}

/** Sums the tallies of one run. What was already gone counts as done; drifted and in use count as neither. */
export function countActs(tallies: readonly ActTally[]): RunSummary['counts'] {
  const counts = { deleted: 0, untagged: 0, restored: 0, failed: 0 }
  for (const { kind, outcome, count } of tallies) {
    if (isDone(outcome)) counts[columnOf[kind]] += count
    else if (outcome === 'failed' || outcome === 'refused') counts.failed += count
  }
  return counts
}

const columnOf: Readonly<Record<Act['kind'], 'deleted' | 'untagged' | 'restored'>> = {
  delete: 'deleted',
  untag: 'untagged',
  put: 'restored',
}

/** Whether the world is now as the act wanted it. */
function isDone(outcome: ActOutcome): boolean {
  return outcome === 'done' || outcome === 'absent' || outcome === 'settled-done'
}
