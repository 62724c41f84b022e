/**
 * Applies the lines of one repository.
 *
 * The order is: read the repository again, decide which lines still stand, save the bytes of everything they take,
 * then, line by line, read the tags once more, write the intents, remove the tags and the root; and only when no root
 * is left to go, remove what hung on those that went, minus everything that whatever is still there needs.
 */
import type { Digest } from '../core/image/digest.ts'
import type { RegistryName, RepositoryName } from '../core/image/names.ts'
import type { InstantMs, RepositoryInventory } from '../core/inventory/inventory.ts'
import type { ActOutcome, JournalIntent, RunId, SavedEntry } from '../core/journal/entry.ts'
import { isOperationalError } from '../core/errors/is-operational.ts'
import { invariant } from '../core/errors/invariant.ts'
import type { DeleteAction, PlanAction } from '../core/plan/plan.ts'
import { plannedTags, recheck, stillNeeded, type Recheck } from '../core/plan/recheck.ts'
import type { ChangeOutcome } from '../ports/mutable-registry.ts'
import type { RunOptions } from '../ports/run-options.ts'
import type { ApplyPorts, LineOutcome, LineReport, RegistryPorts } from './apply-ports.ts'
import type { Breaker } from './apply-breaker.ts'
import type { FreshEvidence } from './apply-evidence.ts'
import { inParallel } from './in-parallel.ts'
import type { HeldLeases } from './leases.ts'

/** Lines of a repository that are worked on at once; the HTTP client narrows it when the registry is slow. */
const linesAtOnce = 8
/** Lines between two questions whether the last look at the repository still counts. */
const linesBetweenLooks = 64
/** An older look at the repository than this decides no deletion. */
const lookAgeMaxMs = 60_000

const companyLeft = 'deleted, but what hung on it stays: the repository could not be read in full afterwards'

export interface RepositoryRun {
  readonly run: RunId
  readonly plannedAt: InstantMs
  readonly evidence: FreshEvidence
  readonly ports: ApplyPorts
  readonly leases: HeldLeases
  /** The next number for an intent. */
  readonly sequence: () => number
  readonly breaker: Breaker
}

/** Applies lines that all belong to one repository; reports each of them, in their order. */
export async function applyRepository(
  actions: readonly PlanAction[],
  context: RepositoryRun,
  options: RunOptions,
): Promise<readonly LineReport[]> {
  const [first] = actions
  if (first === undefined) return []
  const where = { registry: first.registry, repository: first.repository }
  const closed = whyNotBegun(where.registry, context, options)
  if (closed !== undefined) return actions.map((action) => ({ action, outcome: 'blocked', text: closed }))
  return new RepositoryApply(where, context, options).apply(actions)
}

function whyNotBegun(
  registry: RegistryName,
  { breaker }: RepositoryRun,
  options: RunOptions,
): string | undefined {
  if (options.stop?.aborted === true) return 'not begun: the run was interrupted'
  return breaker.whyOpen(registry)
}

type Going = Extract<Recheck, { readonly kind: 'go' }>

class RepositoryApply {
  readonly #registry: RegistryName
  readonly #repository: RepositoryName
  readonly #context: RepositoryRun
  readonly #options: RunOptions
  readonly #driver: RegistryPorts
  #fresh: RepositoryInventory | undefined
  #freshAt: InstantMs = 0

  constructor(
    where: { readonly registry: RegistryName; readonly repository: RepositoryName },
    context: RepositoryRun,
    options: RunOptions,
  ) {
    this.#registry = where.registry
    this.#repository = where.repository
    this.#context = context
    this.#options = options
    const driver = context.ports.registries.get(where.registry)
    invariant(driver !== undefined, `apply began without the registry ${where.registry}`)
    this.#driver = driver
  }

  async apply(actions: readonly PlanAction[]): Promise<readonly LineReport[]> {
    const reports = new Map<PlanAction, LineReport>()
    const saved = new Set<Digest>()
    const begun: Going[] = []
    let left = await this.#stillStanding(actions, reports)
    await this.#save(left, saved)
    while (left.length > 0) {
      if (this.#isStale()) left = await this.#stillStanding(actionsOf(left), reports)
      const turn = left.slice(0, linesBetweenLooks)
      left = left.slice(turn.length)
      await inParallel(turn, linesAtOnce, async ({ action }) => {
        reports.set(action, await this.#begin(action, saved))
      })
      begun.push(...turn)
    }
    await this.#finish(begun, reports, saved)
    return actions.flatMap((action) => reports.get(action) ?? [])
  }

  /** Reads the repository again and reports the lines that no longer stand; the others are returned. */
  async #stillStanding(
    actions: readonly PlanAction[],
    reports: Map<PlanAction, LineReport>,
  ): Promise<readonly Going[]> {
    this.#fresh = await this.#driver.reader.readRepository(this.#repository, this.#options)
    this.#freshAt = this.#context.ports.now()
    const checks = await this.#recheck(actions, this.#fresh)
    for (const report of checks.flatMap((check) => reportOf(check) ?? [])) reports.set(report.action, report)
    return checks.filter((check): check is Going => check.kind === 'go')
  }

  #isStale(): boolean {
    return this.#context.ports.now() - this.#freshAt > lookAgeMaxMs || !this.#context.evidence.isFresh()
  }

  async #recheck(actions: readonly PlanAction[], fresh: RepositoryInventory): Promise<readonly Recheck[]> {
    const resolved = await this.#context.evidence.resolve(this.#registry, fresh, this.#options)
    return recheck({
      actions,
      repository: fresh,
      inUse: resolved.inUse(this.#registry, this.#repository),
      heldBack: resolved.heldRepositories.get(this.#registry)?.get(this.#repository),
      plannedAt: this.#context.plannedAt,
    })
  }

  /**
   * Puts the bytes and tags of everything that would go into the journal, before the first of it goes.
   *
   * @param saved gets the digests whose bytes are on disk; nothing else may be deleted
   */
  async #save(going: readonly Going[], saved: Set<Digest>): Promise<void> {
    const digests = [
      ...new Set(
        going.flatMap(({ action }) =>
          action.kind === 'delete' ? [action.digest, ...action.with] : [action.digest],
        ),
      ),
    ]
    const tags = new Map(
      this.#fresh?.manifests.map((manifest) => [manifest.digest, manifest.tags.map((tag) => tag.name)]),
    )
    const entries: SavedEntry[] = []
    await inParallel(digests, linesAtOnce, async (digest) => {
      const raw = await this.#driver.reader.readManifest(this.#repository, digest, this.#options)
      if (raw === undefined) return
      entries.push({
        kind: 'manifest',
        registry: this.#registry,
        repository: this.#repository,
        digest,
        mediaType: raw.mediaType,
        bytes: raw.bytes,
        tags: tags.get(digest) ?? [],
      })
    })
    if (entries.length > 0) await this.#context.ports.journal.save(this.#context.run, entries)
    for (const entry of entries) saved.add(entry.digest)
  }

  /** Removes the tags and the root of one line, if its tags still point where the plan says. */
  async #begin(action: PlanAction, saved: ReadonlySet<Digest>): Promise<LineReport> {
    try {
      const closed = whyNotBegun(this.#registry, this.#context, this.#options)
      if (closed !== undefined) return { action, outcome: 'blocked', text: closed }
      if (!saved.has(action.digest)) return doneReport(action, 'it was already gone')
      const moved = await this.#movedTag(action)
      if (moved !== undefined) return { action, outcome: 'drifted', text: moved }
      const report = action.kind === 'untag' ? await this.#untagLine(action) : await this.#deleteRoot(action)
      if (report.outcome === 'deleted' || report.outcome === 'untagged')
        this.#context.breaker.succeeded(this.#registry)
      return report
    } catch (error) {
      return this.#failed(action, error)
    }
  }

  /** The last look: every tag of the line, past all caches. An absent tag has gone already and is no drift. */
  async #movedTag(action: PlanAction): Promise<string | undefined> {
    for (const { tag, digest } of plannedTags(action)) {
      const now = await this.#driver.reader.resolveTag(this.#repository, tag as never, this.#options)
      if (now !== undefined && now !== digest) return `tag ${tag} now points to ${now}`
    }
    return undefined
  }

  async #untagLine(action: Extract<PlanAction, { readonly kind: 'untag' }>): Promise<LineReport> {
    const [intent] = await this.#intend(action.digest, [
      {
        kind: 'untag',
        registry: this.#registry,
        repository: this.#repository,
        tag: action.tag,
        digest: action.digest,
      },
    ])
    // Safe: the tag was read a moment ago and points where the plan says, and its manifest stays.
    const outcome = await this.#act(intent, () =>
      this.#driver.writer.untag(this.#repository, action.tag, this.#options),
    )
    return outcome.kind === 'refused'
      ? this.#refused(action, outcome)
      : { action, outcome: 'untagged', text: '' }
  }

  async #deleteRoot(action: DeleteAction): Promise<LineReport> {
    const { registry } = this
    const { deleteRemovesSiblings, deleteByTag } = await this.#driver.reader.capabilities(this.#options)
    // Where deleting a digest leaves its tags, they go first, so that no name is ever left pointing at nothing.
    const untag = deleteRemovesSiblings || !deleteByTag ? [] : action.tags
    const intents = await this.#intend(action.digest, [
      ...untag.map((tag) => ({ kind: 'untag' as const, ...registry(), tag, digest: action.digest })),
      { kind: 'delete' as const, ...registry(), digest: action.digest, tags: action.tags },
    ])
    for (const [index, tag] of untag.entries()) {
      // Safe: the tag points where the plan says, and the bytes of what it names are in the journal.
      const outcome = await this.#act(intents[index], () =>
        this.#driver.writer.untag(this.#repository, tag, this.#options),
      )
      if (outcome.kind === 'refused') return this.#refused(action, outcome)
    }
    // Safe: every tag of it was re-read and is the plan's, nothing that stays reaches it, its bytes are in the journal.
    const outcome = await this.#act(intents.at(-1), () =>
      this.#driver.writer.deleteManifest(this.#repository, action.digest, this.#options),
    )
    return outcome.kind === 'refused' ? this.#refused(action, outcome) : doneReport(action, '')
  }

  /** Where an act happens, as intents write it. */
  readonly registry = (): { readonly registry: RegistryName; readonly repository: RepositoryName } => ({
    registry: this.#registry,
    repository: this.#repository,
  })

  /**
   * Removes what hung on the roots that went, after one more look: an index pushed a moment ago may share a child with
   * one that we deleted. A failure here leaves garbage nobody can reach, and is told.
   */
  async #finish(
    begun: readonly Going[],
    reports: Map<PlanAction, LineReport>,
    saved: ReadonlySet<Digest>,
  ): Promise<void> {
    const done = actionsOf(begun).flatMap((action) =>
      action.kind === 'delete' && action.with.length > 0 && reports.get(action)?.outcome === 'deleted'
        ? [action]
        : [],
    )
    if (done.length === 0) return
    const fresh = await this.#driver.reader.readRepository(this.#repository, this.#options)
    if (!fresh.complete) {
      for (const action of done) reports.set(action, { action, outcome: 'blocked', text: companyLeft })
      return
    }
    const needed = await this.#neededNow(fresh, done)
    const gone = new Set<Digest>()
    await inParallel(done, linesAtOnce, async (action) => {
      const company = action.with.filter(
        (digest) => saved.has(digest) && !needed.has(digest) && !gone.has(digest),
      )
      for (const digest of company) gone.add(digest)
      const trouble = await this.#deleteCompany(action, company)
      if (trouble !== undefined) reports.set(action, { ...trouble, action })
    })
  }

  /**
   * Everything that an image with another name than the plan's company reaches. A registry that lists untagged
   * manifests shows the company itself as roots now that its owner is gone; those are what we came for.
   */
  async #neededNow(fresh: RepositoryInventory, done: readonly DeleteAction[]): Promise<ReadonlySet<Digest>> {
    const company = new Set(done.flatMap((action) => [action.digest, ...action.with]))
    const resolved = await this.#context.evidence.resolve(this.#registry, fresh, this.#options)
    const inUse = resolved.inUse(this.#registry, this.#repository)
    return new Set([...stillNeeded(fresh, company), ...inUse.keys()])
  }

  /** In the order of the plan: indexes, manifests, then referrers. */
  async #deleteCompany(action: DeleteAction, company: readonly Digest[]): Promise<LineReport | undefined> {
    try {
      const intents = await this.#intend(
        action.digest,
        company.map((digest) => ({
          kind: 'delete' as const,
          ...this.registry(),
          digest,
          tags: action.withTags.filter((each) => each.digest === digest).map((each) => each.tag),
        })),
      )
      for (const [index, digest] of company.entries()) {
        // Safe: what it hung on is gone, nothing still in the repository reaches it, its bytes are in the journal.
        const outcome = await this.#act(intents[index], () =>
          this.#driver.writer.deleteManifest(this.#repository, digest, this.#options),
        )
        if (outcome.kind === 'refused') return this.#refused(action, outcome)
      }
      return undefined
    } catch (error) {
      return this.#failed(action, error)
    }
  }

  /** Writes intents, durably, before any of them is acted upon. */
  async #intend(root: Digest, acts: readonly JournalIntent['act'][]): Promise<readonly JournalIntent[]> {
    const fence = this.#context.leases.fence(this.#registry)
    const intents = acts.map((act) => ({ sequence: this.#context.sequence(), act, fence, root }))
    if (intents.length > 0) await this.#context.ports.journal.recordIntents(this.#context.run, intents)
    return intents
  }

  /** One act between its intent and its outcome, and never without the lease. */
  async #act(
    intent: JournalIntent | undefined,
    change: () => Promise<ChangeOutcome>,
  ): Promise<ChangeOutcome> {
    invariant(intent !== undefined, 'an act without an intent')
    this.#context.leases.assertHeld()
    const outcome = await change()
    const text = outcome.kind === 'refused' ? `${outcome.reason}: ${outcome.text}` : ''
    await this.#record(intent, outcome.kind, text)
    return outcome
  }

  async #record(intent: JournalIntent, outcome: ActOutcome, text: string): Promise<void> {
    const { journal, now } = { journal: this.#context.ports.journal, now: this.#context.ports.now }
    await journal.recordOutcomes(this.#context.run, [{ sequence: intent.sequence, outcome, text, at: now() }])
  }

  #refused(action: PlanAction, refusal: Extract<ChangeOutcome, { readonly kind: 'refused' }>): LineReport {
    this.#context.breaker.refused(this.#registry, refusal.reason, refusal.text)
    return { action, outcome: 'blocked', text: refusal.text }
  }

  /** An error of the world fails the line; a bug, a lost lease or an abort ends the run. */
  #failed(action: PlanAction, error: unknown): LineReport {
    if (
      !isOperationalError(error) ||
      error.category === 'interrupted' ||
      this.#options.signal?.aborted === true
    ) {
      throw error
    }
    this.#context.leases.assertHeld()
    this.#context.breaker.failed(this.#registry, error.message)
    return { action, outcome: 'failed', text: error.message }
  }
}

function actionsOf(going: readonly Going[]): readonly PlanAction[] {
  return going.map((check) => check.action)
}

function reportOf(check: Recheck): LineReport | undefined {
  switch (check.kind) {
    case 'go':
      return undefined
    case 'gone':
      return doneReport(check.action, 'it was already gone')
    case 'drifted':
    case 'in-use':
    case 'blocked':
      return { action: check.action, outcome: check.kind, text: check.text }
  }
}

function doneReport(action: PlanAction, text: string): LineReport {
  const outcome: LineOutcome = action.kind === 'untag' ? 'untagged' : 'deleted'
  return { action, outcome, text }
}
