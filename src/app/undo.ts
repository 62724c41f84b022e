/**
 * Puts back what a run removed: the same manifests, byte for byte, and their tags, children before parents.
 *
 * An undo is a plan first, shown like any other, and a run of its own, in the journal like any other. It never takes
 * anything away: a tag that has been given to another image since stays where it is, and the line says so. What the
 * registry can no longer hold, because the bytes beneath are gone, is named exactly.
 */
import type { Digest } from '../core/image/digest.ts'
import { isOperationalError } from '../core/errors/is-operational.ts'
import { OperationalError } from '../core/errors/errors.ts'
import { invariant } from '../core/errors/invariant.ts'
import type { RegistryName, RepositoryName } from '../core/image/names.ts'
import type { InstantMs } from '../core/inventory/inventory.ts'
import type { JournalRun, RunId, RunOutcome, RunRecord, SavedEntry } from '../core/journal/entry.ts'
import { buildUndoPlan, type UndoLine, type UndoPlan, type UndoSelection } from '../core/journal/undo-plan.ts'
import type { JournalStore } from '../ports/journal-store.ts'
import type { LeaseStore } from '../ports/lease.ts'
import type { ChangeOutcome } from '../ports/mutable-registry.ts'
import type { RunOptions } from '../ports/run-options.ts'
import type { RegistryPorts } from './apply-ports.ts'
import { withLeases, type HeldLeases } from './leases.ts'
import { missingBlobs } from './missing-blobs.ts'

export interface UndoPorts {
  readonly registries: ReadonlyMap<RegistryName, RegistryPorts>
  readonly journal: JournalStore
  readonly leases: LeaseStore
  readonly now: () => InstantMs
  readonly newRunId: (at: InstantMs) => RunId
}

export type UndoOutcome =
  | 'restored'
  /** It is there already, as it was. */
  | 'present'
  /** Its tag has been given to another image since. */
  | 'drifted'
  /** The registry refused, or the bytes beneath are gone. */
  | 'blocked'
  | 'failed'

export interface UndoLineReport {
  readonly line: UndoLine
  readonly outcome: UndoOutcome
  readonly text: string
}

export interface UndoReport {
  /** The undo's own run. */
  readonly run: RunId
  readonly undone: RunId
  readonly lines: readonly UndoLineReport[]
  readonly outcome: RunOutcome
}

/** The journal has no run of that name. */
export class UnknownRunError extends OperationalError {
  readonly code = 'UNKNOWN_RUN'
  readonly hint = 'The runs are listed by:\n  winnow history'
  override readonly category = 'usage'

  constructor(id: string) {
    super(`There is no run called ${id} in the journal of this state directory.`)
  }
}

/** A sweep is taken back by a restore, from its journal in the storage it swept; and that by the next sweep. */
export class SweepNotUndoneError extends OperationalError {
  readonly code = 'UNDO_OF_SWEEP'
  readonly hint: string
  override readonly category = 'usage'

  constructor({ id, kind, registries }: Pick<RunRecord, 'id' | 'kind' | 'registries'>) {
    super(
      kind === 'restore'
        ? `${id} put back what a sweep had set aside, which undo does not take back.`
        : `${id} was a sweep, which undo does not take back.`,
    )
    this.hint =
      kind === 'restore'
        ? 'The next sweep sets aside again what nothing needs.'
        : `What it set aside is put back by:\n  winnow sweep ${registries.join(' ')} --restore ${id}`
  }
}

/**
 * What undoing a run, or the selected part of it, would put back.
 *
 * @throws UnknownRunError
 */
export async function planUndo(
  id: string,
  selection: UndoSelection,
  journal: JournalStore,
): Promise<{ readonly run: JournalRun; readonly plan: UndoPlan }> {
  const run = await journal.readRun(id as RunId)
  if (run === undefined) throw new UnknownRunError(id)
  if (run.run.kind === 'sweep' || run.run.kind === 'restore') throw new SweepNotUndoneError(run.run)
  return { run, plan: buildUndoPlan(run, selection) }
}

/**
 * Puts back the lines of an undo plan.
 *
 * @throws LeaseHeldError when a live run holds one of the registries
 */
export async function undo(
  run: JournalRun,
  plan: UndoPlan,
  holder: string,
  ports: UndoPorts,
  options: RunOptions = {},
): Promise<UndoReport> {
  const registries = [...new Set(plan.lines.map((line) => line.registry))].toSorted()
  return withLeases(registries, holder, ports.leases, options, (leases) =>
    undoLeased(run, plan, ports, leases, { ...options, signal: leases.signal }),
  )
}

async function undoLeased(
  run: JournalRun,
  plan: UndoPlan,
  ports: UndoPorts,
  leases: HeldLeases,
  options: RunOptions,
): Promise<UndoReport> {
  const startedAt = ports.now()
  const id = ports.newRunId(startedAt)
  await ports.journal.beginRun({
    id,
    kind: 'undo',
    startedAt,
    registries: leases.registries,
    plan: JSON.stringify({ schemaVersion: 'undo/v1', run: run.run.id, lines: plan.lines }),
    undoOf: run.run.id,
  })
  const restorer = new Restorer(id, run, ports, leases, options)
  const lines: UndoLineReport[] = []
  // One after the other: a parent is refused while a child of it is not back yet.
  for (const line of plan.lines) {
    lines.push(await restorer.restore(line))
    options.onEvent?.({ kind: 'progress', phase: 'undo', done: lines.length, total: plan.lines.length })
  }
  const outcome = outcomeOf(lines, options)
  await ports.journal.finishRun(id, outcome, ports.now())
  return { run: id, undone: run.run.id, lines, outcome }
}

class Restorer {
  readonly #id: RunId
  readonly #saved: ReadonlyMap<string, SavedEntry>
  readonly #ports: UndoPorts
  readonly #leases: HeldLeases
  readonly #options: RunOptions
  /** By repository, the blobs that were found to be there. */
  readonly #blobs = new Map<string, Set<Digest>>()
  #sequence = 0

  constructor(id: RunId, run: JournalRun, ports: UndoPorts, leases: HeldLeases, options: RunOptions) {
    this.#id = id
    this.#saved = new Map(
      run.saved.map((entry) => [keyOf(entry.registry, entry.repository, entry.digest), entry]),
    )
    this.#ports = ports
    this.#leases = leases
    this.#options = options
  }

  async restore(line: UndoLine): Promise<UndoLineReport> {
    if (this.#options.stop?.aborted === true) {
      return { line, outcome: 'blocked', text: 'not begun: the undo was interrupted' }
    }
    try {
      return await this.#restore(line)
    } catch (error) {
      if (!isOperationalError(error) || this.#options.signal?.aborted === true) throw error
      return { line, outcome: 'failed', text: error.message }
    }
  }

  async #restore(line: UndoLine): Promise<UndoLineReport> {
    const driver = this.#ports.registries.get(line.registry)
    if (driver === undefined) {
      return { line, outcome: 'blocked', text: `the registry ${line.registry} is not in the configuration` }
    }
    const there = await this.#whatIsThere(line, driver)
    if (there !== undefined) return { line, ...there }
    const saved = this.#saved.get(keyOf(line.registry, line.repository, line.digest))
    if (saved === undefined) return { line, outcome: 'blocked', text: 'its bytes are not in the journal' }
    if ((await this.#restoreFromBin(line, driver)).kind === 'done')
      return { line, outcome: 'restored', text: 'from the registry’s bin' }
    const lost = await this.#lostBlobs(line, saved, driver)
    if (lost.length > 0) {
      return {
        line,
        outcome: 'blocked',
        text: `the registry no longer has what it refers to: ${lost.join(', ')}`,
      }
    }
    const outcome = await this.#put(line, saved, driver)
    if (outcome.kind === 'refused') return { line, outcome: 'blocked', text: outcome.text }
    return { line, outcome: 'restored', text: '' }
  }

  async #whatIsThere(
    line: UndoLine,
    { reader }: RegistryPorts,
  ): Promise<Pick<UndoLineReport, 'outcome' | 'text'> | undefined> {
    if (line.kind === 'manifest') {
      const raw = await reader.readManifest(line.repository, line.digest, this.#options)
      return raw === undefined ? undefined : { outcome: 'present', text: 'it is there already' }
    }
    invariant(line.tag !== undefined, 'a line to restore a tag without the tag')
    const now = await reader.resolveTag(line.repository, line.tag, this.#options)
    if (now === undefined) return undefined
    if (now === line.digest) return { outcome: 'present', text: 'it is there already' }
    // Somebody has pushed under this name since; an undo takes nothing away.
    return { outcome: 'drifted', text: `tag ${line.tag} now points to ${now}` }
  }

  async #lostBlobs(
    { registry, repository }: UndoLine,
    saved: SavedEntry,
    { reader }: RegistryPorts,
  ): Promise<readonly Digest[]> {
    const key = `${registry} ${repository}`
    const seen = this.#blobs.get(key) ?? new Set()
    this.#blobs.set(key, seen)
    return missingBlobs(reader, repository, saved, seen, this.#options)
  }

  /** A registry's own bin may have the layers too, so it is asked before anything is put back. */
  async #restoreFromBin(line: UndoLine, { writer }: RegistryPorts): Promise<ChangeOutcome> {
    const restore = writer.restore?.bind(writer)
    if (restore === undefined) return { kind: 'absent' }
    const tag = line.kind === 'tag' ? line.tag : undefined
    return this.#act(line, () => restore(line.repository, line.digest, tag, this.#options))
  }

  async #put(line: UndoLine, saved: SavedEntry, driver: RegistryPorts): Promise<ChangeOutcome> {
    const { repository, digest } = line
    const tag = line.kind === 'tag' ? line.tag : undefined
    invariant(saved.digest === digest, 'an undo was about to put back other bytes')
    const manifest = { digest, mediaType: saved.mediaType, bytes: saved.bytes }
    return this.#act(line, () => driver.writer.putManifest(repository, manifest, tag, this.#options))
  }

  /** Written down, done, and its outcome written down. */
  async #act(line: UndoLine, act: () => Promise<ChangeOutcome>): Promise<ChangeOutcome> {
    const { registry, repository, digest } = line
    const tag = line.kind === 'tag' ? line.tag : undefined
    this.#sequence += 1
    const sequence = this.#sequence
    await this.#ports.journal.recordIntents(this.#id, [
      {
        sequence,
        act: { kind: 'put', registry, repository, digest, tag },
        fence: this.#leases.fence(registry),
        root: digest,
      },
    ])
    this.#leases.assertHeld()
    const outcome = await act()
    const text = outcome.kind === 'refused' ? `${outcome.reason}: ${outcome.text}` : ''
    await this.#ports.journal.recordOutcomes(this.#id, [
      { sequence, outcome: outcome.kind, text, at: this.#ports.now() },
    ])
    return outcome
  }
}

function keyOf(registry: RegistryName, repository: RepositoryName, digest: Digest): string {
  return `${registry} ${repository} ${digest}`
}

function outcomeOf(lines: readonly UndoLineReport[], options: RunOptions): RunOutcome {
  const isBack = (line: UndoLineReport): boolean => line.outcome === 'restored' || line.outcome === 'present'
  if (lines.every(isBack)) return 'done'
  if (options.stop?.aborted === true) return 'interrupted'
  return lines.some(isBack) ? 'partly' : 'failed'
}
