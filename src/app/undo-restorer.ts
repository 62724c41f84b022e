/**
 * Puts back one thing that a run removed: a manifest, byte for byte, or a tag.
 *
 * It never takes anything away: what is there already stays as it is, a tag that was given to another image included.
 * Every act is in the journal before it is done. An undo works off its lines with it, and an apply takes back a line
 * whose image came back while it went.
 */
import { isOperationalError } from '../core/errors/is-operational.ts'
import { invariant } from '../core/errors/invariant.ts'
import type { Digest } from '../core/image/digest.ts'
import type { RegistryName, RepositoryName } from '../core/image/names.ts'
import type { InstantMs } from '../core/inventory/inventory.ts'
import type { RunId, SavedEntry } from '../core/journal/entry.ts'
import type { UndoLine } from '../core/journal/undo-plan.ts'
import type { JournalStore } from '../ports/journal-store.ts'
import type { ChangeOutcome } from '../ports/mutable-registry.ts'
import type { RunOptions } from '../ports/run-options.ts'
import type { RegistryPorts } from './apply-ports.ts'
import type { HeldLeases } from './leases.ts'
import { missingBlobs } from './missing-blobs.ts'

export interface RestorerParts {
  /** The run that acts, and writes down what it does. */
  readonly run: RunId
  /** Where the bytes are taken from. */
  readonly saved: readonly SavedEntry[]
  readonly registries: ReadonlyMap<RegistryName, RegistryPorts>
  readonly journal: JournalStore
  readonly leases: Pick<HeldLeases, 'fence' | 'assertHeld'>
  readonly now: () => InstantMs
  /** The next number for an intent of that run. */
  readonly sequence: () => number
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

export class Restorer {
  readonly #parts: RestorerParts
  readonly #saved: ReadonlyMap<string, SavedEntry>
  readonly #options: RunOptions
  /** By repository, the blobs that were found to be there. */
  readonly #blobs = new Map<string, Set<Digest>>()

  constructor(parts: RestorerParts, options: RunOptions) {
    this.#parts = parts
    this.#saved = new Map(
      parts.saved.map((entry) => [keyOf(entry.registry, entry.repository, entry.digest), entry]),
    )
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
    const driver = this.#parts.registries.get(line.registry)
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
    const { run, journal, leases } = this.#parts
    const sequence = this.#parts.sequence()
    await journal.recordIntents(run, [
      {
        sequence,
        act: { kind: 'put', registry, repository, digest, tag },
        fence: leases.fence(registry),
        root: digest,
      },
    ])
    leases.assertHeld()
    const outcome = await act()
    const text = outcome.kind === 'refused' ? `${outcome.reason}: ${outcome.text}` : ''
    await journal.recordOutcomes(run, [{ sequence, outcome: outcome.kind, text, at: this.#parts.now() }])
    return outcome
  }
}

function keyOf(registry: RegistryName, repository: RepositoryName, digest: Digest): string {
  return `${registry} ${repository} ${digest}`
}
