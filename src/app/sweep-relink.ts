/**
 * Puts back layer links that a sweep removed from a repository in which a manifest is linked now: it was accepted on the
 * word that they were there. See core/sweep/removed-links.ts.
 */
import type { RemovedLinks } from '../core/sweep/removed-links.ts'
import type { SweepEntry } from '../core/sweep/sweep-entry.ts'
import type { RunOptions } from '../ports/run-options.ts'
import type { SweepRun } from './sweep-run.ts'
import type { PoolSurvey } from './sweep-survey.ts'

export async function putLinksBack(run: SweepRun, survey: PoolSurvey, options: RunOptions): Promise<void> {
  const { pool, startedAt } = survey
  const ofPool = (): readonly RemovedLinks[] =>
    run.ledger.removedLinks.open().filter((each) => each.pool === pool.name)
  // Of a run that died, nobody knows when it removed the last one: not after this.
  const untold = ofPool().filter(({ removedUntil }) => removedUntil === undefined)
  for (const id of new Set(untold.map((each) => each.run)))
    await run.write([{ kind: 'all-unlinked', pool: pool.name, at: run.now() }], options, id)
  const all = ofPool()
  const inUse = repositoriesInUse(survey)
  for (const each of all) if (inUse.has(each.repository)) await putBack(run, survey, each, options)
  const { settleMs, busySettleMs = settleMs } = run.settings
  const settled = all.filter(
    ({ removedUntil }) => removedUntil !== undefined && removedUntil + busySettleMs <= startedAt,
  )
  for (const id of new Set(settled.map((each) => each.run))) {
    const own = settled.filter((each) => each.run === id)
    await run.write(
      [true, false].flatMap((isWhole) => relinked(run, own, isWhole)),
      options,
      id,
    )
  }
}

function relinked(run: SweepRun, links: readonly RemovedLinks[], isWhole: boolean): readonly SweepEntry[] {
  const own = links.filter((each) => each.isWhole === isWhole)
  const [first] = own
  if (first === undefined) return []
  const removedUntil = Math.max(...own.map((each) => each.removedUntil ?? 0))
  return [{ kind: 'relinked', pool: first.pool, isWhole, removedUntil, at: run.now() }]
}

/** Names of repositories that are more than remains. */
function repositoriesInUse({ tables }: PoolSurvey): ReadonlySet<string> {
  return new Set(tables.repositories.filter((_, i) => !tables.remains.has(i)))
}

async function putBack(
  run: SweepRun,
  { pool }: PoolSurvey,
  { repository, links }: RemovedLinks,
  options: RunOptions,
): Promise<void> {
  run.assertHeld()
  for (const { path, target } of links) {
    const key = pool.layerLinkKey({ repository, digest: path })
    // Never over one that a push has written since.
    await run.ports.store.create(key, new TextEncoder().encode(target), options)
  }
}
