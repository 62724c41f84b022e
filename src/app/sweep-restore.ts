/** Puts back blobs that sweeps set aside: those of a run, or one by its digest. Says which cannot come back, and why. */
import { OperationalError } from '../core/errors/errors.ts'
import { parseDigest, type Digest } from '../core/image/digest.ts'
import type { RunOutcome } from '../core/journal/entry.ts'
import { parseRunId } from '../core/journal/run-id.ts'
import type { AsideHistory, AsideLedger, ClosedHow } from '../core/sweep/sweep-entry.ts'
import type { SweepReport } from '../core/sweep/sweep-report.ts'
import type { BlobPool } from '../ports/readable-layout.ts'
import type { RunOptions } from '../ports/run-options.ts'
import { withLeases } from './leases.ts'
import { gatherWarnings, readLedger } from './sweep-plan.ts'
import type { SweepPorts, SweepSettings } from './sweep-ports.ts'
import { SweepRun } from './sweep-run.ts'

const ASKED_FOR = 'asked for'

/** Nothing is known of what was asked to be put back. */
export class SweepUnknownError extends OperationalError {
  readonly code = 'SWEEP_UNKNOWN'
  readonly hint =
    'Give a run as `winnow history` lists it (kind sweep), or a whole digest. What a sweep sets aside is in its report.'

  constructor(asked: string, place: string) {
    super(`No sweep of ${place} has set ${asked} aside, so there is nothing to put back.`)
  }
}

export interface RestoreReport {
  readonly report: SweepReport
  /** Blobs that cannot be put back. */
  readonly notRestored: readonly { readonly digest: Digest; readonly why: string }[]
}

/** @throws SweepUnknownError for a run or digest that the storage's journal does not have; LeaseHeldError */
export async function restoreSwept(
  asked: string,
  ports: SweepPorts,
  settings: SweepSettings,
  options: RunOptions,
): Promise<RestoreReport> {
  const gathered = gatherWarnings(options)
  return withLeases([ports.registry], ports.holder, ports.leases, gathered.options, async (leases) => {
    const held = { ...gathered.options, signal: leases.signal }
    const run = new SweepRun({
      id: ports.newRunId(ports.now()),
      ports,
      settings,
      ledger: await readLedger(ports.journal, held),
      assertHeld: () => {
        leases.assertHeld()
      },
      skewMs: 0,
    })
    const wanted = select(run.ledger, asked)
    if (wanted.length === 0) throw new SweepUnknownError(asked, ports.layout.place)
    await ports.history.beginRun({
      id: run.id,
      kind: 'restore',
      startedAt: ports.now(),
      registries: [ports.registry],
      plan: JSON.stringify({ asked }),
      undoOf: parseDigest(asked) === undefined ? parseRunId(asked) : undefined,
    })
    let outcome: RunOutcome = 'failed'
    let notRestored: RestoreReport['notRestored'] = []
    try {
      for await (const pool of ports.layout.pools(held)) await restorePool(run, pool, wanted, held)
      await run.removeEmptyQuarantines(held)
      notRestored = select(run.ledger, asked).flatMap((history) => {
        const why = whyNot(history)
        return why === undefined ? [] : [{ digest: history.digest, why }]
      })
      outcome = notRestored.length === 0 ? 'done' : 'partly'
    } finally {
      await ports.history.finishRun(run.id, outcome, ports.now(), run.swept)
    }
    const report: SweepReport = {
      registry: ports.registry,
      run: run.id,
      mode: settings.mode,
      fence: run.fence,
      applied: true,
      complete: notRestored.length === 0,
      summary: run.summary,
      actions: run.actions,
      warnings: gathered.report,
    }
    return { report, notRestored }
  })
}

async function restorePool(
  run: SweepRun,
  pool: BlobPool,
  wanted: readonly AsideHistory[],
  options: RunOptions,
): Promise<void> {
  const isWanted = new Set(wanted.map(({ run: of, digest }) => `${of} ${digest}`))
  const { aside } = await run.settle(pool, options)
  const needed = aside.filter((entry) => isWanted.has(`${entry.run} ${entry.digest}`))
  await run.putBack(
    pool,
    needed.map((entry) => ({ entry, reason: ASKED_FOR })),
    options,
  )
}

function select(ledger: AsideLedger, asked: string): readonly AsideHistory[] {
  const digest = parseDigest(asked)
  if (digest !== undefined) {
    const all = ledger.ofDigest(digest)
    // One way through the quarantine counts: the last, unless an earlier one is still open.
    const open = all.filter(({ closed }) => closed === undefined)
    return open.length > 0 ? open : all.slice(-1)
  }
  const run = parseRunId(asked)
  return run === undefined ? [] : ledger.ofRun(run)
}

const reasons: Readonly<Record<ClosedHow, string | undefined>> = {
  restored: undefined,
  present: undefined,
  kept: undefined,
  freed: 'its bytes were freed',
  lost: 'its bytes are no longer where they were kept; somebody else removed them',
}

function whyNot({ closed }: AsideHistory): string | undefined {
  return closed === undefined ? 'its storage was not read to the end' : reasons[closed.how]
}
