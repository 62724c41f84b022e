/**
 * Settles what an earlier run began and did not live to finish: its open intents are compared with what the registry
 * has now, and what an image that is gone left behind is removed, if nothing needs it. Where an image came back while
 * that run took its parts, it gets them back.
 */
import type { RegistryName } from '../core/image/names.ts'
import type { Act, JournalIntent, JournalOutcome, JournalRun } from '../core/journal/entry.ts'
import { goneActs, openIntents, settle, type RegistryNow } from '../core/journal/settle.ts'
import type { RunOptions } from '../ports/run-options.ts'
import { removeCompany } from './apply-company.ts'
import type { FreshEvidence } from './apply-evidence.ts'
import type { ApplyPorts, RegistryPorts } from './apply-ports.ts'
import type { HeldLeases } from './leases.ts'

export type SettlePorts = Pick<ApplyPorts, 'registries' | 'journal' | 'now'>

/**
 * Settles every open run whose registries we hold the leases of: its process is dead, or it would hold them.
 *
 * @returns a sentence for each run settled, and for each image of it that came back
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
    const { settled, notes } = await settleRun(run, evidence, ports, leases, options)
    await ports.journal.finishRun(summary.id, 'interrupted', ports.now())
    told.push(`Run ${summary.id} was interrupted; ${settled} of its acts were settled.`, ...notes)
  }
  return told
}

async function settleRun(
  run: JournalRun,
  evidence: FreshEvidence,
  ports: SettlePorts,
  leases: HeldLeases,
  options: RunOptions,
): Promise<{ readonly settled: number; readonly notes: readonly string[] }> {
  const open = openIntents(run)
  const notes: string[] = []
  const company: JournalIntent[] = []
  const found: JournalOutcome[] = []
  for (const intent of open) {
    const driver = ports.registries.get(intent.act.registry)
    if (driver === undefined) continue
    leases.assertHeld()
    const [told] = settle([intent], await askRegistry(intent.act, driver, options), ports.now())
    if (told === undefined) continue
    if (told.outcome === 'settled-undone' && (await isCompanyLeft(intent, run, driver, options))) {
      company.push(intent)
    } else {
      await ports.journal.recordOutcomes(run.run.id, [told])
      found.push(told)
    }
  }
  await removeLeftovers(open, ports, leases, options)
  const gone = goneActs({ intents: run.intents, outcomes: [...run.outcomes, ...found] })
  const sequence = counterAfter(run.intents)
  for (const place of placesOf([...company, ...gone])) {
    const driver = ports.registries.get(place.registry)
    if (driver === undefined) continue
    const here = ({ act }: JournalIntent): boolean => isAt(act, place)
    // Removes what was left over, if nothing has come to need it, and puts back what an image lacks that came back.
    const trouble = await removeCompany(
      {
        intents: company.filter(here),
        gone: gone.filter(here),
        saved: run.saved.filter((entry) => isAt(entry, place)),
      },
      { ...place, run: run.run.id, driver, evidence, ports, leases, sequence },
      options,
    )
    for (const [digest, { outcome, text }] of trouble) {
      if (outcome !== 'blocked') notes.push(`${place.registry}/${place.repository}@${digest}: ${text}.`)
    }
  }
  return { settled: open.length, notes }
}

type Place = Pick<Act, 'registry' | 'repository'>

function isAt({ registry, repository }: Place, place: Place): boolean {
  return registry === place.registry && repository === place.repository
}

function placesOf(intents: readonly JournalIntent[]): readonly Place[] {
  const places = intents.map(({ act: { registry, repository } }) => ({ registry, repository }))
  return [...new Map(places.map((place) => [`${place.registry} ${place.repository}`, place])).values()]
}

/** Numbers for what is written down behind what the run wrote itself. */
function counterAfter(intents: readonly JournalIntent[]): () => number {
  let last = intents.reduce((highest, { sequence }) => Math.max(highest, sequence), 0)
  return () => (last += 1)
}

/** Removing a name may take several steps; a run that died between them left something that nobody else removes. */
async function removeLeftovers(
  open: readonly JournalIntent[],
  ports: SettlePorts,
  leases: HeldLeases,
  options: RunOptions,
): Promise<void> {
  const places = new Map(
    open.flatMap(({ act }) =>
      act.kind === 'untag' ? [[`${act.registry} ${act.repository}`, act] as const] : [],
    ),
  )
  for (const { registry, repository } of places.values()) {
    leases.assertHeld()
    await ports.registries.get(registry)?.writer.removeLeftovers?.(repository, options)
  }
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
 * Whether this is a part of an image whose root is gone. A root that is still there stays, with all that hangs on it:
 * whether it has to go is for the next plan to say.
 */
async function isCompanyLeft(
  { act, root }: JournalIntent,
  run: JournalRun,
  { reader }: RegistryPorts,
  options: RunOptions,
): Promise<boolean> {
  if (act.kind === 'put' || act.digest === root) return false
  const isSaved = run.saved.some(
    ({ digest, repository }) => digest === act.digest && repository === act.repository,
  )
  return isSaved && (await reader.readManifest(act.repository, root, options)) === undefined
}
