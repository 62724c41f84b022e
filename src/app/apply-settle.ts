/**
 * Settles what an earlier run began and did not live to finish: its open intents are compared with what the registry
 * has now, and what an image that is gone left behind is removed, if nothing needs it.
 */
import type { Digest } from '../core/image/digest.ts'
import type { RegistryName, RepositoryName } from '../core/image/names.ts'
import type { Act, ActOutcome, JournalIntent, JournalRun } from '../core/journal/entry.ts'
import { openIntents, settle, type RegistryNow } from '../core/journal/settle.ts'
import { stillNeeded } from '../core/plan/recheck.ts'
import type { ChangeOutcome } from '../ports/mutable-registry.ts'
import type { RunOptions } from '../ports/run-options.ts'
import type { FreshEvidence } from './apply-evidence.ts'
import type { ApplyPorts, RegistryPorts } from './apply-ports.ts'
import type { HeldLeases } from './leases.ts'

export type SettlePorts = Pick<ApplyPorts, 'registries' | 'journal' | 'now'>

/**
 * Settles every open run whose registries we hold the leases of: its process is dead, or it would hold them.
 *
 * @returns a sentence for each run settled
 */
export async function settleOpenRuns(
  registries: readonly RegistryName[],
  evidence: FreshEvidence,
  ports: SettlePorts,
  leases: HeldLeases,
  options: RunOptions,
): Promise<readonly string[]> {
  const told: string[] = []
  for (const summary of await ports.journal.listRuns()) {
    const isOurs = summary.registries.every((registry) => registries.includes(registry))
    if (summary.outcome !== 'open' || !isOurs) continue
    const run = await ports.journal.readRun(summary.id)
    if (run === undefined) continue
    const settled = await settleRun(run, evidence, ports, leases, options)
    await ports.journal.finishRun(summary.id, 'interrupted', ports.now())
    told.push(`Run ${summary.id} was interrupted; ${settled} of its acts were settled.`)
  }
  return told
}

async function settleRun(
  run: JournalRun,
  evidence: FreshEvidence,
  ports: SettlePorts,
  leases: HeldLeases,
  options: RunOptions,
): Promise<number> {
  const open = openIntents(run)
  for (const intent of open) {
    const driver = ports.registries.get(intent.act.registry)
    if (driver === undefined) continue
    leases.assertHeld()
    const [told] = settle([intent], await askRegistry(intent.act, driver, options), ports.now())
    if (told === undefined) continue
    const outcome =
      told.outcome === 'settled-undone' && intent.act.kind === 'delete'
        ? await finishCompany(intent, intent.act.repository, run, driver, evidence, options)
        : told.outcome
    await ports.journal.recordOutcomes(run.run.id, [{ ...told, outcome }])
  }
  return open.length
}

/** What the registry says now of the one thing that an act was about. */
async function askRegistry(act: Act, { reader }: RegistryPorts, options: RunOptions): Promise<RegistryNow> {
  const tag = act.kind === 'delete' ? undefined : act.tag
  const target = tag === undefined ? undefined : await reader.resolveTag(act.repository, tag, options)
  const raw = tag === undefined ? await reader.readManifest(act.repository, act.digest, options) : undefined
  return {
    manifest: () => (raw === undefined ? 'absent' : 'present'),
    tag: () => target ?? 'absent',
  }
}

/**
 * A part of an image whose root is gone: removed now, if nothing has come to need it. A root that is still there stays:
 * whether it has to go is for the next plan to say.
 */
async function finishCompany(
  intent: JournalIntent,
  repository: RepositoryName,
  run: JournalRun,
  driver: RegistryPorts,
  evidence: FreshEvidence,
  options: RunOptions,
): Promise<ActOutcome> {
  const { digest } = intent.act
  const rootIsThere = (await driver.reader.readManifest(repository, intent.root, options)) !== undefined
  const isSaved = run.saved.some((entry) => entry.digest === digest && entry.repository === repository)
  if (rootIsThere || !isSaved) return 'settled-undone'
  if (await isNeeded(digest, repository, intent, driver, evidence, options)) return 'settled-undone'
  // Safe: its root is gone, nothing in the repository reaches it, nobody uses it, and its bytes are in the journal.
  const outcome: ChangeOutcome = await driver.writer.deleteManifest(repository, digest, options)
  return outcome.kind === 'refused' ? 'settled-undone' : 'settled-done'
}

async function isNeeded(
  digest: Digest,
  repository: RepositoryName,
  intent: JournalIntent,
  driver: RegistryPorts,
  evidence: FreshEvidence,
  options: RunOptions,
): Promise<boolean> {
  const fresh = await driver.reader.readRepository(repository, options)
  if (!fresh.complete) return true
  const { registry } = intent.act
  const resolved = await evidence.resolve(registry, fresh, options)
  if (resolved.heldRepositories.get(registry)?.has(repository) === true) return true
  if (resolved.inUse(registry, repository).has(digest)) return true
  return stillNeeded(fresh, new Set([digest])).has(digest)
}
