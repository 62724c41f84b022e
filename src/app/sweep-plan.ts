/**
 * What a sweep would do, from things that only read: nothing is written, not even into the storage's own corner for
 * Winnow, so a store that is mounted read-only will do.
 */
import type { Digest } from '../core/image/digest.ts'
import { AsideLedger, type AsideEntry } from '../core/sweep/sweep-entry.ts'
import { emptySummary, type SweepReport, type SweepSummary } from '../core/sweep/sweep-report.ts'
import type { AsideFile } from '../ports/listable-store.ts'
import type { BlobPool } from '../ports/readable-layout.ts'
import type { RunOptions } from '../ports/run-options.ts'
import { MANIFEST_BYTES_MAX } from '../core/image/parse-manifest.ts'
import { ActionLog, eachGarbage } from './sweep-actions.ts'
import { DUE, findNeeded, isOverdue } from './sweep-aside.ts'
import type { SweepPlanPorts, SweepSettings } from './sweep-ports.ts'
import { surveyPool, type PoolSurvey } from './sweep-survey.ts'
import { findLeftovers, type Leftovers } from './sweep-tidy.ts'

export async function planSweep(
  ports: SweepPlanPorts,
  settings: SweepSettings,
  options: RunOptions,
): Promise<SweepReport> {
  const now = ports.now()
  const fence = now - settings.graceMs
  const { report, options: listening } = gatherWarnings(options)
  await checkStorage(ports, listening)
  const ledger = await readLedger(ports.journal, listening)
  const actions = new ActionLog()
  let summary = emptySummary
  for await (const pool of ports.layout.pools(listening)) {
    const aside = await stillAside(ports, pool, ledger, listening)
    const scratch = ports.createScratch()
    try {
      const parts = {
        references: ports.references,
        scratch,
        readAside: asideReader(ports, pool, aside, listening),
      }
      const survey = await surveyPool(pool, { fence, now: () => ports.now() }, parts, listening)
      const { leftovers, ...counted } = await planPool(
        survey,
        aside,
        { settings, now, fence, actions, mayBeRemembered: ports.cache.kind !== 'none' },
        listening,
      )
      summary = addSummaries(summary, counted.summary)
      summary = addSummaries(summary, addLeftovers(actions, pool, leftovers))
      warnOfMissing(survey, listening)
    } finally {
      scratch.close()
    }
  }
  await ports.references.keep()
  return {
    registry: ports.registry,
    run: ports.newRunId(now),
    mode: settings.mode,
    fence,
    applied: false,
    complete: true,
    summary,
    actions,
    warnings: report,
  }
}

interface PoolPlanRequest {
  readonly settings: SweepSettings
  readonly now: number
  readonly fence: number
  readonly actions: ActionLog
  /** See LeftoverRequest. */
  readonly mayBeRemembered: boolean
}

async function planPool(
  survey: PoolSurvey,
  aside: readonly AsideEntry[],
  { settings, now, fence, actions, mayBeRemembered }: PoolPlanRequest,
  options: RunOptions,
): Promise<{ readonly summary: SweepSummary; readonly leftovers: Leftovers }> {
  const { name } = survey.pool
  const needed = await findNeeded(survey, aside, settings, options)
  const isNeeded = new Set(needed.map(({ entry }) => entry))
  for (const { entry, reason } of needed)
    actions.addBlob('restore', name, entry.digest, entry.sizeBytes, reason)
  // What the registry remembers is found out when it is applied.
  const due = aside.filter((entry) => !isNeeded.has(entry) && isOverdue(entry, now, settings))
  for (const entry of due) actions.addBlob('free', name, entry.digest, entry.sizeBytes, DUE)
  let setAside = 0
  for (const { digest, sizeBytes } of eachGarbage(survey.garbage)) {
    actions.addBlob('set-aside', name, digest, sizeBytes)
    setAside += 1
  }
  const dueNow = new Set(due)
  const staying = new Set<Digest>(aside.filter((entry) => !dueNow.has(entry)).map(({ digest }) => digest))
  const leftovers = await findLeftovers(
    survey,
    { fence, graceMs: settings.graceMs, now, aside: staying, mayBeRemembered },
    options,
  )
  const summary = {
    ...surveySummary(survey),
    setAside,
    restored: needed.length,
    freed: due.length,
    bytesFreed: due.reduce((total, { sizeBytes }) => total + sizeBytes, 0),
  }
  return { summary, leftovers }
}

/** What a survey counts. */
export function surveySummary(survey: PoolSurvey): SweepSummary {
  return {
    ...emptySummary,
    manifests: survey.mark.manifests,
    blobs: survey.blobs,
    blobsMarked: survey.blobsMarked,
    blobsGarbage: countGarbage(survey),
    bytesGarbage: survey.bytesGarbage,
  }
}

function countGarbage({ garbage }: PoolSurvey): number {
  return garbage.sha256.size + garbage.sha512.size
}

export function addSummaries(a: SweepSummary, b: SweepSummary): SweepSummary {
  const keys = Object.keys(emptySummary) as (keyof SweepSummary)[]
  return Object.fromEntries(keys.map((key) => [key, a[key] + b[key]])) as unknown as SweepSummary
}

export const LINK_REASON = 'the blob it links is gone'
export const REPOSITORY_REASON = 'no manifest and no tag is left in it'
export const UPLOAD_REASON = 'nobody has written to this upload for longer than any upload takes'

function addLeftovers(
  actions: ActionLog,
  pool: BlobPool,
  { links, repositories, uploads }: Leftovers,
): SweepSummary {
  for (const link of links) actions.addPath('remove-link', pool.layerLinkKey(link), LINK_REASON)
  for (const { folder } of repositories) actions.addPath('remove-repository', folder, REPOSITORY_REASON)
  for (const { folder } of uploads) actions.addPath('remove-upload', folder, UPLOAD_REASON)
  return {
    ...emptySummary,
    linksRemoved: links.length,
    repositoriesRemoved: repositories.length,
    uploadsRemoved: uploads.length,
  }
}

/** Everything earlier runs wrote down. @throws when a part of it cannot be read: what is set aside would be unknown */
export async function readLedger(
  journal: SweepPlanPorts['journal'],
  options: RunOptions,
): Promise<AsideLedger> {
  const ledger = new AsideLedger()
  for (const run of await journal.runs(options)) {
    for await (const entries of journal.read(run, options)) ledger.add(run, entries)
  }
  return ledger
}

/** Whether the storage is whole and may be swept. @throws as ReadableLayout.check */
export async function checkStorage(
  { layout, journal }: Pick<SweepPlanPorts, 'layout' | 'journal'>,
  options: RunOptions,
): Promise<void> {
  await layout.check(options, async () => {
    const digests = (await readLedger(journal, options)).digests()
    return { isAnything: digests.size > 0, has: (blob) => digests.has(blob) }
  })
}

/** The blobs of a pool that the journal has as set aside, and that are. */
async function stillAside(
  { store }: Pick<SweepPlanPorts, 'store'>,
  pool: BlobPool,
  ledger: AsideLedger,
  options: RunOptions,
): Promise<readonly AsideEntry[]> {
  const open = ledger.open().filter((entry) => entry.pool === pool.name)
  const places = await store.locate(
    open.map((entry) => asideFile(pool, entry)),
    options,
  )
  return open.filter((_, i) => places[i] === 'aside' || places[i] === 'both')
}

export function asideFile(pool: BlobPool, { run, digest, sizeBytes }: AsideEntry): AsideFile {
  return { run, ...pool.fileOf(digest), sizeBytes }
}

/** Reads a manifest from where it was set aside. */
export function asideReader(
  { store }: Pick<SweepPlanPorts, 'store'>,
  pool: BlobPool,
  aside: readonly AsideEntry[],
  options: RunOptions,
): (poolName: string, manifest: Digest) => Promise<Uint8Array | undefined> {
  const byDigest = new Map<Digest, AsideEntry>(aside.map((entry) => [entry.digest, entry]))
  return async (_, manifest) => {
    const entry = byDigest.get(manifest)
    return entry && store.readAside(asideFile(pool, entry), MANIFEST_BYTES_MAX, options)
  }
}

/** Manifests that are linked and whose bytes are nowhere: told, not repaired. */
export function warnOfMissing({ mark: { missing } }: PoolSurvey, options: RunOptions): void {
  const [first, ...others] = missing
  if (first === undefined) return
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`
  options.onEvent?.({
    kind: 'warning',
    text: `The manifest ${first}${more} is linked, but its bytes are nowhere: whoever pulls it gets an error. Push it again, or delete it.`,
  })
}

/** Run options that also keep what is warned of, for the report. What several looks find alike is told once. */
export function gatherWarnings(options: RunOptions): {
  readonly report: readonly string[]
  readonly options: RunOptions
} {
  const report: string[] = []
  return {
    report,
    options: {
      ...options,
      onEvent(event) {
        if (event.kind === 'warning') {
          if (report.includes(event.text)) return
          report.push(event.text)
        }
        options.onEvent?.(event)
      },
    },
  }
}
