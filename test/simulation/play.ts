/** Plays one simulated history: people change things, runs plan, apply, die, resume and undo; the oracle watches. */
import { createHash } from 'node:crypto'
import { createMemoryJournalStore } from '../../src/adapters/journal/memory/journal-store.ts'
import { createMemoryLeaseStore } from '../../src/adapters/journal/memory/lease.ts'
import { createMemoryMemory } from '../../src/adapters/journal/memory/memory.ts'
import { apply, type ApplyPorts, type ApplyReport } from '../../src/app/apply.ts'
import type { EvidencePorts } from '../../src/app/gather-evidence.ts'
import { plan } from '../../src/app/plan.ts'
import { planUndo, undo } from '../../src/app/undo.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import { isOperationalError } from '../../src/core/errors/is-operational.ts'
import type { Digest } from '../../src/core/image/digest.ts'
import type { RegistryName, RepositoryName } from '../../src/core/image/names.ts'
import { newRunId } from '../../src/core/journal/run-id.ts'
import { openIntents } from '../../src/core/journal/settle.ts'
import { parsePlanFile, planDocument } from '../../src/core/plan/plan-file.ts'
import type { Plan } from '../../src/core/plan/plan.ts'
import type { PolicySet } from '../../src/core/policy/policy.ts'
import type { RunOptions } from '../../src/ports/run-options.ts'
import { Random } from '../oracle/random.ts'
import { Oracle } from './oracle.ts'
import { Killed, mortal, mortalJournal, mortalLeases, registryPorts, type Accident } from './ports.ts'
import { host, key, repositories, short, World } from './world.ts'

const prod = 'prod' as RegistryName
const managed = [{ name: prod, prefixes: [host] }]
const policies = [
  `rules: [{name: newest, match: {tags: ["*"]}, keep: {newest: 2}}]\n    unmatched: delete`,
  `rules: [{name: releases, match: {tags: ["1.*", "2.*", latest]}, keep: {all: true}}]\n    unmatched: delete`,
  `unit: tag\n    rules: [{name: newest, keep: {newest: 2}}]\n    unmatched: delete`,
  `rules: [{name: fresh, keep: {within: 24h}}]\n    unmatched: delete`,
  `rules: []\n    unmatched: delete`,
].flatMap((body) => ['0s', '7d'].map((seen) => policyOf(body, seen)))

function policyOf(body: string, seenInUseWithin: string): PolicySet {
  const text = `version: 1
registries: {prod: {url: "https://${host}"}}
protect: {youngerThan: 0s, seenInUseWithin: ${seenInUseWithin}}
limits: {maxDeletions: 500, maxShare: 100%, minSurvivors: 0}
policies:
  - name: all
    repositories: ["**"]
    ${body}
`
  return loadConfiguration({ path: 'winnow.yaml', text }).policySet
}

const noAccident: Accident = { killAt: undefined, after: false, before: () => undefined }

export interface Played {
  readonly complaints: readonly string[]
  readonly log: readonly string[]
  /** How often each thing happened, so that a suite can tell that it tried them all. */
  readonly counts: ReadonlyMap<string, number>
}

/** Plays the steps of a seed; `steps` are numbers, each with randomness of its own, so that any may be left out. */
export async function play(seed: number, steps: readonly number[]): Promise<Played> {
  const game = new Game(seed)
  for (const step of steps) {
    await game.step(new Random(Math.imul(seed + 1, 7919) + step))
    if (game.oracle.complaints.length > 0) break
  }
  return { complaints: game.oracle.complaints, log: game.log, counts: game.counts }
}

interface Snapshot {
  readonly manifests: readonly string[]
  readonly tags: readonly string[]
}

class Game {
  readonly log: string[] = []
  readonly counts = new Map<string, number>()
  readonly oracle: Oracle
  readonly #world: World
  readonly #policy: PolicySet
  readonly #journal = createMemoryJournalStore()
  readonly #memory = createMemoryMemory()
  readonly #leases
  readonly #saved: Plan[] = []
  /** Plans whose run was cut off, with the number of the event then. */
  #cutOff: { readonly plan: Plan; readonly event: number; readonly before: ReadonlySet<string> }[] = []
  #monotonicMs = 0
  #runs = 0

  constructor(seed: number) {
    const random = new Random(seed)
    this.#world = new World(random)
    this.#policy = random.pick(policies)
    this.oracle = new Oracle(this.#world, this.#journal)
    const clock = {
      monotonicMs: () => this.#monotonicMs,
      wallMs: () => this.#world.clock,
      identity: 'simulated',
    }
    this.#leases = createMemoryLeaseStore({ clock })
    for (let each = random.between(3, 8); each > 0; each--) this.#change(random)
    this.#world.clock += 48 * 3_600_000
  }

  async step(random: Random): Promise<void> {
    const roll = random.next()
    if (roll < 0.4) this.#change(random)
    else if (roll < 0.5) await this.#savePlan()
    else if (roll < 0.87) await this.#apply(random)
    else await this.#undoSome(random)
    this.oracle.wholeness()
  }

  #change(random: Random): void {
    this.log.push(this.#world.change(random))
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }

  async #savePlan(): Promise<Plan> {
    const { plan: made } = await plan(
      {
        policySet: this.#policy,
        policyText: '',
        registries: managed,
        leftOut: [],
        accepted: [],
        validForMs: 1e9,
      },
      {
        ...this.#evidence(),
        readers: [this.#world.registry.reader],
        hash: (texts) =>
          `sha256:${createHash('sha256')
            .update([...texts].join(''))
            .digest('hex')}` as Digest,
      },
    )
    // Through its file, as `plan --out` and `apply FILE` do.
    const read = parsePlanFile(JSON.stringify(planDocument(made)), 'plan.json')
    this.#saved.push(read)
    this.log.push(`plan: ${read.actions.map((action) => describeAction(action)).join(', ')}`)
    return read
  }

  #evidence(): EvidencePorts {
    return {
      memory: this.#memory,
      now: () => this.#world.clock,
      sources: [
        {
          name: 'cluster',
          gather: async () => {
            this.oracle.asked()
            const references = this.#world.references()
            return {
              name: 'cluster',
              complete: true,
              leftOut: false,
              identity: undefined,
              objects: references.length,
              pods: undefined,
              references,
              digests: [],
              problems: [],
            }
          },
        },
      ],
    }
  }

  async #apply(random: Random): Promise<void> {
    const isStale = this.#saved.length > 0 && random.chance(0.5)
    const chosen = isStale ? random.pick(this.#saved) : await this.#savePlan()
    const isQuiet = random.chance(0.4)
    const runsBefore = await this.#journal.listRuns()
    const openBefore = runsBefore.some((run) => run.outcome === 'open')
    const before = this.#snapshot()
    const started = this.#world.event
    this.oracle.begin(chosen)
    const { accident, options, kind } = this.#accident(random, isQuiet)
    const life = mortal(accident)
    this.#count(`apply, ${kind}`)
    this.log.push(`apply ${isStale ? 'a saved plan' : 'at once'} (${kind})`)
    const report = await this.#run(life.call, chosen, options)
    if (kind === 'killed') this.#monotonicMs += 60_000
    if (report === undefined) this.#rememberCutOff(chosen, before, started)
    else await this.#checkReport(chosen, report, before, started)
    // An undo of what just happened brings back everything, unless an older run was settled along with it.
    if (isQuiet && !openBefore && random.chance(0.4)) await this.#undoAndCompare(before, runsBefore.length)
    else if (report?.outcome === 'done' && kind === 'no accident' && isQuiet) await this.#checkSettled()
  }

  #accident(
    random: Random,
    isQuiet: boolean,
  ): { readonly accident: Accident; readonly options: RunOptions; readonly kind: string } {
    const [stop, abort] = [new AbortController(), new AbortController()]
    const kind = random.pick([
      'no accident',
      'no accident',
      'killed',
      'killed',
      'stopped',
      'aborted',
      'lease lost',
    ])
    const at = random.between(1, 60)
    const share = isQuiet ? 0 : random.pick([0.02, 0.1, 0.3])
    const before = (call: number): void => {
      if (random.chance(share)) this.#change(random)
      if (call !== at) return
      if (kind === 'stopped') stop.abort()
      if (kind === 'aborted') abort.abort()
      if (kind === 'lease lost') this.#monotonicMs += 60_000
    }
    return {
      kind,
      options: { stop: stop.signal, signal: abort.signal },
      accident: { killAt: kind === 'killed' ? at : undefined, after: random.chance(0.5), before },
    }
  }

  async #run(
    call: ReturnType<typeof mortal>['call'],
    chosen: Plan,
    options: RunOptions,
  ): Promise<ApplyReport | undefined> {
    const ports: ApplyPorts = {
      ...this.#evidence(),
      registries: new Map([[prod, registryPorts(this.#world, call, this.oracle)]]),
      journal: mortalJournal(this.#journal, call),
      leases: mortalLeases(this.#leases, call),
      newRunId: (at) => newRunId(at, (this.#runs += 1).toString(16).padStart(4, '0')),
    }
    const { limits } = this.#policy
    const request = { registries: managed, limits, leftOut: [], accepted: [], holder: 'test' }
    try {
      return await apply(chosen, request, ports, options)
    } catch (error) {
      if (!(error instanceof Killed) && !isOperationalError(error)) throw error
      this.log.push(`the run ended: ${error.message}`)
      this.#count(isOperationalError(error) ? error.code : 'killed')
      return undefined
    }
  }

  #rememberCutOff(chosen: Plan, before: Snapshot, event: number): void {
    this.#cutOff.push({ plan: chosen, event, before: new Set(before.manifests) })
  }

  /** What a report says of its lines is so. */
  async #checkReport(chosen: Plan, report: ApplyReport, before: Snapshot, started: number): Promise<void> {
    const had = new Set(before.manifests)
    for (const { action, outcome, text } of report.lines) {
      this.#count(`line ${outcome}`)
      const name = key(action.repository, action.digest)
      const isThere = this.#world.registry.digests(action.repository).includes(action.digest)
      const isNew = (this.#world.pushedIn.get(name) ?? 0) > started
      this.log.push(`  ${describeAction(action)}: ${outcome} ${text}`)
      if (action.kind === 'delete' && outcome === 'deleted' && isThere && !isNew) {
        this.oracle.complain(`${describeAction(action)} is told as deleted and is there`)
      }
      if ((outcome === 'drifted' || outcome === 'in-use') && had.has(name) && !isThere) {
        this.oracle.complain(`${describeAction(action)} is told as ${outcome} and is gone`)
      }
    }
    if (report.lines.length !== chosen.actions.length && report.run !== undefined) {
      this.oracle.complain(`the report has ${report.lines.length} lines of ${chosen.actions.length}`)
    }
    this.oracle.whole()
    const open = (await this.#journal.listRuns()).filter((run) => run.outcome === 'open')
    if (open.length > 0)
      this.oracle.complain(`${open.map((run) => run.id).join(' ')} stays open after a whole run`)
    for (const run of await this.#journal.listRuns()) {
      const read = await this.#journal.readRun(run.id)
      if (read !== undefined && openIntents(read).length > 0) {
        this.oracle.complain(`${run.id} has open intents after a whole run`)
      }
    }
  }

  /** What interrupted runs had begun is finished: no part of an image that went lies about, needed by nothing. */
  async #checkSettled(): Promise<void> {
    const { registry } = this.#world
    for (const { plan: cut, event, before } of this.#cutOff) {
      for (const action of cut.actions) {
        const { repository } = action
        const isOurs = before.has(key(repository, action.digest))
        if (action.kind !== 'delete' || !isOurs || registry.digests(repository).includes(action.digest))
          continue
        const here = this.#world.present(repository)
        for (const digest of action.with) {
          const stored = here.find((each) => each.digest === digest)
          const isNew = (this.#world.pushedIn.get(key(repository, digest)) ?? 0) > event
          const owner = here.find((each) => each.children.includes(digest) || each.digest === stored?.subject)
          const tag = [...registry.tags(repository)].find(([, target]) => target === digest)
          // Whoever signs again takes the name from the older signature, and leaves that lying.
          const isReplaced = action.withTags.some(
            (each) =>
              each.digest === digest && (this.#world.taggedIn.get(key(repository, each.tag)) ?? 0) > event,
          )
          if (isNew || isReplaced || stored === undefined || owner !== undefined || tag !== undefined)
            continue
          const inUse = [...this.#world.deployments.values()].some((each) => each.digest === digest)
          if (!inUse) this.oracle.complain(`${repository}@${short(digest)} was left lying by a run cut off`)
        }
      }
    }
    this.#cutOff = []
  }

  async #undoAndCompare(before: Snapshot, runsBefore: number): Promise<void> {
    const [last, ...older] = await this.#journal.listRuns()
    if (last === undefined || older.length < runsBefore) return
    this.#count('undo and compare')
    const after = this.#snapshot()
    if (after.manifests.length < before.manifests.length) this.#count('undo of deletions')
    // An index that was broken already when the run took it cannot come back; undo has to name what it lacks.
    const excused = await this.#undo(last.id, {}, before)
    const now = this.#snapshot()
    for (const part of ['manifests', 'tags'] as const) {
      const lost = before[part].filter((each) => !now[part].includes(each) && !excused.has(each))
      const extra = now[part].filter((each) => !before[part].includes(each))
      if (lost.length > 0) this.oracle.complain(`undo did not bring back ${part}: ${lost.join(', ')}`)
      if (extra.length > 0) this.oracle.complain(`undo made ${part}: ${extra.join(', ')}`)
    }
  }

  async #undoSome(random: Random): Promise<void> {
    const runs = (await this.#journal.listRuns()).filter((run) => run.kind === 'apply')
    if (runs.length === 0) return
    const run = random.pick(runs)
    const part = random.chance(0.3) ? { repositories: [random.pick(repositories)] } : {}
    if (random.chance(0.2)) this.#collectBlobs()
    this.#count('undo')
    await this.#undo(run.id, part, undefined)
  }

  /** Undoes, and checks that it takes nothing away, does what it says, and says what it does not. */
  /** @returns what it named as beyond restoring, because something beneath was gone before the run it takes back */
  async #undo(
    id: string,
    part: { readonly repositories?: readonly RepositoryName[] },
    whole: Snapshot | undefined,
  ): Promise<ReadonlySet<string>> {
    const excused = new Set<string>()
    this.oracle.begin(undefined)
    const { call } = mortal(noAccident)
    const before = this.#snapshot()
    const { run, plan: lines } = await planUndo(id, part, this.#journal)
    const report = await undo(run, lines, 'test', {
      registries: new Map([[prod, registryPorts(this.#world, call, this.oracle)]]),
      journal: this.#journal,
      leases: this.#leases,
      now: () => this.#world.clock,
      newRunId: (at) => newRunId(at, (this.#runs += 1).toString(16).padStart(4, '0')),
    })
    const now = this.#snapshot()
    this.log.push(`undo ${id}`)
    for (const each of [...before.manifests, ...before.tags]) {
      if (![...now.manifests, ...now.tags].includes(each)) this.oracle.complain(`undo took away ${each}`)
    }
    for (const { line, outcome, text } of report.lines) {
      this.#count(`undo ${outcome}`)
      const name = key(
        line.repository,
        line.kind === 'tag' ? `${line.tag ?? ''} ${line.digest}` : line.digest,
      )
      const isThere = [...now.manifests, ...now.tags].includes(name)
      this.log.push(`  ${name}: ${outcome} ${text}`)
      const says = outcome === 'restored' || outcome === 'present'
      if (says !== isThere)
        this.oracle.complain(`undo says ${outcome} of ${name}, which is ${isThere ? '' : 'not '}there`)
      if (!says && text === '') this.oracle.complain(`undo does not say why ${name} is not back`)
      const beneath = text.match(/sha256:[0-9a-f]{64}/g) ?? []
      const isExcused = beneath.some(
        (digest) => whole?.manifests.includes(key(line.repository, digest)) === false,
      )
      if (outcome === 'blocked' && isExcused) excused.add(name)
    }
    if (lines.unrestorable.length > 0) this.oracle.complain('undo cannot restore what was deleted unsaved')
    return excused
  }

  /** What the registry's own collector does: blobs that no manifest names are gone. */
  #collectBlobs(): void {
    const { registry } = this.#world
    for (const repository of repositories) {
      const named = this.#world.present(repository).map(({ bytes }) => Buffer.from(bytes).toString('utf8'))
      for (const { bytes } of this.#world.pushed.values()) {
        const text = Buffer.from(bytes).toString('utf8')
        for (const [digest] of text.matchAll(/sha256:[0-9a-f]{64}/g)) {
          if (!named.some((each) => each.includes(digest))) registry.removeBlob(repository, digest as Digest)
        }
      }
    }
    this.log.push('blobs are collected')
  }

  #snapshot(): Snapshot {
    const { registry } = this.#world
    return {
      manifests: repositories.flatMap((name) => registry.digests(name).map((digest) => key(name, digest))),
      tags: repositories.flatMap((name) =>
        [...registry.tags(name)].map(([tag, digest]) => key(name, `${tag} ${digest}`)),
      ),
    }
  }
}

function describeAction(action: Plan['actions'][number]): string {
  const { kind, repository, digest } = action
  return kind === 'untag'
    ? `untag ${repository}:${action.tag}@${short(digest)}`
    : `delete ${repository}@${short(digest)}[${action.tags.join(' ')}]+${action.with.map(short).join('+')}`
}
