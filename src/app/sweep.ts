/**
 * Sweeping beside a running registry: what nobody needs is set aside, the mark is made again, what a push has come to need
 * goes back at once, and only later bytes are freed.
 *
 * The protocol, and why each step is there: docs/sweep.md. A run that dies at any point leaves blobs in their place or set
 * aside, and says in the storage which; the next one goes on from there.
 */
import type { RunOutcome } from '../core/journal/entry.ts'
import { withLeases, type HeldLeases } from './leases.ts'
import { formatDuration } from '../core/policy/rules/ages.ts'
import type { AsideEntry } from '../core/sweep/sweep-entry.ts'
import type { SweepReport } from '../core/sweep/sweep-report.ts'
import { counted } from '../core/words/counted.ts'
import type { CacheGate } from '../ports/descriptor-cache.ts'
import type { BlobPool } from '../ports/readable-layout.ts'
import type { RunOptions } from '../ports/run-options.ts'
import { eachGarbage } from './sweep-actions.ts'
import { noting } from './noting.ts'
import { whatStands } from './sweep-ended.ts'
import { decide, DUE, findNeeded, isForgotten, isOverdue, type NeededAside } from './sweep-aside.ts'
import { removeLeftovers } from './sweep-leftovers.ts'
import {
  asideReader,
  checkStorage,
  gatherWarnings,
  readLedger,
  surveySummary,
  warnOfMissing,
} from './sweep-plan.ts'
import type { SweepPorts, SweepSettings } from './sweep-ports.ts'
import { SweepLostError, SweepRun } from './sweep-run.ts'
import { putLinksBack } from './sweep-relink.ts'
import { isMarked, surveyPool, type PoolSurvey } from './sweep-survey.ts'
import { findLeftovers } from './sweep-tidy.ts'

/** Of a long wait for the mark that decides, the first look comes after this: what a push needs is missed in the meantime. */
const EARLY_LOOK_MS = 5_000
/** A registry may write down what it remembers of a blob just after it was told to forget it. */
const FORGET_AGAIN_MS = 1_000

/**
 * Sweeps one storage, under its lease.
 *
 * @throws LeaseHeldError when another sweep is at work there, whatever its state directory; the layout's errors when the
 *   storage cannot be read in full (then nothing was touched); SweepDisturbedError; SweepLostError
 */
export async function applySweep(
  ports: SweepPorts,
  settings: SweepSettings,
  options: RunOptions,
): Promise<SweepReport> {
  // What may not be swept at all is refused before anything of ours is written there.
  await checkStorage(ports, options)
  return withSweepLease(ports, options, (leases, held) => sweepHeld(ports, settings, leases, held))
}

/** Runs `work` under the lease that lies in the storage. */
export async function withSweepLease<T>(
  ports: Pick<SweepPorts, 'registry' | 'holder' | 'leases'>,
  options: RunOptions,
  work: (leases: HeldLeases, options: RunOptions) => Promise<T>,
): Promise<T> {
  return withLeases([ports.registry], ports.holder, ports.leases, options, (leases) =>
    work(leases, { ...options, signal: leases.signal }),
  )
}

/** A sweep by whoever holds the lease already. @throws as applySweep */
export async function sweepHeld(
  ports: SweepPorts,
  settings: SweepSettings,
  leases: HeldLeases,
  options: RunOptions,
): Promise<SweepReport> {
  const { report: warnings, options: held } = gatherWarnings(options)
  await checkStorage(ports, held)
  const startedAt = ports.now()
  const run = new SweepRun({
    id: ports.newRunId(startedAt),
    ports,
    settings,
    ledger: await readLedger(ports.journal, held),
    assertHeld: () => {
      leases.assertHeld()
    },
    skewMs: await ports.clockSkewMs(held),
  })
  await readEverythingOnce(run, held)
  await recordBegin(run, startedAt)
  const outcome = await noting(
    () => whatStands(run),
    () => sweepRecorded(run, held, options),
  )
  await run.removeEmptyQuarantines(held)
  await forgetOldRuns(run, held)
  return {
    registry: ports.registry,
    run: run.id,
    mode: settings.mode,
    fence: run.fence,
    applied: true,
    complete: outcome === 'done',
    summary: run.summary,
    actions: run.actions,
    warnings,
  }
}

async function sweepRecorded(run: SweepRun, held: RunOptions, options: RunOptions): Promise<RunOutcome> {
  let outcome: RunOutcome = 'failed'
  try {
    await sweepUnderLease(run, held)
    outcome = outcomeOf(run, options)
    if (run.lost.length > 0) throw new SweepLostError(run.lost)
    if (run.cacheFailure !== undefined) throw run.cacheFailure
    return outcome
  } finally {
    await recordEnd(run, outcome, options)
  }
}

function outcomeOf({ lost, cacheFailure }: SweepRun, { stop }: RunOptions): RunOutcome {
  if (stop?.aborted === true) return 'interrupted'
  return lost.length === 0 && cacheFailure === undefined ? 'done' : 'failed'
}

/** What became of a run's blobs is told for so long after all of them are back or freed. */
const REMEMBERED_MS = 90 * 24 * 60 * 60 * 1000

async function forgetOldRuns(run: SweepRun, options: RunOptions): Promise<void> {
  for (const [id, { startedAt, open }] of run.ledger.runs()) {
    // Safe: nothing of it is set aside, so its part of the journal is a tale of the past.
    if (open === 0 && run.now() - startedAt > REMEMBERED_MS) await run.ports.journal.forget(id, options)
  }
}

async function recordBegin(run: SweepRun, startedAt: number): Promise<void> {
  const { ports, settings, id } = run
  const { registry } = ports
  await ports.history.beginRun({
    id,
    kind: 'sweep',
    startedAt,
    registries: [registry],
    plan: JSON.stringify({
      mode: settings.mode,
      graceMs: settings.graceMs,
      quarantineMs: settings.quarantineMs,
    }),
    undoOf: undefined,
  })
}

async function recordEnd(run: SweepRun, outcome: RunOutcome, options: RunOptions): Promise<void> {
  try {
    if (run.ledger.runs().has(run.id)) await run.write([{ kind: 'end', at: run.now(), outcome }], options)
  } finally {
    // The history lies elsewhere: a storage without room for a line must not leave a run open there that has ended.
    await run.ports.history.finishRun(run.id, outcome, run.ports.now(), run.swept)
  }
}

/**
 * Where a storage has several pools, all of them are read before the first is touched: one that cannot be read ends the run
 * while everything is as it was.
 */
async function readEverythingOnce(run: SweepRun, options: RunOptions): Promise<void> {
  const pools: BlobPool[] = []
  for await (const pool of run.ports.layout.pools(options)) pools.push(pool)
  if (pools.length < 2) return
  for (const pool of pools) {
    const aside = run.ledger.open().filter((entry) => entry.pool === pool.name)
    await withSurvey(run, pool, aside, run.now(), options, () => Promise.resolve())
  }
}

/** The first look decides; further ones about what that one removed, and what it found to be early. */
const LOOKS_MAX = 3

async function sweepUnderLease(run: SweepRun, options: RunOptions): Promise<void> {
  const { fence } = run
  let look: Look = await pass(run, { fence, setsAside: true, tidies: true }, options)
  if (run.summary.setAside > 0) {
    const until = run.now()
    await run.write([{ kind: 'all-set-aside', at: until }], options)
    await forgetAgain(run, options)
    await run.ports.cache.afterSetAside(options)
  }
  for (let number = 1; number <= LOOKS_MAX; number += 1) {
    const unsettledUntil = latest([latestUnsettled(run, look.startedAt), look.waitsFrom])
    if (unsettledUntil === undefined || (number > 1 && options.stop?.aborted === true)) break
    // What a look removes of repositories needs a mark of its own; the last one removes nothing more.
    const tidies = number === 1 || (number < LOOKS_MAX && look.waitsFrom !== undefined)
    look = await lookAgain(run, { fence, unsettledUntil, tidies }, options)
  }
  warnOfSettling(run, options)
}

/** A quarantine that is shorter than what a request may take lets less go, or lets it go sooner; both are told. */
function warnOfSettling({ settings, freedAsQuiet, heldBack }: SweepRun, options: RunOptions): void {
  const { settleMs, busySettleMs = settleMs } = settings
  const warn = (text: string): void => options.onEvent?.({ kind: 'warning', text })
  if (heldBack > 0 && options.stop?.aborted !== true)
    warn(
      `${counted(heldBack, 'blob stays', 'blobs stay')} set aside although the quarantine is over: something else was written to the storage meanwhile, and a push that is under way may need what is there. A sweep that begins ${formatDuration(busySettleMs)} after the last was set aside frees all of it, or one in a storage at rest, or \`mode: maintenance\`.`,
    )
  if (freedAsQuiet > 0)
    warn(
      `${counted(freedAsQuiet, 'blob was', 'blobs were')} freed after a wait of ${formatDuration(settleMs)} instead of ${formatDuration(busySettleMs)}, since the quarantine is so short and nothing else was written to the storage meanwhile. A push of which one request takes longer than that loses what was freed. Where people push, give a quarantine of ${formatDuration(busySettleMs)} or more.`,
    )
}

/**
 * When the last blob was set aside, or the last repository removed, that no mark has decided about; undefined where all are
 * decided about.
 */
function latestUnsettled({ ledger, settings }: SweepRun, markStartedAt: number): number | undefined {
  const repositories = ledger.removedLinks.open().filter(({ isWhole }) => isWhole)
  const acts = [
    ...ledger.open().map(({ setAsideUntil }) => setAsideUntil),
    ...repositories.map(({ removedUntil }) => removedUntil),
  ]
  return latest(acts.filter((at) => at !== undefined && markStartedAt < at + settings.settleMs))
}

function latest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((at) => at !== undefined)
  return known.reduce<number | undefined>((last, at) => Math.max(last ?? at, at), undefined)
}

interface SecondLook {
  readonly fence: number
  readonly unsettledUntil: number
  readonly tidies: boolean
}

async function lookAgain(
  run: SweepRun,
  { fence, unsettledUntil, tidies }: SecondLook,
  options: RunOptions,
): Promise<Look> {
  const decidesAt = unsettledUntil + run.settings.settleMs
  const comesEarly = decidesAt - run.now() > EARLY_LOOK_MS * 2
  if (comesEarly) await run.ports.sleep(EARLY_LOOK_MS, options)
  // Where the wait was made shorter, the look that decides has to tell whether anything was changed since this one.
  if (comesEarly || isShortened(run.settings))
    await pass(run, { fence, setsAside: false, tidies: false }, options)
  const leftMs = decidesAt - run.now()
  if (leftMs > 0) {
    options.onEvent?.({
      kind: 'wait',
      subject: run.ports.registry,
      waitMs: leftMs,
      reason:
        'a push that began before blobs were set aside may still end; the mark that decides comes after it',
    })
    await run.ports.sleep(leftMs, options)
  }
  // Also when told to stop: what a push has come to need goes back before we leave.
  return pass(run, { fence, setsAside: false, tidies }, options)
}

function isShortened({ settleMs, busySettleMs = settleMs }: SweepSettings): boolean {
  return busySettleMs > settleMs
}

async function forgetAgain(run: SweepRun, options: RunOptions): Promise<void> {
  if (run.ports.cache.kind !== 'redis') return
  await run.ports.sleep(FORGET_AGAIN_MS, options)
  await run.forget(options)
}

interface PassRequest {
  readonly fence: number
  readonly setsAside: boolean
  readonly tidies: boolean
}

interface Look {
  readonly startedAt: number
  /** Where the time of some blobs is over and this look came too early for them: from when on the next one waits. */
  readonly waitsFrom: number | undefined
}

/** Reads everything, puts back, frees, sets aside, and tidies up. */
async function pass(
  run: SweepRun,
  { fence, setsAside, tidies }: PassRequest,
  options: RunOptions,
): Promise<Look> {
  const gate = await run.forget(options)
  // Taken after that: what was accepted on what the registry remembered until then is in a mark that begins later.
  const startedAt = run.now()
  const waits: (number | undefined)[] = []
  run.heldBack = 0
  for await (const pool of run.ports.layout.pools(options)) {
    const { aside, lost } = await run.settle(pool, options)
    await withSurvey(run, pool, aside, fence, options, async (survey) => {
      if (setsAside) run.count(surveySummary(survey))
      const needed = await findNeeded(survey, aside, run.settings, options)
      // First of all: whoever pulls what was set aside gets an error until it is back.
      await run.putBack(pool, needed, options)
      for (const { digest } of lost) if (isMarked(survey, digest)) run.lost.push(digest)
      await putLinksBack(run, survey, options)
      waits.push(await freeDue(run, survey, withoutNeeded(aside, needed), gate, options))
      if (setsAside && (await run.reachesCache(options)))
        await run.setAside(pool, eachGarbage(survey.garbage), options)
      if (tidies) await tidy(run, survey, needed, options)
      warnOfMissing(survey, options)
    })
  }
  if (options.stop?.aborted !== true) await run.writeMark(startedAt, options)
  await run.ports.references.keep()
  return { startedAt, waitsFrom: latest(waits) }
}

function withoutNeeded(
  aside: readonly AsideEntry[],
  needed: readonly { readonly entry: AsideEntry }[],
): readonly AsideEntry[] {
  const back = new Set(needed.map(({ entry }) => entry))
  return aside.filter((entry) => !back.has(entry))
}

/** @returns from when on the next look waits, where this one came too early */
async function freeDue(
  run: SweepRun,
  survey: PoolSurvey,
  open: readonly AsideEntry[],
  gate: CacheGate | undefined,
  options: RunOptions,
): Promise<number | undefined> {
  const { settings, ports, forgettings } = run
  const overdue = open.filter((entry) => isOverdue(entry, run.now(), settings))
  const forgotten = overdue.filter((entry) => isForgotten(entry, gate))
  const moment = {
    markStartedAt: survey.startedAt,
    cache: ports.cache.kind,
    forgettings,
    changes: isShortened(settings) ? run.changesIn(survey) : 'unknown',
  } as const
  const decided = forgotten.map((entry) => ({ entry, ...decide(entry, moment, settings) }))
  const due = decided.filter(({ kind }) => kind !== 'early').map(({ entry }) => entry)
  const freedBefore = run.summary.freed
  await run.free(survey.pool, due, DUE, options)
  if (decided.some(({ kind }) => kind === 'due-as-quiet')) run.freedAsQuiet += run.summary.freed - freedBefore
  warnOfMemory(overdue.length - forgotten.length, gate, options)
  const early = decided.filter((each) => each.kind === 'early')
  if (isShortened(settings)) run.heldBack += early.length
  return latest(early.map(({ waitsFrom }) => waitsFrom))
}

function warnOfMemory(remembered: number, gate: CacheGate | undefined, options: RunOptions): void {
  if (remembered === 0 || gate === undefined) return
  const cure = gate.kind === 'closed' ? ` ${gate.cure}` : ''
  options.onEvent?.({
    kind: 'warning',
    text: `${counted(remembered, 'blob stays', 'blobs stay')} set aside although the time is over: ${sentence(gate.because)}${cure}`,
  })
}

function sentence(text: string): string {
  return text.endsWith('.') ? text : `${text}.`
}

async function tidy(
  run: SweepRun,
  survey: PoolSurvey,
  needed: readonly NeededAside[],
  options: RunOptions,
): Promise<void> {
  if (options.stop?.aborted === true) return
  // What was put back just now is in no list of this survey; its links are as good as those of what is set aside.
  const open = [...run.ledger.open(), ...needed.map(({ entry }) => entry)]
  const own = open.filter((entry) => entry.pool === survey.pool.name)
  const request = {
    fence: run.fence,
    graceMs: run.settings.graceMs,
    now: run.now(),
    aside: new Set(own.map(({ digest }) => digest)),
    mayBeRemembered: run.ports.cache.kind !== 'none',
  }
  const leftovers = await findLeftovers(survey, request, options)
  await removeLeftovers(run, survey.pool, leftovers, options)
}

async function withSurvey(
  run: SweepRun,
  pool: BlobPool,
  aside: readonly AsideEntry[],
  fence: number,
  options: RunOptions,
  use: (survey: PoolSurvey) => Promise<void>,
): Promise<void> {
  const scratch = run.ports.createScratch()
  try {
    const parts = {
      references: run.ports.references,
      scratch,
      readAside: asideReader(run.ports, pool, aside, options),
    }
    await use(await surveyPool(pool, { fence, now: run.now }, parts, options))
  } finally {
    scratch.close()
  }
}
