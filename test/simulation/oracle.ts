/**
 * Watches every change a run makes to the simulated registry, at the moment it makes it, and says what is wrong.
 *
 * What happened after the run's last look cannot count against it: no registry deletes on condition that nothing has
 * changed. A repository is looked at before its lines begin and again before parts of images go, each planned tag once
 * more just before its line, and evidence before the run.
 */
import type { Digest } from '../../src/core/image/digest.ts'
import { attachedTo } from '../../src/core/image/attached-tags.ts'
import type { RepositoryName, TagName } from '../../src/core/image/names.ts'
import type { Act } from '../../src/core/journal/entry.ts'
import { openIntents } from '../../src/core/journal/settle.ts'
import type { Plan } from '../../src/core/plan/plan.ts'
import { plannedTags } from '../../src/core/plan/recheck.ts'
import type { JournalStore } from '../../src/ports/journal-store.ts'
import { key, repositories, short, type World } from './world.ts'

export class Oracle {
  readonly complaints: string[] = []
  readonly #world: World
  readonly #journal: JournalStore
  /** What plans of this and of interrupted runs allow to go. */
  readonly #planned = new Map<string, Set<TagName>>()
  /** The plan that is being applied: only its own tags are looked at again. */
  #plan: Plan | undefined
  readonly #untags = new Set<string>()
  #looks = new Map<string, number>()
  /** What the last look at each repository showed; a registry may not list what has no tag. */
  #seen = new Map<string, ReadonlySet<Digest>>()
  #tagLooks = new Map<string, number>()
  #manifestLooks = new Map<string, number>()
  /** What the runs since the last whole one were about. */
  readonly #ours = new Set<string>()
  #evidence = 0

  constructor(world: World, journal: JournalStore) {
    this.#world = world
    this.#journal = journal
  }

  /** A run begins: it has seen nothing yet. */
  begin(plan: Plan | undefined): void {
    this.#plan = plan
    this.#looks = new Map()
    this.#seen = new Map()
    this.#tagLooks = new Map()
    this.#manifestLooks = new Map()
    for (const action of plan?.actions ?? []) {
      if (action.kind === 'untag') this.#untags.add(`${key(action.repository, action.tag)} ${action.digest}`)
      else {
        for (const digest of [action.digest, ...action.with]) this.#allow(action.repository, digest)
        for (const { tag, digest } of plannedTags(action))
          this.#allow(action.repository, digest).add(tag as TagName)
      }
    }
  }

  /** The number of the last change; a look that begins now shows all up to it, and perhaps more. */
  now(): number {
    return this.#world.event
  }

  looked(repository: RepositoryName, digests: readonly Digest[], at: number): void {
    this.#looks.set(repository, at)
    this.#seen.set(repository, new Set(digests))
  }

  lookedAtTag(repository: RepositoryName, tag: string, at: number): void {
    this.#tagLooks.set(key(repository, tag), at)
  }

  lookedAtManifest(repository: RepositoryName, digest: Digest, at: number): void {
    this.#manifestLooks.set(key(repository, digest), at)
  }

  asked(): void {
    this.#evidence = this.#world.event
  }

  async beforeUntag(repository: RepositoryName, tag: TagName): Promise<void> {
    const target = this.#world.registry.tags(repository).get(tag)
    if (target === undefined) return
    const where = `untag ${repository}:${tag}`
    // A name that was given to another manifest since the last look goes as well; that, nobody could write down.
    if (this.#sawTag(repository, tag)) await this.#checkJournal('untag', repository, target, where, tag)
    const isPlanned =
      this.#untags.has(`${key(repository, tag)} ${target}`) ||
      this.#planned.get(key(repository, target))?.has(tag) === true
    if (!isPlanned && this.#sawTag(repository, tag)) this.#complain(`${where}: not in any plan`)
    for (const each of this.#world.deployments.values()) {
      const isMine = each.repository === repository && each.tag === tag && each.since <= this.#evidence
      if (isMine) this.#complain(`${where}: ${each.name} uses it`)
    }
  }

  async beforeDelete(repository: RepositoryName, digest: Digest): Promise<void> {
    const here = this.#world.present(repository)
    const stored = here.find((each) => each.digest === digest)
    if (stored === undefined) return
    const where = `delete ${repository}@${short(digest)}`
    await this.#checkJournal('delete', repository, digest, where)
    const planned = this.#planned.get(key(repository, digest))
    if (planned === undefined) this.#complain(`${where}: in no plan`)
    this.#checkTags(repository, digest, planned ?? new Set(), where)
    const seen = (each: Digest): boolean => this.#isSeen(repository, each)
    for (const other of here) {
      if (other.children.includes(digest) && seen(other.digest) && this.#isAlive(repository, other.digest)) {
        this.#complain(`${where}: the index ${short(other.digest)} still names it`)
      }
      if (other.digest === stored.subject && seen(other.digest) && this.#isAlive(repository, other.digest)) {
        this.#complain(`${where}: its subject ${short(other.digest)} is still there`)
      }
    }
    for (const each of this.#world.deployments.values()) {
      if (each.since > this.#evidence) continue
      if (this.#needs(each.digest, repository).has(digest)) this.#complain(`${where}: ${each.name} uses it`)
    }
  }

  /** Every index that is there has what it names, save for what came too late to be seen. */
  wholeness(): void {
    for (const repository of repositories) {
      for (const { digest, lacks } of this.#brokenIndexes(repository)) {
        const name = key(repository, digest)
        const isKnown = this.#isAlive(repository, digest) && this.#isSeen(repository, digest)
        if (isKnown && !this.#broken.has(name)) {
          this.#complain(`${repository}@${short(digest)} lacks ${lacks.map(short).join(' ')}`)
        }
        // One that is on its way out may lack anything, and counts from when it has a name again.
        if (isKnown || this.#isNamed(repository, digest, () => true)) this.#broken.add(name)
      }
    }
  }

  /**
   * A run came to its end, those before it are settled: however late an image came back that they took, it has all that
   * it names. Others may have come, or come to light, too late to be seen, and have named what was on its way out.
   */
  whole(): void {
    const excused = new Set<string>()
    for (const repository of repositories) {
      for (const { digest, lacks } of this.#brokenIndexes(repository)) {
        const name = key(repository, digest)
        if (!this.#isNamed(repository, digest, (owner) => this.#ours.has(key(repository, owner)))) continue
        const isStranger = !this.#ours.has(name) && this.#broken.has(name)
        if (isStranger || this.#excused.has(name)) excused.add(name)
        else this.#complain(`${repository}@${short(digest)} was left without ${lacks.map(short).join(' ')}`)
      }
    }
    this.#excused = excused
    this.#ours.clear()
  }

  /** Lacks something since an earlier run. */
  #excused: ReadonlySet<string> = new Set()

  #brokenIndexes(
    repository: RepositoryName,
  ): readonly { readonly digest: Digest; readonly lacks: readonly Digest[] }[] {
    const here = this.#world.present(repository)
    const digests = new Set(here.map(({ digest }) => digest))
    return here.flatMap(({ digest, children }) => {
      const lacks = children.filter((child) => !digests.has(child))
      return lacks.length > 0 ? [{ digest, lacks }] : []
    })
  }

  /** Whether a name leads to it, however new that is; of the indexes that hold it, by those that `holds` picks. */
  #isNamed(
    repository: RepositoryName,
    digest: Digest,
    holds: (owner: Digest) => boolean,
    asked: ReadonlySet<Digest> = new Set(),
  ): boolean {
    if (!this.#planned.has(key(repository, digest))) return true
    const path = new Set([...asked, digest])
    const leads = (each: Digest): boolean => !path.has(each) && this.#isNamed(repository, each, holds, path)
    const here = this.#world.present(repository)
    const isTagged = [...this.#world.registry.tags(repository)].some(([tag, target]) => {
      const subject = attachedTo(tag)
      if (target !== digest) return false
      return subject === undefined || (here.some((each) => each.digest === subject) && leads(subject))
    })
    return (
      isTagged ||
      here.some((each) => each.children.includes(digest) && holds(each.digest) && leads(each.digest))
    )
  }

  /** Whether the run had a look at it since it was there. */
  #isSeen(repository: RepositoryName, digest: Digest): boolean {
    const name = key(repository, digest)
    const appeared = this.#world.appearedIn.get(name) ?? 0
    if (appeared <= (this.#manifestLooks.get(name) ?? -1)) return true
    const seen = this.#seen.get(repository)
    return seen === undefined || (seen.has(digest) && appeared <= (this.#looks.get(repository) ?? 0))
  }

  /** Told once; what was broken by a change that came too late stays broken. */
  readonly #broken = new Set<string>()

  complain(text: string): void {
    this.#complain(text)
  }

  #allow(repository: RepositoryName, digest: Digest): Set<TagName> {
    const name = key(repository, digest)
    const tags = this.#planned.get(name) ?? new Set<TagName>()
    this.#planned.set(name, tags)
    this.#ours.add(name)
    return tags
  }

  async #checkJournal(
    kind: Act['kind'],
    repository: RepositoryName,
    digest: Digest,
    where: string,
    tag?: TagName,
  ): Promise<void> {
    const summaries = (await this.#journal.listRuns()).filter((run) => run.outcome === 'open')
    const runs = await Promise.all(summaries.map((run) => this.#journal.readRun(run.id)))
    const bytes = this.#world.pushed.get(key(repository, digest))?.bytes
    const explains = runs.some((run) => {
      if (run === undefined || bytes === undefined) return false
      const isSaved = run.saved.some(
        (entry) =>
          entry.repository === repository &&
          entry.digest === digest &&
          Buffer.from(entry.bytes).equals(bytes),
      )
      const isMeant = openIntents(run).some(
        ({ act }) =>
          act.kind === kind &&
          act.repository === repository &&
          act.digest === digest &&
          (act.kind !== 'untag' || act.tag === tag),
      )
      return isSaved && isMeant
    })
    if (!explains) this.#complain(`${where}: the journal had not the bytes and the intent before`)
  }

  #checkTags(repository: RepositoryName, digest: Digest, planned: ReadonlySet<string>, where: string): void {
    for (const [tag, target] of this.#world.registry.tags(repository)) {
      // Another line may have read this tag a moment ago, at the same time as this one began.
      const shown =
        (this.#world.taggedIn.get(key(repository, tag)) ?? 0) <= (this.#looks.get(repository) ?? 0)
      if (target === digest && !planned.has(tag) && shown) {
        this.#complain(`${where}: its tag ${tag} is in no plan`)
      }
    }
    const line = this.#plan?.actions.find((each) => each.repository === repository && each.digest === digest)
    for (const { tag } of line === undefined ? [] : plannedTags(line)) {
      const target = this.#world.registry.tags(repository).get(tag as TagName)
      const moved = this.#world.taggedIn.get(key(repository, tag)) ?? 0
      const looked = this.#tagLooks.get(key(repository, tag))
      const isOfRoot = line?.kind === 'delete' && line.tags.some((each) => each === tag)
      if (isOfRoot && target !== undefined && target !== digest && looked !== undefined && moved <= looked) {
        this.#complain(`${where}: its tag ${tag} had moved to ${short(target)}`)
      }
    }
  }

  /** Not a part, on its way out, of an image that is gone already. */
  #isAlive(repository: RepositoryName, digest: Digest, asked: ReadonlySet<Digest> = new Set()): boolean {
    if (!this.#planned.has(key(repository, digest))) return true
    const path = new Set([...asked, digest])
    const lives = (each: Digest): boolean => !path.has(each) && this.#isAlive(repository, each, path)
    const here = this.#world.present(repository)
    const isNamed = [...this.#world.registry.tags(repository)].some(([tag, target]) => {
      const subject = attachedTo(tag)
      const isKnown =
        (this.#world.taggedIn.get(key(repository, tag)) ?? 0) <= (this.#looks.get(repository) ?? 0)
      if (!isKnown || target !== digest) return false
      return subject === undefined || (here.some((each) => each.digest === subject) && lives(subject))
    })
    const isSeen = (each: Digest): boolean => this.#isSeen(repository, each)
    return (
      isNamed ||
      here.some((each) => each.children.includes(digest) && isSeen(each.digest) && lives(each.digest))
    )
  }

  #sawTag(repository: RepositoryName, tag: string): boolean {
    const looked = Math.max(this.#looks.get(repository) ?? 0, this.#tagLooks.get(key(repository, tag)) ?? 0)
    return (this.#world.taggedIn.get(key(repository, tag)) ?? 0) <= looked
  }

  /** What a running digest needs in a repository: itself, indexes above, everything below, referrers. */
  #needs(digest: Digest, repository: RepositoryName): ReadonlySet<Digest> {
    const here = this.#world.present(repository)
    const seen = here.filter((each) => this.#isSeen(repository, each.digest))
    const needed = new Set<Digest>()
    const climb = (from: Digest): void => {
      if (needed.has(from) || !here.some((each) => each.digest === from)) return
      needed.add(from)
      for (const each of seen) if (each.children.includes(from)) climb(each.digest)
    }
    climb(digest)
    const below = [...needed]
    for (let each = below.pop(); each !== undefined; each = below.pop()) {
      const found = here.find((one) => one.digest === each)
      const referrers = seen.filter((one) => one.subject === each).map((one) => one.digest)
      const signed = [...this.#world.registry.tags(repository)].flatMap(([tag, target]) =>
        attachedTo(tag) === each && this.#sawTag(repository, tag) ? [target] : [],
      )
      for (const next of [...(found?.children ?? []), ...referrers, ...signed]) {
        if (needed.has(next)) continue
        needed.add(next)
        below.push(next)
      }
    }
    return needed
  }

  #complain(text: string): void {
    this.complaints.push(text)
  }
}
