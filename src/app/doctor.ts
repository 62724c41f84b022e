/**
 * Checks everything a run will need, before a run needs it: the state store, each registry, each cluster, each
 * reference file, each Git repository. Every failure is a line with its cure; none of them stops the other checks.
 *
 * It changes nothing that is there. Whether deletion is allowed is found out by asking to delete a tag that does not exist,
 * which is the only way to know with most registries, and which can be left out. Where a registry does not document what
 * its deletions do, the question is an image of our own, pushed and deleted again.
 */
import { InterruptedError, OperationalError } from '../core/errors/errors.ts'
import { parseDigest } from '../core/image/digest.ts'
import type { RegistryName, RepositoryName } from '../core/image/names.ts'
import type { Capabilities, InstantMs } from '../core/inventory/inventory.ts'
import { formatDuration } from '../core/policy/rules/ages.ts'
import { policyFor } from '../core/plan/build-plan.ts'
import type { PolicySet } from '../core/policy/policy.ts'
import type { EvidenceSource } from '../ports/evidence-source.ts'
import type { ReadableRegistry } from '../ports/readable-registry.ts'
import type { RunOptions } from '../ports/run-options.ts'

export interface Check {
  /** What it is about: `state`, `registry prod`, `kubernetes lab`, `references pinned`. */
  readonly subject: string
  /** `list the repositories`. */
  readonly what: string
  readonly state: 'ok' | 'warning' | 'failed'
  /** What was found; empty when there is nothing to say. */
  readonly text: string
  /** What to do, where it is not ok. */
  readonly cure: string | undefined
}

export interface DoctorRequest {
  readonly policySet: PolicySet
  /** Whether to ask for the deletion of a tag that does not exist. */
  readonly probesDeletion: boolean
}

/** A registry that answers. */
export interface OpenedRegistry {
  readonly reader: ReadableRegistry
  /** What a person should know of how it was recognised. */
  readonly note: string | undefined
  /** What showed which product it is, where the configuration does not say: `told by its address`. */
  readonly recognisedBy?: string | undefined
  /** How the question of deletion is asked, for people. */
  readonly deletionProbe: string
  /** Asks whether deletion is allowed, without deleting anything. */
  readonly probeDeletion: (
    repository: RepositoryName,
    options: RunOptions,
  ) => Promise<{
    readonly deletes: Capabilities['deletes']
    readonly deleteByTag: boolean | undefined
    /** How it was found out, in place of `deletionProbe`. */
    readonly text?: string
  }>
  /** That question pushes an image of its own and deletes it again: only into a repository that a policy governs. */
  readonly probePushes?: boolean | undefined
  /** What this product needs beyond what every registry needs. */
  readonly checkMore?: (
    repository: RepositoryName | undefined,
    options: RunOptions,
  ) => Promise<readonly Omit<Check, 'subject'>[]>
  /** What the registry's clock says, undefined where it has none of its own. */
  readonly askTime: (options: RunOptions) => Promise<InstantMs | undefined>
  readonly close: () => Promise<void>
}

export interface RegistryToCheck {
  readonly name: RegistryName
  /** Where its credentials come from, for people; undefined when there are none. Never a credential. */
  readonly findCredentials: (options: RunOptions) => Promise<string | undefined>
  readonly open: (options: RunOptions) => Promise<OpenedRegistry>
}

interface ClusterToCheck {
  readonly name: string
  readonly check: (
    options: RunOptions,
  ) => Promise<readonly { readonly what: string; readonly ok: boolean; readonly cure?: string }[]>
}

interface GitToCheck {
  readonly name: string
  readonly check: (options: RunOptions) => Promise<readonly Omit<Check, 'subject'>[]>
}

export interface DoctorPorts {
  /** Opens the state and closes it again; tells the engine. */
  readonly tryState: () => Promise<string>
  readonly registries: readonly RegistryToCheck[]
  readonly clusters: readonly ClusterToCheck[]
  readonly references: readonly EvidenceSource[]
  readonly git: readonly GitToCheck[]
  readonly now: () => InstantMs
}

/** Checks it all, in the order of the configuration. @throws InterruptedError */
export async function examine(
  request: DoctorRequest,
  ports: DoctorPorts,
  options: RunOptions = {},
): Promise<readonly Check[]> {
  const checks: Check[] = [await checkState(ports)]
  for (const registry of ports.registries) {
    options.onEvent?.({ kind: 'phase', phase: 'registry', subject: registry.name })
    checks.push(...(await checkRegistry(registry, request, ports.now, options)))
  }
  for (const { name, check } of ports.clusters) {
    options.onEvent?.({ kind: 'phase', phase: 'cluster', subject: name })
    const subject = `kubernetes ${name}`
    for (const { what, ok, cure } of await check(options)) {
      checks.push(ok ? okay(subject, what) : failed(subject, what, '', cure))
    }
  }
  for (const source of ports.references) checks.push(await checkReferences(source, options))
  for (const { name, check } of ports.git) {
    options.onEvent?.({ kind: 'phase', phase: 'git', subject: name })
    checks.push(...(await check(options)).map((found) => ({ subject: `git ${name}`, ...found })))
  }
  return checks
}

async function checkState({ tryState }: DoctorPorts): Promise<Check> {
  const what = 'open and write the state store'
  return attempt('state', what, async () => okay('state', what, await tryState()))
}

async function checkRegistry(
  registry: RegistryToCheck,
  request: DoctorRequest,
  now: () => InstantMs,
  options: RunOptions,
): Promise<readonly Check[]> {
  const subject = `registry ${registry.name}`
  const credentials = await attempt(subject, 'find credentials', async () => {
    const origin = await registry.findCredentials(options)
    return okay(subject, 'find credentials', origin ?? 'none; asked without any')
  })
  const checks = [credentials]
  let opened: OpenedRegistry | undefined
  const reached = await attempt(subject, 'reach the registry', async () => {
    opened = await registry.open(options)
    return okay(subject, 'reach the registry')
  })
  checks.push(reached)
  if (opened === undefined) return checks
  try {
    checks.push(...(await checkOpened(subject, opened, request, now, options)))
  } finally {
    await opened.close()
  }
  return checks
}

async function checkOpened(
  subject: string,
  registry: OpenedRegistry,
  request: DoctorRequest,
  now: () => InstantMs,
  options: RunOptions,
): Promise<readonly Check[]> {
  let repositories: readonly RepositoryName[] | undefined
  const listed = await attempt(subject, 'list the repositories', async () => {
    repositories = await registry.reader.listRepositories(options)
    return okay(subject, 'list the repositories', `${repositories.length} found`)
  })
  const checks = [listed, await checkClock(subject, registry, now, options)]
  if (repositories === undefined) return checks
  checks.push(await checkProduct(subject, registry, options))
  const governed = repositories.filter(
    (name) => policyFor(request.policySet, registry.reader.name, name) !== undefined,
  )
  checks.push(governedCheck(subject, governed.length, repositories.length))
  const [one] = governed.length > 0 ? governed : repositories
  checks.push(...(await checkMore(subject, registry, one, options)))
  if (one === undefined) return checks
  checks.push(await checkReading(subject, registry, one, options))
  if (request.probesDeletion) {
    const isAsked = governed.length > 0 || registry.probePushes !== true
    checks.push(isAsked ? await checkDeletion(subject, registry, one, options) : unaskedDeletion(subject))
  }
  return checks
}

async function checkMore(
  subject: string,
  registry: OpenedRegistry,
  repository: RepositoryName | undefined,
  options: RunOptions,
): Promise<readonly Check[]> {
  try {
    const found = await registry.checkMore?.(repository, options)
    return (found ?? []).map((check) => ({ subject, ...check }))
  } catch (error) {
    if (error instanceof InterruptedError || !(error instanceof OperationalError)) throw error
    return [failed(subject, 'check what this product needs', error.message, error.hint)]
  }
}

/** Beyond this a machine's clock makes images look older, or younger, than rules mean. */
const skewMaxMs = 60_000

async function checkClock(
  subject: string,
  { askTime }: OpenedRegistry,
  now: () => InstantMs,
  options: RunOptions,
): Promise<Check> {
  const what = 'compare clocks'
  return attempt(subject, what, async () => {
    const before = now()
    const theirs = await askTime(options)
    if (theirs === undefined) return okay(subject, what, 'the same machine tells both')
    // Its answer was made at some time between the two; the Date header has whole seconds.
    const after = now()
    const skewMs = theirs > after ? theirs - after : Math.max(0, before - theirs - 1000)
    if (skewMs <= skewMaxMs) return okay(subject, what)
    const apart = formatDuration(Math.round(skewMs / 60_000) * 60_000)
    return {
      ...okay(subject, what, `the registry's clock and this one are ${apart} apart`),
      state: 'warning',
      cure: 'Set both by NTP: ages are measured by this clock, upload times come from the other.',
    }
  })
}

async function checkProduct(
  subject: string,
  { reader, note, recognisedBy }: OpenedRegistry,
  options: RunOptions,
): Promise<Check> {
  const what = 'recognise the product'
  return attempt(subject, what, async () => {
    const text = [
      describe(await reader.capabilities(options)),
      ...(recognisedBy === undefined ? [] : [recognisedBy]),
    ].join('; ')
    if (note === undefined) return okay(subject, what, text)
    return { ...okay(subject, what, text), state: 'warning', cure: note }
  })
}

function describe(can: Capabilities): string {
  return [
    can.product,
    can.pushTime ? 'tells upload times' : 'tells no upload times',
    can.deleteByTag ? 'removes single tags' : 'removes no single tag',
    can.listsUntagged ? 'lists untagged images' : 'lists no untagged images',
    can.referrersApi ? 'has the referrers API' : 'has no referrers API',
    ...(can.undo === 'none' ? ['no undo'] : []),
    ...(can.pageSizeMax === undefined ? [] : [`pages of at most ${can.pageSizeMax}`]),
    ...(can.rateLimit === undefined ? [] : [can.rateLimit]),
  ].join(', ')
}

function governedCheck(subject: string, governed: number, all: number): Check {
  const what = 'match repositories to policies'
  const text = `${governed} of ${all} ${governed === 1 ? 'is' : 'are'} governed by a policy`
  if (governed > 0 || all === 0) return okay(subject, what, text)
  return {
    ...okay(subject, what, text),
    state: 'warning',
    cure: 'Correct `repositories:` or `registry:` of a policy; what no policy matches is untouched.',
  }
}

const nobodysDigest = parseDigest(`sha256:${'0'.repeat(64)}`)

/** Asks for a blob that nobody has: the answer "not there" is only given to whoever may pull. */
async function checkReading(
  subject: string,
  { reader }: OpenedRegistry,
  repository: RepositoryName,
  options: RunOptions,
): Promise<Check> {
  const what = `read ${repository}`
  return attempt(subject, what, async () => {
    if (nobodysDigest !== undefined) await reader.hasBlob(repository, nobodysDigest, options)
    return okay(subject, what)
  })
}

function unaskedDeletion(subject: string): Check {
  return {
    ...okay(subject, 'delete', 'not asked: it takes a push, and no policy governs a repository here'),
    state: 'warning',
    cure: 'Govern a repository by a policy; the question pushes an image of its own there and deletes it again.',
  }
}

async function checkDeletion(
  subject: string,
  { probeDeletion, deletionProbe }: OpenedRegistry,
  repository: RepositoryName,
  options: RunOptions,
): Promise<Check> {
  const what = 'delete'
  return attempt(subject, what, async () => {
    const { deletes, text } = await probeDeletion(repository, options)
    switch (deletes.state) {
      case 'yes':
        return okay(subject, what, text ?? deletionProbe)
      case 'no':
        return failed(subject, what, 'refused', deletes.cure)
      case 'unknown':
        return {
          ...okay(subject, what, 'the registry does not say whether it would'),
          state: 'warning',
          cure:
            deletes.cure ??
            'The first apply shows it; a refusal is reported line by line, and nothing is lost.',
        }
    }
  })
}

async function checkReferences(source: EvidenceSource, options: RunOptions): Promise<Check> {
  const subject = source.name.replace(':', ' ')
  const what = 'read every line'
  return attempt(subject, what, async () => {
    const { complete, objects, problems } = await source.gather(
      { registries: [], tagsOf: () => new Set() },
      options,
    )
    if (complete) return okay(subject, what, `${objects} found`)
    return failed(subject, what, '', problems.map(({ text }) => text).join('\n'))
  })
}

/** A failure of the world becomes a line; bugs and Ctrl-C are thrown. */
async function attempt(subject: string, what: string, work: () => Promise<Check>): Promise<Check> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof InterruptedError || !(error instanceof OperationalError)) throw error
    return failed(subject, what, error.message, error.hint)
  }
}

function okay(subject: string, what: string, text = ''): Check {
  return { subject, what, state: 'ok', text, cure: undefined }
}

function failed(subject: string, what: string, text: string, cure: string | undefined): Check {
  return { subject, what, state: 'failed', text, cure }
}
