/**
 * Applies the lines of one repository.
 *
 * The order is: read the repository again, decide which lines still stand, save the bytes of everything they take,
 * then, line by line, read the tags once more, write the intents, remove the tags and the root; and only when no root
 * is left to go, remove what hung on those that went, minus everything that whatever is still there needs.
 */
import type { InUseMark } from '../core/evidence/resolve-evidence.ts'
import type { Digest } from '../core/image/digest.ts'
import type { RegistryName, RepositoryName, TagName } from '../core/image/names.ts'
import type { InstantMs, RepositoryInventory } from '../core/inventory/inventory.ts'
import type { ActOutcome, JournalIntent, RunId, SavedEntry } from '../core/journal/entry.ts'
import { isOperationalError } from '../core/errors/is-operational.ts'
import { invariant } from '../core/errors/invariant.ts'
import type { DeleteAction, PlanAction } from '../core/plan/plan.ts'
import { linesInTurn, rootsAbove } from '../core/plan/line-order.ts'
import { plannedTags, recheck, type Recheck } from '../core/plan/recheck.ts'
import type { ChangeOutcome } from '../ports/mutable-registry.ts'
import type { RunOptions } from '../ports/run-options.ts'
import type { ApplyPorts, LineOutcome, LineReport, RegistryPorts } from './apply-ports.ts'
import type { Breaker } from './apply-breaker.ts'
import { leaveCompany, lookAgeMaxMs, removeCompany } from './apply-company.ts'
import type { FreshEvidence } from './apply-evidence.ts'
import { isThereAgain } from './apply-returned.ts'
import { inParallel } from './in-parallel.ts'
import type { HeldLeases } from './leases.ts'

/** Lines of a repository that are worked on at once; the HTTP client narrows it when the registry is slow. */
const linesAtOnce = 8
/** Looks in a row that were too old before any line could begin; more would only go on like this. */
const looksInVainMax = 3
const lookedInVain =
  'not begun: reading the repository, what is in use and the tags takes longer than what was read may decide a deletion'

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
  { stop, budget }: Pick<RunOptions, 'stop' | 'budget'>,
): string | undefined {
  if (stop?.aborted === true) return 'not begun: the run was interrupted'
  if (budget?.aborted === true) return 'not begun: the time budget was used up'
  return breaker.whyOpen(registry)
}

type Going = Extract<Recheck, { readonly kind: 'go' }>

class RepositoryApply {
  readonly #registry: RegistryName
  readonly #repository: RepositoryName
  readonly #context: RepositoryRun
  readonly #options: RunOptions
  readonly #driver: RegistryPorts
  readonly #ends: Pick<RunOptions, 'stop' | 'budget'>
  /** Open intents for what hung on the roots that went. */
  readonly #company: JournalIntent[] = []
  /** Roots that the registry lets go only after what refers to them. */
  readonly #last = new Set<Digest>()
  /** Acts of lines that were done. */
  readonly #gone: JournalIntent[] = []
  /** Tags that somebody removed before us: not ours to write down, or an undo would make them. */
  readonly #tagsGone = new Set<string>()
  /** Images that a last look found under a name the plan did not know them by. */
  readonly #taggedAgain = new Map<Digest, string>()
  #savedEntries: readonly SavedEntry[] = []
  #fresh: RepositoryInventory | undefined
  #freshAt: InstantMs = 0
  #above: ReadonlyMap<Digest, readonly Digest[]> = new Map()

  constructor(
    where: { readonly registry: RegistryName; readonly repository: RepositoryName },
    context: RepositoryRun,
    options: RunOptions,
  ) {
    this.#registry = where.registry
    this.#repository = where.repository
    this.#context = context
    // Between two lines we heed these ourselves; a look at the repository that began is finished.
    const { stop, budget, ...untilAborted } = options
    this.#ends = { ...(stop && { stop }), ...(budget && { budget }) }
    this.#options = untilAborted
    const driver = context.ports.registries.get(where.registry)
    invariant(driver !== undefined, `apply began without the registry ${where.registry}`)
    this.#driver = driver
  }

  async apply(actions: readonly PlanAction[]): Promise<readonly LineReport[]> {
    const reports = new Map<PlanAction, LineReport>()
    const saved = new Set<Digest>()
    try {
      let left = await this.#stillStanding(actions, reports)
      await this.#save(left, saved)
      for (let inVain = 0; left.length > 0 && inVain < looksInVainMax;) {
        if (this.#isStale()) left = await this.#stillStanding(actionsOf(left), reports)
        const turn = linesInTurn(left, this.#above)
        await inParallel(turn, linesAtOnce, async ({ action }) => {
          const report = await this.#begin(action, saved, reports)
          if (report !== undefined) reports.set(action, report)
        })
        left = left.filter(({ action }) => !reports.has(action))
        inVain = turn.some(({ action }) => reports.has(action)) ? 0 : inVain + 1
      }
      for (const { action } of left) reports.set(action, { action, outcome: 'blocked', text: lookedInVain })
    } catch (error) {
      // A look or a reading failed: what has not gone stays, and what has gone is finished below.
      for (const action of actions) {
        if (!reports.has(action)) reports.set(action, this.#failed(action, error))
      }
    }
    await this.#finish(reports)
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
    await this.#lookForUnlisted(checks, reports)
    const going = checks.filter((check): check is Going => check.kind === 'go')
    // A later look no longer shows the roots that went, and what hangs on them waits for its turn.
    this.#above = new Map([...this.#above, ...rootsAbove(actionsOf(going), this.#fresh)])
    return going
  }

  /**
   * A registry that lists no untagged manifests does not show an image that lost its tags; that is not gone. It stays:
   * nobody can tell what happened to it since the plan.
   */
  async #lookForUnlisted(checks: readonly Recheck[], reports: Map<PlanAction, LineReport>): Promise<void> {
    if ((await this.#driver.reader.capabilities(this.#options)).listsUntagged) return
    const unlisted = checks.filter(({ kind, action }) => kind === 'gone' && action.kind === 'delete')
    await inParallel(unlisted, linesAtOnce, async ({ action }) => {
      const raw = await this.#driver.reader.readManifest(this.#repository, action.digest, this.#options)
      if (raw === undefined) return
      const text = 'it has lost its tags since the plan was made, and is still there'
      reports.set(action, { action, outcome: 'drifted', text })
    })
  }

  #isStale(): boolean {
    return this.#context.ports.now() - this.#freshAt > lookAgeMaxMs || !this.#context.evidence.isFresh()
  }

  async #recheck(actions: readonly PlanAction[], fresh: RepositoryInventory): Promise<readonly Recheck[]> {
    const { resolved, repository, keptByGit } = await this.#context.evidence.resolve(
      this.#registry,
      fresh,
      this.#options,
    )
    const { deletesReferrers = false } = await this.#driver.reader.capabilities(this.#options)
    return recheck({
      actions,
      repository,
      inUse: united(resolved.inUse(this.#registry, this.#repository), keptByGit),
      heldBack: resolved.heldRepositories.get(this.#registry)?.get(this.#repository),
      plannedAt: this.#context.plannedAt,
      deletesReferrers,
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
    this.#savedEntries = entries
  }

  /**
   * Removes the tags and the root of one line, if its tags still point where the plan says. Undefined when the last look
   * has grown too old to decide it: nothing was begun, and it is looked at again. Lines wait for pauses that a registry
   * asks for, so each of them asks for itself.
   */
  async #begin(
    action: PlanAction,
    saved: ReadonlySet<Digest>,
    reports: ReadonlyMap<PlanAction, LineReport>,
  ): Promise<LineReport | undefined> {
    try {
      const closed = whyNotBegun(this.#registry, this.#context, this.#ends)
      if (closed !== undefined) return { action, outcome: 'blocked', text: closed }
      const holder = this.#heldBy(action, reports)
      if (holder !== undefined) return holder
      if (!saved.has(action.digest)) return goneReport(action)
      if (this.#isStale()) return undefined
      const moved = await this.#movedTag(action)
      if (moved !== undefined) return { action, outcome: 'drifted', text: moved }
      const needed = await this.#neededAgain(action)
      if (needed !== undefined) return { action, outcome: 'drifted', text: needed }
      if (this.#isStale()) return undefined
      const report =
        action.kind === 'untag' ? await this.#untagLine(action) : await this.#deleteRoot(action, saved)
      if (report.outcome === 'deleted' || report.outcome === 'untagged')
        this.#context.breaker.succeeded(this.#registry)
      return report
    } catch (error) {
      return this.#failed(action, error)
    }
  }

  /** An image that was to go and stays needs its parts, those with a line of their own included. */
  #heldBy(action: PlanAction, reports: ReadonlyMap<PlanAction, LineReport>): LineReport | undefined {
    const above = action.kind === 'delete' ? this.#above.get(action.digest) : undefined
    if (above === undefined) return undefined
    for (const { action: other, outcome } of reports.values()) {
      if (other.kind !== 'delete' || !above.includes(other.digest)) continue
      const name = other.tags[0] ?? other.digest
      if (this.#last.has(other.digest))
        return { action, outcome: 'blocked', text: `${name}, which the registry keeps until later, needs it` }
      if (outcome === 'deleted') continue
      return { action, outcome, text: `${name}, which was not deleted, needs it` }
    }
    return undefined
  }

  /** The last look: every tag of the line, past all caches. An absent tag has gone already and is no drift. */
  async #movedTag(action: PlanAction): Promise<string | undefined> {
    for (const { tag, digest } of plannedTags(action)) {
      const now = await this.#driver.reader.resolveTag(this.#repository, tag as never, this.#options)
      if (now === undefined) this.#tagsGone.add(tag)
      if (now === undefined || now === digest) continue
      // Somebody means that image now, whatever its own line says.
      this.#taggedAgain.set(now, tag)
      return `tag ${tag} now points to ${now}`
    }
    const name = action.kind === 'delete' ? this.#taggedAgain.get(action.digest) : undefined
    return name === undefined ? undefined : `it has a new tag, ${name}`
  }

  /** A part with a line of its own stays when what held it was deleted a moment ago and is there again by now. */
  async #neededAgain(action: PlanAction): Promise<string | undefined> {
    if (action.kind !== 'delete') return undefined
    for (const digest of this.#above.get(action.digest) ?? []) {
      const tags = this.#savedEntries.find((entry) => entry.digest === digest)?.tags ?? []
      const gone = { repository: this.#repository, digest, tags }
      if (!(await isThereAgain(gone, this.#driver, this.#options))) continue
      return `${tags[0] ?? digest}, which was pushed again meanwhile, needs it`
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

  async #deleteRoot(action: DeleteAction, saved: ReadonlySet<Digest>): Promise<LineReport> {
    const { registry } = this
    const { deleteRemovesSiblings, deleteByTag } = await this.#driver.reader.capabilities(this.#options)
    // Where deleting a digest leaves its tags, they go first, so that no name is ever left pointing at nothing.
    const leavesTags = !deleteRemovesSiblings && deleteByTag
    const tagsThere = action.tags.filter((tag) => !this.#tagsGone.has(tag))
    const untag = leavesTags ? tagsThere : []
    const intents = await this.#intend(action.digest, [
      ...untag.map((tag) => ({ kind: 'untag' as const, ...registry(), tag, digest: action.digest })),
      { kind: 'delete' as const, ...registry(), digest: action.digest, tags: tagsThere },
      // What hangs on it goes later; its intents are written now, so that it is not forgotten if we die in between.
      ...action.with.flatMap((digest) => {
        const tags = action.withTags.flatMap((each) =>
          each.digest === digest && !this.#tagsGone.has(each.tag) ? [each.tag] : [],
        )
        if (!saved.has(digest)) return []
        return [
          ...(leavesTags ? tags.map((tag) => ({ kind: 'untag' as const, ...registry(), tag, digest })) : []),
          { kind: 'delete' as const, ...registry(), digest, tags },
        ]
      }),
    ])
    const company = intents.slice(untag.length + 1)
    for (const [index, tag] of untag.entries()) {
      // Safe: the tag points where the plan says, and the bytes of what it names are in the journal.
      const outcome = await this.#act(intents[index], () =>
        this.#driver.writer.untag(this.#repository, tag, this.#options),
      )
      if (outcome.kind === 'refused') {
        await this.#abandon(intents.slice(index + 1))
        return this.#refused(action, outcome)
      }
    }
    // Safe: every tag of it was re-read and is the plan's, nothing that stays reaches it, its bytes are in the journal.
    const outcome = await this.#act(intents[untag.length], () =>
      this.#driver.writer.deleteManifest(this.#repository, action.digest, this.#options, { tags: tagsThere }),
    )
    if (outcome.kind === 'refused') {
      if (outcome.reason === 'referrers-first' && (await this.#mayGoLast(action)))
        return this.#goLast(action, tagsThere, company)
      await this.#abandon(company)
      return this.#refused(action, outcome)
    }
    const left = await this.#nameLeft(action)
    if (left !== undefined) {
      await this.#abandon(company)
      const text = `the registry says that the manifest is deleted, but its tag ${left} still answers; what hangs on it stays`
      return { action, outcome: 'failed', text }
    }
    this.#company.push(...company)
    return doneReport(action)
  }

  /**
   * Some registries keep an image as long as anything refers to it. Then its referrers go before it, if all of them go
   * with it, and the registry itself holds its children until it is gone.
   */
  async #mayGoLast({ digest, with: company }: DeleteAction): Promise<boolean> {
    const { protectsChildren } = await this.#driver.reader.capabilities(this.#options)
    const going = new Set(company)
    const isFree = this.#fresh?.manifests.every((each) => each.subject !== digest || going.has(each.digest))
    return protectsChildren && isFree === true
  }

  /** Puts the root among what hangs on it; `#finish` tells whether it went. */
  async #goLast(
    action: DeleteAction,
    tags: readonly TagName[],
    company: readonly JournalIntent[],
  ): Promise<LineReport> {
    const act = { kind: 'delete' as const, ...this.registry(), digest: action.digest, tags }
    this.#company.push(...(await this.#intend(action.digest, [act])), ...company)
    this.#last.add(action.digest)
    return doneReport(action)
  }

  /**
   * A tag that still answers with what was deleted: some registries keep the names, and somebody may have pushed it
   * again in this moment. As long as a name leads to an image, what hangs on it must stay.
   */
  async #nameLeft({ tags, digest }: DeleteAction): Promise<string | undefined> {
    for (const tag of tags) {
      const now = await this.#driver.reader.resolveTag(this.#repository, tag, this.#options)
      if (now === digest) return tag
    }
    return undefined
  }

  async #abandon(intents: readonly JournalIntent[]): Promise<void> {
    if (intents.length > 0) await leaveCompany(intents, this.#context)
  }

  /** Where an act happens, as intents write it. */
  readonly registry = (): { readonly registry: RegistryName; readonly repository: RepositoryName } => ({
    registry: this.#registry,
    repository: this.#repository,
  })

  /** Removes what hung on the roots that went; what did not work is told on their lines. */
  async #finish(reports: Map<PlanAction, LineReport>): Promise<void> {
    // Of a line that is a part of another, too, something may have to come back.
    if (this.#company.length === 0 && this.#above.size === 0) return
    const { run, evidence, ports, leases, sequence, breaker } = this.#context
    const place = { run, ...this.registry(), driver: this.#driver, evidence, ports, leases, sequence }
    const company = { intents: this.#company, gone: this.#gone, saved: this.#savedEntries }
    const trouble = await removeCompany(company, place, this.#options)
    for (const { outcome, text } of trouble.values()) {
      if (outcome !== 'drifted') breaker.failed(this.#registry, text)
    }
    for (const action of reports.keys()) {
      if (action.kind !== 'delete' || reports.get(action)?.outcome !== 'deleted') continue
      const stayed = trouble.get(action.digest)
      if (stayed !== undefined) {
        reports.set(action, { action, outcome: stayed.outcome, text: stayed.text })
        continue
      }
      const left = action.with.flatMap((digest) => trouble.get(digest) ?? [])[0]
      if (left === undefined) continue
      const text = `deleted, but something that hung on it stays: ${left.text}`
      reports.set(action, { action, outcome: left.outcome, text })
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
    // Counted among what went before that is known: an act that fails half-way may have been done.
    this.#gone.push(intent)
    const outcome = await change()
    if (outcome.kind === 'refused') this.#gone.splice(this.#gone.indexOf(intent), 1)
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
    // Of all failures in mid-run this is the one that a person ends; the registry's trouble tells itself.
    const cure = error.code === 'UNAUTHORIZED' ? ` ${error.hint.split('\n', 1)[0] ?? ''}` : ''
    const text = `${error.message}${cure}`
    this.#context.breaker.failed(this.#registry, text)
    return { action, outcome: 'failed', text }
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
      return goneReport(check.action)
    case 'drifted':
    case 'in-use':
    case 'blocked':
      return { action: check.action, outcome: check.kind, text: check.text }
  }
}

function doneReport(action: PlanAction): LineReport {
  const outcome: LineOutcome = action.kind === 'untag' ? 'untagged' : 'deleted'
  return { action, outcome, text: '' }
}

/** Somebody else removed it: it is as the line wants it, and not our doing. */
function goneReport(action: PlanAction): LineReport {
  return { ...doneReport(action), text: 'it was already gone', alreadyGone: true }
}

type Marks = ReadonlyMap<Digest, readonly InUseMark[]>

function united(marks: Marks, more: Marks): Marks {
  if (more.size === 0) return marks
  const all = new Map(marks)
  for (const [digest, each] of more) all.set(digest, [...(all.get(digest) ?? []), ...each])
  return all
}
