/**
 * What became of the acts a run was cut off in, told by what the registry says now.
 *
 * Promises: every open intent gets exactly one outcome or stays open; an intent whose subject could not be asked
 * about stays open, because unknown is not done.
 */
import type { Digest } from '../image/digest.ts'
import type { RegistryName, RepositoryName, TagName } from '../image/names.ts'
import type { InstantMs } from '../inventory/inventory.ts'
import type { Act, ActOutcome, JournalIntent, JournalOutcome, JournalRun } from './entry.ts'

/** What the registry says now. `unknown` when it could not be asked. */
export interface RegistryNow {
  manifest(
    registry: RegistryName,
    repository: RepositoryName,
    digest: Digest,
  ): 'present' | 'absent' | 'unknown'
  /** The digest a tag points to; `absent` when there is no such tag. */
  tag(registry: RegistryName, repository: RepositoryName, tag: TagName): Digest | 'absent' | 'unknown'
}

/** The intents without an outcome, in their order. */
export function openIntents(run: JournalRun): readonly JournalIntent[] {
  const closed = new Set(run.outcomes.map(({ sequence }) => sequence))
  return run.intents.filter(({ sequence }) => !closed.has(sequence))
}

/**
 * The deletions and removed tags of a run that took place, in their order. What failed is among them, because nobody
 * knows.
 */
export function goneActs({
  intents,
  outcomes,
}: Pick<JournalRun, 'intents' | 'outcomes'>): readonly JournalIntent[] {
  const last = new Map(outcomes.map(({ sequence, outcome }) => [sequence, outcome]))
  const mayBeDone: ReadonlySet<ActOutcome | undefined> = new Set(['done', 'absent', 'failed', 'settled-done'])
  return intents.filter(({ act, sequence }) => act.kind !== 'put' && mayBeDone.has(last.get(sequence)))
}

/** The outcomes of open intents, as of `at`; an intent the registry cannot answer for is left out and stays open. */
export function settle(
  intents: readonly JournalIntent[],
  now: RegistryNow,
  at: InstantMs,
): readonly JournalOutcome[] {
  return intents.flatMap(({ sequence, act }) => {
    const done = isDoneNow(act, now)
    if (done === undefined) return []
    const outcome = done ? ('settled-done' as const) : ('settled-undone' as const)
    const text = done ? 'The registry shows that it was done.' : 'The registry shows that it was not done.'
    return [{ sequence, outcome, text, at }]
  })
}

function isDoneNow(act: Act, now: RegistryNow): boolean | undefined {
  const { registry, repository, digest } = act
  switch (act.kind) {
    case 'delete':
      return is(now.manifest(registry, repository, digest), 'absent')
    case 'untag': {
      // A tag that points elsewhere by now was pushed again: what we meant to remove is gone either way, and
      // whatever is there is not ours to speak of.
      const target = now.tag(registry, repository, act.tag)
      return target === 'unknown' ? undefined : target !== digest
    }
    case 'put':
      return act.tag === undefined
        ? is(now.manifest(registry, repository, digest), 'present')
        : is(now.tag(registry, repository, act.tag), digest)
  }
}

function is<T extends string>(seen: T | 'unknown', wanted: T): boolean | undefined {
  return seen === 'unknown' ? undefined : seen === wanted
}
