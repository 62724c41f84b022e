/**
 * One run of a sweep that acts: what it has written down, what it has done, and whether it may go on.
 *
 * Every act is here, and each in the same order: written down, done, and its outcome written down.
 */
import { InterruptedError, OperationalError } from '../core/errors/errors.ts'
import type { Digest } from '../core/image/digest.ts'
import type { InstantMs } from '../core/inventory/inventory.ts'
import type { RunId, SweptBlobs } from '../core/journal/entry.ts'
import type { AsideEntry, AsideLedger, ClosedHow, SweepEntry } from '../core/sweep/sweep-entry.ts'
import { emptySummary, type SweepSummary } from '../core/sweep/sweep-report.ts'
import { QUARANTINE_FOLDER } from '../ports/listable-store.ts'
import type { CacheGate } from '../ports/descriptor-cache.ts'
import type { BlobPool } from '../ports/readable-layout.ts'
import type { RunOptions } from '../ports/run-options.ts'
import { ActionLog } from './sweep-actions.ts'
import { imprintOf } from './sweep-imprint.ts'
import { asideFile } from './sweep-plan.ts'
import type { SweepPorts, SweepSettings } from './sweep-ports.ts'
import type { PoolSurvey } from './sweep-survey.ts'

/** So many blobs are written down, and then moved, at a time. */
const BLOBS_AT_ONCE = 1000
/** A process that was stopped and wakes later than this moves nothing more; its machine has been restarted by then. */
const WAKES_WITHIN_MS = 24 * 60 * 60 * 1000

/** Something else removes blobs from the storage while we sweep it. */
export class SweepDisturbedError extends OperationalError {
  readonly code = 'SWEEP_DISTURBED'
  readonly hint =
    'Let only one of them collect: switch off the registry’s own garbage collection, then sweep again. What was set aside is looked at again then.'

  constructor(place: string, digest: Digest) {
    super(
      `Something else removes blobs from ${place}: ${digest} was gone before it could be set aside. Two collectors at once lose what is needed, so the sweep stopped.`,
    )
  }
}

/** A blob that was set aside is needed, and can be put back from nowhere. */
export class SweepLostError extends OperationalError {
  readonly code = 'SWEEP_LOST'
  readonly hint = 'Push the images that need them again; `winnow verify` names those in use.'

  constructor(digests: readonly Digest[]) {
    super(
      digests.length === 1
        ? `A blob that was set aside is needed, and is no longer where it was kept: ${digests.join('')}. Somebody removed it from the quarantine.`
        : `${digests.length} blobs that were set aside are needed, and are no longer where they were kept: ${digests.slice(0, 5).join(', ')}${digests.length > 5 ? ', …' : ''}. Somebody removed them from the quarantine.`,
    )
  }
}

/** What became of blobs that the journal has as set aside. */
export interface Settled {
  readonly aside: readonly AsideEntry[]
  /** Neither in their place nor set aside, and not by us. */
  readonly lost: readonly AsideEntry[]
}

export class SweepRun {
  readonly id: RunId
  readonly ports: SweepPorts
  readonly settings: SweepSettings
  readonly ledger: AsideLedger
  readonly actions = new ActionLog()
  summary: SweepSummary = emptySummary
  bytesSetAside = 0
  bytesRestored = 0
  /** Why the registry's cache could not be made to forget; the run ends with it once everything needed is back. */
  cacheFailure: OperationalError | undefined
  /** Needed again, and nowhere. */
  readonly lost: Digest[] = []
  /** When the registry was made to forget all that is set aside. */
  readonly forgettings: InstantMs[] = []
  /** Freed after a wait that is enough for a storage at rest only. */
  freedAsQuiet = 0
  /** What the last look left set aside because too little time had passed for a storage that is written to. */
  heldBack = 0
  /** Nothing as young as this, or younger, is touched. */
  readonly fence: InstantMs
  /** Runs of which something came back or was freed. */
  readonly #touched = new Set<RunId>()
  /** What the last look into each pool showed. */
  readonly #imprints = new Map<string, string>()
  readonly #assertHeld: () => void
  readonly #skewMs: number

  constructor(parts: {
    readonly id: RunId
    readonly ports: SweepPorts
    readonly settings: SweepSettings
    readonly ledger: AsideLedger
    readonly assertHeld: () => void
    readonly skewMs: number
  }) {
    this.id = parts.id
    this.ports = parts.ports
    this.settings = parts.settings
    this.ledger = parts.ledger
    this.#assertHeld = parts.assertHeld
    this.#skewMs = parts.skewMs
    this.fence = this.now() - parts.settings.graceMs
  }

  /** The time by the store's clock, which is the one that files are dated by. */
  now = (): InstantMs => this.ports.now() + this.#skewMs

  count(more: Partial<SweepSummary>): void {
    const keys = Object.keys(more) as (keyof SweepSummary)[]
    this.summary = {
      ...this.summary,
      ...Object.fromEntries(keys.map((key) => [key, this.summary[key] + (more[key] ?? 0)])),
    }
  }

  /** What it did to blobs so far, for the history of runs. */
  get swept(): SweptBlobs {
    const { setAside, restored, freed, bytesFreed } = this.summary
    const { bytesSetAside, bytesRestored } = this
    return { setAside, bytesSetAside, restored, bytesRestored, freed, bytesFreed }
  }

  /**
   * Writes down, on disk before it returns. What is about a blob is written to the run that set it aside, so that one
   * run's part of the journal tells its whole story; a run that sets nothing aside leaves none.
   */
  async write(entries: readonly SweepEntry[], options: RunOptions, run: RunId = this.id): Promise<void> {
    if (entries.length === 0) return
    const isFirst = run === this.id && !this.ledger.runs().has(run)
    const { registry } = this.ports
    const begin = { kind: 'begin' as const, at: this.now(), registry, mode: this.settings.mode }
    const all = isFirst ? [begin, ...entries] : entries
    await this.ports.journal.append(run, all, options)
    this.ledger.add(run, all)
  }

  /** Says that a mark that began at `startedAt` has decided about everything that is set aside. */
  async writeMark(startedAt: InstantMs, options: RunOptions): Promise<void> {
    const newest = this.ledger.open().at(-1)
    if (newest !== undefined) await this.write([{ kind: 'mark', startedAt }], options, newest.run)
  }

  /**
   * Sets garbage aside. Safe: its bytes stay in the store; it is in no mark that began after it was listed, older than the
   * fence, and its name is in the journal before it moves, so whatever happens next can put it back.
   */
  async setAside(
    pool: BlobPool,
    garbage: Iterable<{ readonly digest: Digest; readonly sizeBytes: number }>,
    options: RunOptions,
  ): Promise<void> {
    for (const batch of batches(garbage, BLOBS_AT_ONCE)) {
      if (options.stop?.aborted === true) break
      this.#assertHeld()
      const at = this.now()
      const entries = batch.map((blob) => ({ kind: 'set-aside' as const, pool: pool.name, ...blob, at }))
      await this.write(entries, options)
      this.#assertHeld()
      const files = batch.map((blob) => ({
        run: this.id,
        ...pool.fileOf(blob.digest),
        sizeBytes: blob.sizeBytes,
      }))
      const outcomes = await this.ports.store.setAside(files, options)
      const isForgotten = await this.#tryForget(
        batch.map(({ digest }) => digest),
        options,
      )
      for (const [i, { digest, sizeBytes }] of batch.entries()) {
        if (outcomes[i] !== 'set-aside') continue
        this.actions.addBlob('set-aside', pool.name, digest, sizeBytes)
        this.count({ setAside: 1 })
        this.bytesSetAside += sizeBytes
      }
      const gone = batch.find((_, i) => outcomes[i] === 'absent')
      if (gone !== undefined) throw new SweepDisturbedError(this.ports.layout.place, gone.digest)
      this.#progress('set aside', this.summary.setAside, options)
      if (!isForgotten) return
    }
  }

  /** Puts back what a push has come to need. Takes nothing away: a newer blob in its place stays. */
  async putBack(
    pool: BlobPool,
    needed: readonly { readonly entry: AsideEntry; readonly reason: string }[],
    options: RunOptions,
  ): Promise<void> {
    for (const batch of batches(needed, BLOBS_AT_ONCE)) {
      this.#assertHeld()
      const files = batch.map(({ entry }) => asideFile(pool, entry))
      const outcomes = await this.ports.store.putBack(files, options)
      await this.#close(
        batch.map(({ entry }, i) => ({ entry, how: outcomes[i] ?? 'lost' })),
        options,
      )
      for (const [i, { entry, reason }] of batch.entries()) {
        if (outcomes[i] === 'lost') this.lost.push(entry.digest)
        if (outcomes[i] !== 'restored') continue
        this.actions.addBlob('restore', pool.name, entry.digest, entry.sizeBytes, reason)
        this.count({ restored: 1 })
        this.bytesRestored += entry.sizeBytes
      }
      this.#progress('put back', this.summary.restored, options)
    }
  }

  /**
   * Frees bytes that are set aside. Safe: the caller has shown that nothing needs them and nobody can come to (see
   * sweep-aside.ts); a newer blob under the same name is not touched.
   */
  async free(pool: BlobPool, due: readonly AsideEntry[], reason: string, options: RunOptions): Promise<void> {
    for (const batch of batches(due, BLOBS_AT_ONCE)) {
      if (options.stop?.aborted === true) return
      this.#assertHeld()
      const at = this.now()
      await this.#writeByRun(
        batch.map((entry) => [entry.run, { kind: 'free', pool: pool.name, digest: entry.digest, at }]),
        options,
      )
      this.#assertHeld()
      await this.ports.store.free(
        batch.map((entry) => asideFile(pool, entry)),
        options,
      )
      await this.#close(
        batch.map((entry) => ({ entry, how: 'freed' })),
        options,
      )
      for (const { digest, sizeBytes } of batch) {
        this.actions.addBlob('free', pool.name, digest, sizeBytes, reason)
        this.count({ freed: 1, bytesFreed: sizeBytes })
      }
      this.#progress('free', this.summary.freed, options)
    }
  }

  /**
   * Finds out where blobs are that runs set aside, or were about to when they died; answers with those that are set aside.
   *
   * What a dead run wrote down and never moved stays open for a day: a process that was only stopped, and wakes after its
   * lease is lost, may move it still.
   */
  async settle(pool: BlobPool, options: RunOptions): Promise<Settled> {
    const open = this.ledger.open().filter((entry) => entry.pool === pool.name)
    const places = await this.ports.store.locate(
      open.map((entry) => asideFile(pool, entry)),
      options,
    )
    const isAside = (i: number): boolean => places[i] === 'aside' || places[i] === 'both'
    const closed = open.flatMap((entry, i): { entry: AsideEntry; how: ClosedHow }[] => {
      if (places[i] === 'gone') return [{ entry, how: this.#howGone(entry) }]
      if (isAside(i)) return []
      if (entry.setAsideUntil !== undefined) return [{ entry, how: 'restored' }]
      return this.now() - entry.setAsideFrom > WAKES_WITHIN_MS ? [{ entry, how: 'kept' }] : []
    })
    await this.#close(closed, options)
    const at = this.now()
    const found = open.filter(
      ({ run, setAsideUntil }, i) => run !== this.id && setAsideUntil === undefined && isAside(i),
    )
    await this.#writeByRun(
      found.map(({ run, digest }) => [run, { kind: 'found-aside', pool: pool.name, digest, at }]),
      options,
    )
    const aside = new Set(open.filter((_, i) => isAside(i)).map(({ run, digest }) => `${run} ${digest}`))
    return {
      aside: this.ledger
        .open()
        .filter((entry) => entry.pool === pool.name && aside.has(`${entry.run} ${entry.digest}`)),
      lost: closed.filter(({ how }) => how === 'lost').map(({ entry }) => entry),
    }
  }

  #howGone(entry: AsideEntry): ClosedHow {
    if (entry.isFreeing) return 'freed'
    // A run that died before it moved the blob left it to the next, whose affair it is what became of it.
    const isAnothers =
      entry.setAsideUntil === undefined &&
      this.ledger
        .ofDigest(entry.digest)
        .some(
          ({ run, pool, setAsideFrom }) =>
            run !== entry.run && pool === entry.pool && setAsideFrom >= entry.setAsideFrom,
        )
    return isAnothers ? 'kept' : 'lost'
  }

  /**
   * Makes the registry forget what is set aside, and finds out what nobody remembers any more. Before the mark, so that
   * whatever was accepted on a memory that was there until now is in it, or is linked within `settle`.
   *
   * @returns what the cache said, where it was asked
   */
  async forget(options: RunOptions): Promise<CacheGate | undefined> {
    const open = this.ledger.open()
    if (open.length === 0) return undefined
    const { cache } = this.ports
    const forgottenFrom = this.now()
    if (
      !(await this.#tryForget(
        open.map(({ digest }) => digest),
        options,
      ))
    )
      return this.#closedByFailure()
    this.forgettings.push(forgottenFrom)
    const gate = this.#byStoreClock(await cache.gate(options))
    if (gate.kind === 'closed' || cache.kind === 'none') return gate
    // A registry that was just asked may write its answer down a while later; what was set aside that recently is
    // forgotten by a later call.
    const until =
      cache.kind === 'redis'
        ? forgottenFrom - (this.settings.busySettleMs ?? this.settings.settleMs)
        : Math.min(gate.setAsideBefore - 1, this.now())
    const at = this.now()
    const runs = open
      .filter(
        ({ setAsideUntil, forgottenAt }) => forgottenAt === undefined && (setAsideUntil ?? Infinity) <= until,
      )
      .map(({ run }) => run)
    for (const run of new Set(runs)) await this.write([{ kind: 'forgotten', at, until }], options, run)
    return gate
  }

  /**
   * Whether the cache can be reached at all: asked before anything is set aside, because a registry that goes on remembering
   * what was taken from it accepts pushes that name it.
   */
  async reachesCache(options: RunOptions): Promise<boolean> {
    return this.ports.cache.kind !== 'redis' || this.#tryForget([], options)
  }

  /** A cache that does not answer keeps nobody from making a mark and putting back what is needed; the run fails later. */
  async #tryForget(digests: readonly Digest[], options: RunOptions): Promise<boolean> {
    try {
      await this.ports.cache.forget([digests], options)
      return true
    } catch (error) {
      if (!(error instanceof OperationalError) || error instanceof InterruptedError) throw error
      this.cacheFailure ??= error
      return false
    }
  }

  /** Restarts are known by our clock, and blobs are dated by the store's. */
  #byStoreClock(gate: CacheGate): CacheGate {
    return gate.kind === 'closed' ? gate : { ...gate, setAsideBefore: gate.setAsideBefore + this.#skewMs }
  }

  #closedByFailure(): CacheGate {
    const { message = 'The cache of the registry did not answer.', hint = '' } = this.cacheFailure ?? {}
    return { kind: 'closed', because: message, cure: hint }
  }

  async #close(
    closed: readonly { readonly entry: AsideEntry; readonly how: ClosedHow }[],
    options: RunOptions,
  ): Promise<void> {
    const at = this.now()
    for (const { entry } of closed) this.#touched.add(entry.run)
    await this.#writeByRun(
      closed.map(({ entry: { run, pool, digest }, how }) => [run, { kind: 'closed', pool, digest, how, at }]),
      options,
    )
  }

  async #writeByRun(
    entries: readonly (readonly [run: RunId, entry: SweepEntry])[],
    options: RunOptions,
  ): Promise<void> {
    for (const run of new Set(entries.map(([each]) => each))) {
      const own = entries.filter(([each]) => each === run).map(([, entry]) => entry)
      await this.write(own, options, run)
    }
  }

  /** Folders in which runs kept what they had set aside, where nothing is left in them. */
  async removeEmptyQuarantines(options: RunOptions): Promise<void> {
    // Safe: a folder that holds anything is not removed.
    for (const run of this.#touched)
      await this.ports.store.removeEmptyFolders(`${QUARANTINE_FOLDER}/${run}`, options)
  }

  /** Whether anything but what is set aside was changed in a pool since this was asked last, which is once a look. */
  changesIn(survey: PoolSurvey): 'none' | 'some' | 'unknown' {
    const { name } = survey.pool
    const before = this.#imprints.get(name)
    const imprint = imprintOf(survey)
    this.#imprints.set(name, imprint)
    if (before === undefined) return 'unknown'
    return before === imprint ? 'none' : 'some'
  }

  assertHeld(): void {
    this.#assertHeld()
  }

  #progress(phase: string, done: number, options: RunOptions): void {
    options.onEvent?.({ kind: 'progress', phase, done, note: 'blobs' })
  }
}

export function* batches<T>(all: Iterable<T>, size: number): Generator<readonly T[]> {
  let batch: T[] = []
  for (const each of all) {
    batch.push(each)
    if (batch.length < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
