/**
 * Looks out for images that come back while their parts are going, and puts back what of them has gone.
 *
 * No registry deletes on condition that nothing changed. Whoever pushes an index again in the moment between its
 * deletion and that of its children finds the children there, uploads none of them, and has an index without them a
 * moment later. So a root is asked for by its digest before anything that hung on it goes, and once more when the last
 * of it has gone. If it answers, what is left of it stays, and what went is put back from the journal.
 *
 * It puts back what an image lacks, and never an image that somebody else removed; and names only along with a manifest
 * that it put back: how to call what they pushed again is for those to say who pushed it.
 */
import { invariant } from '../core/errors/invariant.ts'
import type { Digest } from '../core/image/digest.ts'
import type { RepositoryName, TagName } from '../core/image/names.ts'
import type { JournalIntent, SavedEntry } from '../core/journal/entry.ts'
import { reachedFrom, savedGraph, type SavedGraph } from '../core/journal/saved-graph.ts'
import { buildUndoPlan } from '../core/journal/undo-plan.ts'
import type { RunOptions } from '../ports/run-options.ts'
import type { CompanyTrouble, RegistryPorts, RepositoryPlace } from './apply-ports.ts'
import { inParallel } from './in-parallel.ts'
import { Restorer } from './undo-restorer.ts'

/** Manifests that are asked for at once. */
const atOnce = 8

/** A manifest that was deleted, and the names it had. */
interface GoneManifest {
  readonly repository: RepositoryName
  readonly digest: Digest
  readonly tags: readonly TagName[]
}

/** Whether the registry gives out again what was deleted. One request, or one for each of its names. */
export async function isThereAgain(
  gone: GoneManifest,
  driver: RegistryPorts,
  options: RunOptions,
): Promise<boolean> {
  const { collectsUntagged = false } = await driver.reader.capabilities(options)
  // There a manifest without a name answers until it is collected: only a name tells that somebody wants it.
  if (collectsUntagged) return (await targetsNow(gone, driver, options)).includes(gone.digest)
  return (await driver.reader.readManifest(gone.repository, gone.digest, options)) !== undefined
}

/** What answers now to those names. */
async function targetsNow(
  { repository, tags }: GoneManifest,
  { reader }: RegistryPorts,
  options: RunOptions,
): Promise<readonly Digest[]> {
  const targets: Digest[] = []
  for (const tag of tags) {
    const target = await reader.resolveTag(repository, tag, options)
    if (target !== undefined) targets.push(target)
  }
  return targets
}

export class Returned {
  /** What hangs on what, by the bytes in the journal. */
  readonly graph: SavedGraph
  readonly #saved: readonly SavedEntry[]
  readonly #tags: ReadonlyMap<Digest, readonly TagName[]>
  readonly #place: RepositoryPlace
  readonly #options: RunOptions
  readonly #restorer: Restorer
  /** The acts by which each manifest went, and its names. */
  readonly #gone = new Map<Digest, JournalIntent[]>()
  /** Whatever hangs on an image that came back. */
  readonly #stays = new Set<Digest>()
  readonly #back = new Set<Digest>()
  /** Lines that are not done after all, by the digest of each. */
  readonly #lines = new Map<Digest, CompanyTrouble>()

  /** @param intents all of the repository that the run has written so far */
  constructor(
    saved: readonly SavedEntry[],
    intents: readonly JournalIntent[],
    place: RepositoryPlace,
    options: RunOptions,
  ) {
    const { registry, driver, run, ports, leases, sequence } = place
    this.graph = savedGraph(saved, intents)
    this.#saved = saved
    this.#tags = new Map(saved.map(({ digest, tags }) => [digest, tags]))
    this.#place = place
    this.#options = options
    const registries = new Map([[registry, driver]])
    this.#restorer = new Restorer(
      { run, saved, registries, journal: ports.journal, leases, now: ports.now, sequence },
      options,
    )
  }

  /** Takes note of acts that were done, or found done. */
  went(intents: readonly JournalIntent[]): void {
    for (const intent of intents) {
      const acts = this.#gone.get(intent.act.digest)
      if (acts === undefined) this.#gone.set(intent.act.digest, [intent])
      else acts.push(intent)
    }
  }

  /** Whether it hangs on an image that came back, and must not go. */
  stays(digest: Digest): boolean {
    return this.#stays.has(digest)
  }

  lines(): ReadonlyMap<Digest, CompanyTrouble> {
    return this.#lines
  }

  /** Asks for roots that are gone before what hung on them goes. One request for each. */
  async lookBefore(roots: readonly Digest[]): Promise<void> {
    await this.#heed(await this.#answering(roots))
  }

  /**
   * Asks for all of `family` once more on which something hung that has gone. One request for each.
   *
   * @returns whether somebody gave one of their names to another manifest, which may need the same parts
   */
  async lookAfter(family: readonly Digest[]): Promise<boolean> {
    const owners = family.filter((digest) => this.#hasLost(digest))
    await this.#heed(await this.#answering(owners))
    return this.#areNamesTaken(owners)
  }

  /** Nobody could tell whether any of `family` came back. */
  doubt(family: readonly Digest[], trouble: string): void {
    const text = `deleted; whether it was pushed again meanwhile, and lacks something now, could not be asked: ${trouble}`
    for (const digest of family) {
      if (this.#isLine(digest) && this.#hasLost(digest)) this.#lines.set(digest, { outcome: 'failed', text })
    }
  }

  /** Puts back what of `family` has gone and is needed; where nobody can tell what is, all of it. */
  async putBackNeeded(family: readonly Digest[], needed: ReadonlySet<Digest> | undefined): Promise<void> {
    const gone = family.filter((digest) => this.#gone.has(digest))
    const roots = new Set(gone.flatMap((digest) => this.#gone.get(digest)?.map(({ root }) => root) ?? []))
    const wanted =
      needed === undefined
        ? gone.filter((digest) => !roots.has(digest) || this.#isPart(digest, family))
        : gone.filter((digest) => needed.has(digest))
    await this.#putBack(reachedFrom(this.graph, wanted), 'an image that was pushed meanwhile')
  }

  /** Whether something went that hung on it. */
  #hasLost(digest: Digest): boolean {
    return [...(this.graph.get(digest) ?? [])].some((below) => this.#gone.has(below))
  }

  #isPart(digest: Digest, family: readonly Digest[]): boolean {
    return family.some((owner) => this.graph.get(owner)?.has(digest) === true)
  }

  async #answering(digests: readonly Digest[]): Promise<readonly Digest[]> {
    const { driver, repository } = this.#place
    const unknown = digests.filter((digest) => !this.#back.has(digest))
    const answering = new Set<Digest>()
    await inParallel(unknown, atOnce, async (digest) => {
      const gone = { repository, digest, tags: this.#tags.get(digest) ?? [] }
      if (await isThereAgain(gone, driver, this.#options)) answering.add(digest)
    })
    return unknown.filter((digest) => answering.has(digest))
  }

  async #areNamesTaken(owners: readonly Digest[]): Promise<boolean> {
    const { driver, repository } = this.#place
    let areTaken = false
    await inParallel(owners, atOnce, async (digest) => {
      if (this.#back.has(digest)) return
      const gone = { repository, digest, tags: this.#tags.get(digest) ?? [] }
      const targets = await targetsNow(gone, driver, this.#options)
      if (targets.some((target) => target !== digest)) areTaken = true
    })
    return areTaken
  }

  async #heed(back: readonly Digest[]): Promise<void> {
    if (back.length === 0) return
    const reached = reachedFrom(this.graph, back)
    for (const digest of back) this.#back.add(digest)
    for (const digest of reached) this.#stays.add(digest)
    for (const digest of back) {
      const text = 'it was pushed again while it was being deleted; what hangs on it stays'
      if (this.#isLine(digest)) this.#lines.set(digest, { outcome: 'drifted', text })
    }
    const failed = await this.#putBack(reached, `${this.#nameOf(back[0])}, which was pushed again meanwhile,`)
    if (failed === undefined) return
    for (const digest of back) {
      const text = `it was pushed again while it was being deleted, and a part of it could not be put back: ${failed}`
      if (this.#isLine(digest)) this.#lines.set(digest, { outcome: 'failed', text })
    }
  }

  #isLine(digest: Digest): boolean {
    return (this.#gone.get(digest) ?? []).some(({ root }) => root === digest)
  }

  #nameOf(digest: Digest | undefined): string {
    invariant(digest !== undefined, 'nothing came back, and was heeded')
    return this.#tags.get(digest)?.[0] ?? digest
  }

  /** @returns why something is not back, if anything is not */
  async #putBack(digests: ReadonlySet<Digest>, keeper: string): Promise<string | undefined> {
    const wanted = [...digests].filter((digest) => this.#gone.has(digest) && !this.#back.has(digest))
    if (wanted.length === 0) return undefined
    const { collectsUntagged = false } = await this.#place.driver.reader.capabilities(this.#options)
    const intents = wanted.flatMap((digest) => this.#gone.get(digest) ?? [])
    const source = { run: { id: this.#place.run }, saved: this.#saved, intents, outcomes: [] }
    const pushedAgain = new Set<Digest>()
    const failed = new Map<Digest, string>()
    // Children before parents, and names last, as an undo does it.
    for (const line of buildUndoPlan(source).lines) {
      if (line.kind === 'tag' && pushedAgain.has(line.digest)) continue
      const { outcome, text } = await this.#restorer.restore(line)
      this.#place.leases.assertHeld()
      if (outcome === 'present' && line.kind === 'manifest' && !collectsUntagged) pushedAgain.add(line.digest)
      if (outcome === 'blocked' || outcome === 'failed') failed.set(line.digest, text)
    }
    // Names that were left out went with a deletion that stands; the journal keeps them for an undo.
    for (const digest of pushedAgain) this.#gone.delete(digest)
    await this.#told(
      wanted.filter((digest) => !failed.has(digest) && !pushedAgain.has(digest)),
      keeper,
    )
    for (const [digest, text] of failed) {
      const told = `deleted, and could not be put back, though ${keeper} needs it: ${text}`
      if (this.#isLine(digest)) this.#lines.set(digest, { outcome: 'failed', text: told })
    }
    return [...failed.values()][0]
  }

  /** What is back did not go after all: undoing the run has nothing to do there. */
  async #told(restored: readonly Digest[], keeper: string): Promise<void> {
    const { run, ports } = this.#place
    const text = `put back: ${keeper} needs it`
    const outcomes = restored.flatMap((digest) =>
      (this.#gone.get(digest) ?? []).map(({ sequence }) => {
        return { sequence, outcome: 'drifted' as const, text, at: ports.now() }
      }),
    )
    await ports.journal.recordOutcomes(run, outcomes)
    for (const digest of restored) {
      if (this.#isLine(digest)) this.#lines.set(digest, { outcome: 'drifted', text: `deleted, and ${text}` })
      this.#gone.delete(digest)
    }
  }
}
