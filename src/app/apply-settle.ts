/**
 * Settles what an earlier run began and did not live to finish: its open intents are compared with what the registry
 * has now, and what an image that is gone left behind is removed, if nothing needs it.
 */
import type { Digest } from '../core/image/digest.ts'
import type { RegistryName, RepositoryName } from '../core/image/names.ts'
import type { ActOutcome, JournalIntent, JournalRun } from '../core/journal/entry.ts'
import { stillNeeded } from '../core/plan/recheck.ts'
import type { ChangeOutcome } from '../ports/mutable-registry.ts'
import type { RunOptions } from '../ports/run-options.ts'
import type { FreshEvidence } from './apply-evidence.ts'
import type { ApplyPorts, RegistryPorts } from './apply.ts'
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
  const told = new Map(run.outcomes.map((outcome) => [outcome.sequence, outcome.outcome]))
  const open = run.intents.filter((intent) => !told.has(intent.sequence))
  for (const intent of open) {
    const driver = ports.registries.get(intent.act.registry)
    if (driver === undefined) continue
    leases.assertHeld()
    const outcome = await settleIntent(intent, run, driver, evidence, options)
    await ports.journal.recordOutcomes(run.run.id, [
      { sequence: intent.sequence, outcome, text: 'settled by a later run', at: ports.now() },
    ])
  }
  return open.length
}

async function settleIntent(
  intent: JournalIntent,
  run: JournalRun,
  driver: RegistryPorts,
  evidence: FreshEvidence,
  options: RunOptions,
): Promise<ActOutcome> {
  const { act } = intent
  if (act.kind === 'untag' || (act.kind === 'put' && act.tag !== undefined)) {
    const tag = act.kind === 'untag' ? act.tag : act.tag
    const now = tag === undefined ? undefined : await driver.reader.resolveTag(act.repository, tag, options)
    return (now === act.digest) === (act.kind === 'put') ? 'settled-done' : 'settled-undone'
  }
  const isThere = (await driver.reader.readManifest(act.repository, act.digest, options)) !== undefined
  if (act.kind === 'put') return isThere ? 'settled-done' : 'settled-undone'
  if (!isThere) return 'settled-done'
  // The root itself stays where it is: whether it still has to go is for the next plan to say.
  if (intent.root === act.digest) return 'settled-undone'
  return finishCompany(intent, act.repository, run, driver, evidence, options)
}

/** A part of an image whose root is gone: removed now, if nothing has come to need it. */
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
