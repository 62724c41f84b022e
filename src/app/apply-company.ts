/**
 * Removes what hung on images that are gone: parts of an index, attestations, signatures.
 *
 * The intents are in the journal since before the image itself went, so that a run that dies in between leaves them to
 * the next one. What anything still there needs is left alone: an index pushed a moment ago may share a part. A failure
 * here leaves garbage that nobody can reach, and is told.
 */
import { isOperationalError } from '../core/errors/is-operational.ts'
import type { Digest } from '../core/image/digest.ts'
import { buildGraph, type Node } from '../core/image/graph.ts'
import type { ManifestFacts } from '../core/image/manifest.ts'
import { ManifestUnreadableError } from '../core/image/manifest-fields.ts'
import type { RegistryName, RepositoryName } from '../core/image/names.ts'
import { parseManifest } from '../core/image/parse-manifest.ts'
import type { InstantMs, RepositoryInventory } from '../core/inventory/inventory.ts'
import { recordManifest } from '../core/inventory/manifest-record.ts'
import type { ActOutcome, JournalIntent, RunId, SavedEntry } from '../core/journal/entry.ts'
import { stagesOf } from '../core/plan/line-order.ts'
import { stillNeeded } from '../core/plan/recheck.ts'
import type { RunOptions } from '../ports/run-options.ts'
import type { FreshEvidence } from './apply-evidence.ts'
import type { ApplyPorts, RegistryPorts } from './apply-ports.ts'
import { inParallel } from './in-parallel.ts'
import type { HeldLeases } from './leases.ts'

/** Manifests that are deleted at once; none of them hangs on another. */
const atOnce = 8
/** An older look at the repository than this decides no deletion. */
export const lookAgeMaxMs = 60_000

const unreadable = 'what is there and in use could not be read in full afterwards'
const needed = 'something that stays needs it'

export interface CompanyPlace {
  readonly run: RunId
  readonly registry: RegistryName
  readonly repository: RepositoryName
  readonly driver: RegistryPorts
  readonly evidence: FreshEvidence
  readonly ports: Pick<ApplyPorts, 'journal' | 'now'>
  readonly leases: HeldLeases
}

export interface CompanyTrouble {
  readonly outcome: 'blocked' | 'failed'
  readonly text: string
}

/** Company whose root did not go stays: its intents are closed, nothing was begun. */
export async function leaveCompany(
  intents: readonly JournalIntent[],
  { run, ports }: Pick<CompanyPlace, 'run' | 'ports'>,
): Promise<void> {
  const at = ports.now()
  await ports.journal.recordOutcomes(
    run,
    intents.map(({ sequence }) => ({
      sequence,
      outcome: 'refused',
      text: 'not begun: what it hangs on stays',
      at,
    })),
  )
}

/**
 * Deletes the manifests that these open intents name. Their roots are gone, their bytes are in the journal.
 *
 * @param saved what the journal has of the repository
 * @returns what did not work, by digest; left alone because it is needed is no trouble
 * @throws LeaseLostError, InterruptedError when aborted; the intents left open are settled by the next run
 */
export async function removeCompany(
  intents: readonly JournalIntent[],
  saved: readonly SavedEntry[],
  place: CompanyPlace,
  options: RunOptions,
): Promise<ReadonlyMap<Digest, CompanyTrouble>> {
  const { stop: _stop, ...untilAborted } = options
  // Asked to stop, we finish what began: without its root, this is garbage that no later plan may ever see.
  const removal = new CompanyRemoval(intents, saved, place, untilAborted)
  return removal.run()
}

class CompanyRemoval {
  readonly #intents: ReadonlyMap<Digest, readonly JournalIntent[]>
  readonly #stages: readonly (readonly Digest[])[]
  /** What the company itself says; a registry may not list it any more. */
  readonly #facts: readonly ManifestFacts[]
  readonly #place: CompanyPlace
  readonly #options: RunOptions
  readonly #trouble = new Map<Digest, CompanyTrouble>()
  #needed: ReadonlySet<Digest> | undefined
  #lookedAt: InstantMs | undefined

  constructor(
    intents: readonly JournalIntent[],
    saved: readonly SavedEntry[],
    place: CompanyPlace,
    options: RunOptions,
  ) {
    this.#intents = groupBy(intents, (intent) => intent.act.digest)
    const lists = groupBy(intents, (intent) => intent.root).values()
    this.#stages = stagesOf([...lists].map((list) => list.map((intent) => intent.act.digest)))
    this.#facts = saved.flatMap((entry) => (this.#intents.has(entry.digest) ? (factsOf(entry) ?? []) : []))
    this.#place = place
    this.#options = options
  }

  async run(): Promise<ReadonlyMap<Digest, CompanyTrouble>> {
    for (const stage of this.#stages) {
      if (this.#isStale()) await this.#look()
      await inParallel(stage, atOnce, (digest) => this.#remove(digest))
    }
    return this.#trouble
  }

  #isStale(): boolean {
    const { ports, evidence } = this.#place
    return this.#lookedAt === undefined || ports.now() - this.#lookedAt > lookAgeMaxMs || !evidence.isFresh()
  }

  async #look(): Promise<void> {
    const { ports } = this.#place
    this.#lookedAt = ports.now()
    this.#needed = undefined
    try {
      this.#needed = await this.#neededNow()
    } catch (error) {
      if (!isOperationalError(error) || error.category === 'interrupted') throw error
      if (this.#options.signal?.aborted === true) throw error
    }
  }

  /** What anything there reaches or uses; undefined when that cannot be told. */
  async #neededNow(): Promise<ReadonlySet<Digest> | undefined> {
    const { registry, repository, driver, evidence } = this.#place
    const listed = await driver.reader.readRepository(repository, this.#options)
    if (!listed.complete) return undefined
    const shown = withCompany(listed, this.#facts)
    const { resolved, repository: fresh } = await evidence.resolve(registry, shown, this.#options)
    if (!fresh.complete) return undefined
    if (resolved.heldRepositories.get(registry)?.has(repository) === true) return undefined
    // The company itself shows as images, now that its owner is gone.
    const going = new Set(this.#intents.keys())
    const inUse = resolved.inUse(registry, repository).keys()
    const { deletesReferrers } = await driver.reader.capabilities(this.#options)
    return new Set([...stillNeeded(fresh, going, deletesReferrers), ...usedIn(fresh, inUse)])
  }

  async #remove(digest: Digest): Promise<void> {
    if (this.#needed === undefined) {
      this.#trouble.set(digest, { outcome: 'blocked', text: unreadable })
      return this.#record(digest, 'refused', unreadable)
    }
    if (this.#needed.has(digest)) return this.#record(digest, 'in-use', needed)
    const { driver, repository, leases } = this.#place
    leases.assertHeld()
    try {
      // Safe: what it hung on is gone, nothing still in the repository reaches it, its bytes are in the journal.
      const outcome = await driver.writer.deleteManifest(repository, digest, this.#options)
      if (outcome.kind !== 'refused') return await this.#record(digest, outcome.kind, '')
      this.#trouble.set(digest, { outcome: 'blocked', text: outcome.text })
      await this.#record(digest, 'refused', `${outcome.reason}: ${outcome.text}`)
    } catch (error) {
      if (!isOperationalError(error) || this.#options.signal?.aborted === true) throw error
      if (error.category === 'interrupted') throw error
      leases.assertHeld()
      this.#trouble.set(digest, { outcome: 'failed', text: error.message })
      await this.#record(digest, 'failed', error.message)
    }
  }

  /** Every root that it hung on gets to know, so that undoing one of them brings it back. */
  async #record(digest: Digest, outcome: ActOutcome, text: string): Promise<void> {
    const { run, ports } = this.#place
    const at = ports.now()
    const intents = this.#intents.get(digest) ?? []
    await ports.journal.recordOutcomes(
      run,
      intents.map(({ sequence }) => ({ sequence, outcome, text, at })),
    )
  }
}

/** The repository with the company that a registry does not list, since nothing with a tag holds it any more. */
function withCompany(listed: RepositoryInventory, facts: readonly ManifestFacts[]): RepositoryInventory {
  const known = new Set(listed.manifests.map(({ digest }) => digest))
  const unlisted = facts.filter(({ digest }) => !known.has(digest))
  const records = unlisted.map((each) => recordManifest(each, undefined, { tags: [] }))
  return { ...listed, manifests: [...listed.manifests, ...records] }
}

/** What is in use: those manifests, everything above them, and all that these hold. */
function usedIn(repository: RepositoryInventory, inUse: Iterable<Digest>): ReadonlySet<Digest> {
  const graph = buildGraph(repository.manifests)
  const above = new Set<Node>()
  const pending = [...inUse].flatMap((digest) => graph.nodeOf(digest) ?? [])
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (above.has(node)) continue
    above.add(node)
    pending.push(...graph.owners(node))
  }
  const nodes = [...above].flatMap((node) => [node, ...graph.reachable(node)])
  return new Set(nodes.flatMap((node) => graph.manifests[node]?.digest ?? []))
}

/** Undefined when it is no manifest that we can read: then nothing is known to hang on it. */
function factsOf(entry: SavedEntry): ManifestFacts | undefined {
  try {
    return parseManifest(entry.bytes, entry.mediaType, entry.digest)
  } catch (error) {
    if (error instanceof ManifestUnreadableError) return undefined
    throw error
  }
}

function groupBy<K, V>(all: readonly V[], keyOf: (each: V) => K): ReadonlyMap<K, readonly V[]> {
  const groups = new Map<K, V[]>()
  for (const each of all) {
    const group = groups.get(keyOf(each))
    if (group === undefined) groups.set(keyOf(each), [each])
    else group.push(each)
  }
  return groups
}
