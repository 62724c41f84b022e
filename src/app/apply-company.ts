/**
 * Removes what hung on images that are gone: parts of an index, attestations, signatures.
 *
 * The intents are in the journal since before the image itself went, so that a run that dies in between leaves them to
 * the next one. What anything still there needs is left alone: an index pushed a moment ago may share a part. A failure
 * here leaves garbage that nobody can reach, and is told.
 *
 * Some registries delete nothing that a tag or a referrer is left on. Tags of company go first there, and what is refused
 * for the sake of something else that goes is asked for again.
 */
import { isOperationalError } from '../core/errors/is-operational.ts'
import type { Digest } from '../core/image/digest.ts'
import { buildGraph, type Node } from '../core/image/graph.ts'
import type { ManifestFacts } from '../core/image/manifest.ts'
import type { TagName } from '../core/image/names.ts'
import type { InstantMs, RepositoryInventory } from '../core/inventory/inventory.ts'
import { recordManifest } from '../core/inventory/manifest-record.ts'
import type { ActOutcome, JournalIntent, SavedEntry } from '../core/journal/entry.ts'
import { factsOf, familiesOf } from '../core/journal/saved-graph.ts'
import { stagesOf } from '../core/plan/line-order.ts'
import { stillNeeded } from '../core/plan/recheck.ts'
import type { ChangeOutcome } from '../ports/mutable-registry.ts'
import type { RunOptions } from '../ports/run-options.ts'
import type { FreshEvidence } from './apply-evidence.ts'
import type { CompanyTrouble, RepositoryPlace } from './apply-ports.ts'
import { Returned } from './apply-returned.ts'
import { inParallel } from './in-parallel.ts'

/** Manifests that are deleted at once; none of them hangs on another. */
const atOnce = 8
/** An older look at the repository than this decides no deletion. */
export const lookAgeMaxMs = 60_000

/** Referrers of referrers are rare; more rounds than this would only repeat a refusal. */
const roundsMax = 3

const unreadable = 'what is there and in use could not be read in full afterwards'
const needed = 'something that stays needs it'

export interface CompanyPlace extends RepositoryPlace {
  readonly evidence: FreshEvidence
}

/** What hung on the images of a repository that are gone. */
export interface Company {
  /** Open intents for what is still to go. */
  readonly intents: readonly JournalIntent[]
  /** Acts of the run that were done: by these went the roots, and parts with lines of their own. */
  readonly gone: readonly JournalIntent[]
  /** What the journal has of the repository. */
  readonly saved: readonly SavedEntry[]
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
 * Deletes the manifests that the open intents name. Their roots are gone, their bytes are in the journal. An image that
 * comes back meanwhile keeps what is left of it, and gets back what went.
 *
 * @returns what did not work, by digest; left alone because it is needed is no trouble
 * @throws LeaseLostError, InterruptedError when aborted; the intents left open are settled by the next run
 */
export async function removeCompany(
  company: Company,
  place: CompanyPlace,
  options: RunOptions,
): Promise<ReadonlyMap<Digest, CompanyTrouble>> {
  const { stop: _stop, ...untilAborted } = options
  // Asked to stop, we finish what began: without its root, this is garbage that no later plan may ever see.
  return new CompanyRemoval(company, place, untilAborted).run()
}

/** What hangs together, and goes one after the other. */
interface Family {
  readonly digests: readonly Digest[]
  /** What goes, each stage after what it hangs on. */
  readonly stages: readonly (readonly Digest[])[]
}

class CompanyRemoval {
  readonly #intents: ReadonlyMap<Digest, readonly JournalIntent[]>
  readonly #families: readonly Family[]
  /** What the company itself says; a registry may not list it any more. */
  readonly #facts: readonly ManifestFacts[]
  readonly #place: CompanyPlace
  readonly #options: RunOptions
  readonly #returned: Returned
  readonly #trouble = new Map<Digest, CompanyTrouble>()
  /** Refused because of something that may go in this run. */
  readonly #waiting = new Map<Digest, Refusal>()
  /** Intents that have their outcome. */
  readonly #closed = new Set<number>()
  #needed: ReadonlySet<Digest> | undefined
  #lookedAt: InstantMs | undefined
  #looking: Promise<void> | undefined

  constructor({ intents, gone, saved }: Company, place: CompanyPlace, options: RunOptions) {
    this.#intents = groupBy(intents, (intent) => intent.act.digest)
    this.#facts = saved.flatMap((entry) => (this.#intents.has(entry.digest) ? (factsOf(entry) ?? []) : []))
    this.#returned = new Returned(saved, [...gone, ...intents], place, options)
    this.#returned.went(gone)
    const all = [...gone, ...intents].flatMap(({ act, root }) => [root, act.digest])
    // Of most images nothing hangs on anything.
    const families = familiesOf(this.#returned.graph, all).filter(({ length }) => length > 1)
    this.#families = families.map((digests) => {
      const lists = groupBy(this.#openOf(digests), (intent) => intent.root).values()
      return { digests, stages: stagesOf([...lists].map((list) => list.map(({ act }) => act.digest))) }
    })
    this.#place = place
    this.#options = options
  }

  async run(): Promise<ReadonlyMap<Digest, CompanyTrouble>> {
    await inParallel(this.#families, atOnce, (family) => this.#removeFamily(family))
    for (let round = 2, left = Infinity; round <= roundsMax && this.#waiting.size > 0; round += 1) {
      // Nothing went that could have freed the rest.
      if (this.#waiting.size === left) break
      left = this.#waiting.size
      await inParallel(this.#waitingFamilies(), atOnce, (family) => this.#removeFamily(family))
    }
    const late = this.#waitingFamilies()
    for (const [digest, refusal] of this.#waiting) await this.#block(digest, refusal)
    await inParallel(late, atOnce, (family) => this.#lookAfter(family))
    return new Map([...this.#returned.lines(), ...this.#trouble])
  }

  #waitingFamilies(): readonly Family[] {
    return this.#families.filter(({ digests }) => digests.some((digest) => this.#waiting.has(digest)))
  }

  /**
   * Family by family, and not layer by layer of all of them: the shorter the time between the first and the last of an
   * image, the less can come between.
   */
  async #removeFamily(family: Family): Promise<void> {
    const due = family.digests.filter((digest) => this.#open(digest).length > 0)
    if (due.length > 0) {
      // Looking at a repository takes long, asking for one manifest does not: it comes last.
      if (this.#isStale()) await this.#lookOnce()
      const trouble = await this.#attempt(() => this.#returned.lookBefore(this.#rootsGone(family)))
      if (trouble !== undefined) for (const digest of due) await this.#keepUnread(digest)
    }
    for (const stage of family.stages) {
      const there = stage.filter((digest) => this.#open(digest).length > 0)
      if (there.length === 0) continue
      if (this.#isStale()) await this.#lookOnce()
      await inParallel(there, atOnce, (digest) => this.#remove(digest))
    }
    if (!family.digests.some((digest) => this.#waiting.has(digest))) await this.#lookAfter(family)
  }

  /** Those roots of a family that are no company themselves. */
  #rootsGone({ digests }: Family): readonly Digest[] {
    const roots = new Set(this.#openOf(digests).map(({ root }) => root))
    return [...roots].filter((root) => this.#open(root).length === 0)
  }

  async #lookAfter({ digests }: Family): Promise<void> {
    const trouble = await this.#attempt(async () => {
      if (!(await this.#returned.lookAfter(digests))) return
      // A look that began before that name was given does not show to what.
      await this.#looking
      await this.#lookOnce()
      await this.#returned.putBackNeeded(digests, this.#needed)
    })
    if (trouble !== undefined) this.#returned.doubt(digests, trouble)
  }

  /** @returns what went wrong out there; a bug, a lost lease or an abort ends the run */
  async #attempt(ask: () => Promise<void>): Promise<string | undefined> {
    try {
      await ask()
      return undefined
    } catch (error) {
      if (!isOperationalError(error) || error.category === 'interrupted') throw error
      if (this.#options.signal?.aborted === true) throw error
      this.#place.leases.assertHeld()
      return error.message
    }
  }

  #isStale(): boolean {
    const { ports, evidence } = this.#place
    return this.#lookedAt === undefined || ports.now() - this.#lookedAt > lookAgeMaxMs || !evidence.isFresh()
  }

  /** Several families may want a look at once. */
  async #lookOnce(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    await this.#looking
  }

  async #look(): Promise<void> {
    const { ports } = this.#place
    const at = ports.now()
    let needed: ReadonlySet<Digest> | undefined
    try {
      needed = await this.#neededNow()
    } catch (error) {
      if (!isOperationalError(error) || error.category === 'interrupted') throw error
      if (this.#options.signal?.aborted === true) throw error
    }
    this.#lookedAt = at
    this.#needed = needed
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
    const { deletesReferrers, collectsUntagged = false } = await driver.reader.capabilities(this.#options)
    // The company itself shows as images, now that its owner is gone.
    const going = new Set(this.#intents.keys())
    // So does the owner, where a signature leads to it and only its tags are gone: it needs nothing any more. With a tag
    // again, or below an index that stays, it counts as staying all the same.
    if (collectsUntagged) for (const { root } of [...this.#intents.values()].flat()) going.add(root)
    const inUse = resolved.inUse(registry, repository).keys()
    return new Set([...stillNeeded(fresh, going, deletesReferrers), ...usedIn(fresh, inUse)])
  }

  async #remove(digest: Digest): Promise<void> {
    this.#waiting.delete(digest)
    if (this.#returned.stays(digest)) return this.#spare(digest)
    if (this.#needed === undefined) return this.#keepUnread(digest)
    if (this.#needed.has(digest)) return this.#spare(digest)
    const { driver, repository, leases } = this.#place
    leases.assertHeld()
    try {
      const held = await this.#removeTags(digest)
      if (held !== undefined) return await this.#block(digest, held)
      // Safe: what it hung on is gone and was not there again a moment ago, nothing still in the repository reaches it,
      // its bytes are in the journal, and if what it hung on comes back now, so does this.
      const known = { tags: this.#tagsOf(digest) }
      const outcome = await driver.writer.deleteManifest(repository, digest, this.#options, known)
      if (outcome.kind !== 'refused') return await this.#record(this.#open(digest), outcome.kind, '')
      if (outcome.reason === 'referenced' || outcome.reason === 'referrers-first')
        this.#waiting.set(digest, outcome)
      else await this.#block(digest, outcome)
    } catch (error) {
      if (!isOperationalError(error) || this.#options.signal?.aborted === true) throw error
      if (error.category === 'interrupted') throw error
      leases.assertHeld()
      this.#trouble.set(digest, { outcome: 'failed', text: error.message })
      // Whether a tag went is not known; its intent stays open, so that an undo asks.
      const deletions = this.#open(digest).filter(({ act }) => act.kind === 'delete')
      await this.#record(deletions, 'failed', error.message)
    }
  }

  /** Where a digest keeps its tags, they have intents of their own. Answers with the refusal that ends it. */
  async #removeTags(digest: Digest): Promise<Refusal | undefined> {
    const { driver, repository, leases } = this.#place
    const byTag = groupBy(this.#open(digest), ({ act }) => (act.kind === 'untag' ? act.tag : undefined))
    for (const [tag, intents] of byTag) {
      if (tag === undefined) continue
      leases.assertHeld()
      const now = await driver.reader.resolveTag(repository, tag, this.#options)
      // Safe: the tag was read this moment and names what goes; one that moved is somebody else's now.
      const outcome: ChangeOutcome =
        now === digest ? await driver.writer.untag(repository, tag, this.#options) : { kind: 'absent' }
      if (outcome.kind === 'refused') return outcome
      await this.#record(intents, outcome.kind, '')
    }
    return undefined
  }

  /** Tags that go along with it; one that it was given since is somebody's who means it now. */
  #tagsOf(digest: Digest): readonly TagName[] {
    const acts = (this.#intents.get(digest) ?? []).map(({ act }) => act)
    return [...new Set(acts.flatMap((act) => (act.kind === 'delete' ? act.tags : [])))]
  }

  async #keepUnread(digest: Digest): Promise<void> {
    this.#waiting.delete(digest)
    this.#trouble.set(digest, { outcome: 'blocked', text: unreadable })
    await this.#record(this.#open(digest), 'refused', unreadable)
  }

  /** Needed by something: no trouble for a part, but a root that was to go has stayed. */
  async #spare(digest: Digest): Promise<void> {
    const intents = this.#open(digest)
    if (intents.some(({ root }) => root === digest))
      this.#trouble.set(digest, { outcome: 'blocked', text: needed })
    await this.#record(intents, 'in-use', needed)
  }

  async #block(digest: Digest, { reason, text }: Refusal): Promise<void> {
    this.#trouble.set(digest, { outcome: 'blocked', text })
    await this.#record(this.#open(digest), 'refused', `${reason}: ${text}`)
  }

  /** Every root that it hung on gets to know, so that undoing one of them brings it back. */
  #open(digest: Digest): readonly JournalIntent[] {
    return (this.#intents.get(digest) ?? []).filter(({ sequence }) => !this.#closed.has(sequence))
  }

  #openOf(digests: readonly Digest[]): readonly JournalIntent[] {
    return digests.flatMap((digest) => this.#open(digest))
  }

  async #record(intents: readonly JournalIntent[], outcome: ActOutcome, text: string): Promise<void> {
    const { run, ports } = this.#place
    const at = ports.now()
    for (const { sequence } of intents) this.#closed.add(sequence)
    // What failed may have been done all the same.
    if (outcome === 'done' || outcome === 'absent' || outcome === 'failed') this.#returned.went(intents)
    await ports.journal.recordOutcomes(
      run,
      intents.map(({ sequence }) => ({ sequence, outcome, text, at })),
    )
  }
}

type Refusal = Extract<ChangeOutcome, { readonly kind: 'refused' }>

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

function groupBy<K, V>(all: readonly V[], keyOf: (each: V) => K): ReadonlyMap<K, readonly V[]> {
  const groups = new Map<K, V[]>()
  for (const each of all) {
    const group = groups.get(keyOf(each))
    if (group === undefined) groups.set(keyOf(each), [each])
    else group.push(each)
  }
  return groups
}
