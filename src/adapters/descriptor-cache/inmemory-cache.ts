/**
 * Registries that remember blobs in the memory of their process, which is the default of their example configurations and
 * of Debian's package. Nobody can make them forget but by a restart, so bytes are freed that were set aside before the
 * last start of the oldest replica.
 *
 * A restart is known from whoever did it (`restartedAt`), from metrics, or from a canary: a blob that the process
 * remembers although its bytes are gone. When it says 404, that process is no more. This holds for Distribution 2, whose
 * memory has no end; 3 forgets what it has not seen for long, so there a 404 proves nothing and no canary is set.
 */
import type { InstantMs } from '../../core/inventory/inventory.ts'
import type { CacheGate, DescriptorCache } from '../../ports/descriptor-cache.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import type { Canary } from './canary.ts'
import { readCanaryNote, writeCanaryNote, type CanaryNote, type NoteKeeper } from './canary-note.ts'
import { isDistribution2 } from './registry-blobs.ts'
import { oldestStart, type MetricsSettings } from './replica-starts.ts'

export interface InmemoryCacheSettings {
  /** When all replicas were last restarted, from whoever knows it. */
  readonly restartedAt?: InstantMs | undefined
  /** Where replicas tell when they were started; with it no canary is set. */
  readonly metrics?: MetricsSettings | undefined
  /** Undefined where nothing can be pushed to the registry. */
  readonly canary?: Canary | undefined
  readonly notes: NoteKeeper
  readonly now: () => InstantMs
}

/**
 * A process that starts may still be told of a file that was renamed a moment before, by a network file system; and
 * clocks differ.
 */
export const RESTART_MARGIN_MS = 60_000

export function createInmemoryCache(settings: InmemoryCacheSettings): DescriptorCache {
  return {
    kind: 'inmemory',
    forget: async () => {},
    afterSetAside: (options) => setCanary(settings, options),
    gate: (options) => gate(settings, options),
  }
}

/** A time after which every replica was restarted, or why none is known. */
type Restart =
  | { readonly kind: 'after'; readonly at: InstantMs; readonly because: string }
  | { readonly kind: 'unknown'; readonly because: string }

async function gate(settings: InmemoryCacheSettings, options: RunOptions | undefined): Promise<CacheGate> {
  const told = toldRestart(settings)
  const seen = settings.metrics
    ? await restartByMetrics(settings.metrics, options)
    : await restartByCanary(settings, options)
  const best = told && (seen.kind === 'unknown' || seen.at < told.at) ? told : seen
  return best.kind === 'after'
    ? { kind: 'open', setAsideBefore: best.at - RESTART_MARGIN_MS, because: best.because }
    : { kind: 'closed', because: best.because, cure }
}

const cure =
  'Restart every replica of the registry; its next sweep frees what was set aside before. How Winnow comes to know of the restart: addresses of metrics in `sweep.metrics`, or --registry-restarted TIME, or `mode: maintenance`. With `redis` as its cache, or none, a registry needs no restart.'

function toldRestart({ restartedAt, now }: InmemoryCacheSettings): (Restart & { kind: 'after' }) | undefined {
  if (restartedAt === undefined) return undefined
  // A time to come is a mistake, and must not cover what is still to be set aside.
  return { kind: 'after', at: Math.min(restartedAt, now()), because: 'the registry was said to be restarted' }
}

async function restartByMetrics(metrics: MetricsSettings, options: RunOptions | undefined): Promise<Restart> {
  const start = await oldestStart(metrics, options)
  return start.kind === 'known'
    ? { kind: 'after', at: start.startedAt, because: 'every replica was started since, by its metrics' }
    : start
}

async function restartByCanary(
  settings: InmemoryCacheSettings,
  options: RunOptions | undefined,
): Promise<Restart> {
  const { canary } = settings
  if (!canary) return { kind: 'unknown', because: 'Nothing tells when the registry was last restarted.' }
  const { note, trouble } = await look(settings, canary, options)
  if (note.restartedAfter !== undefined) {
    const because = 'the registry was restarted since: it no longer remembers a canary'
    return { kind: 'after', at: note.restartedAfter, because }
  }
  return { kind: 'unknown', because: trouble ?? (note.canary ? stillRemembered : noCanary) }
}

const stillRemembered =
  'The registry has not been restarted since blobs were first set aside: it remembers a canary from then.'
const noCanary = 'Nothing tells when the registry was last restarted: no canary was set.'

interface Look {
  readonly note: CanaryNote
  /** Why the canary that is out could not be asked for: a sentence. */
  readonly trouble?: string
}

/** Asks for the canary that is out, and writes down what that shows. */
async function look(
  { notes, now }: InmemoryCacheSettings,
  canary: Canary,
  options: RunOptions | undefined,
): Promise<Look> {
  const note = await readCanaryNote(notes, options)
  if (!note.canary) return { note }
  // A replica more or less: whether those that remember have ended can no longer be asked, or not of all.
  if (!sameAddresses(note.canary.rememberedAt, canary)) return { note: { ...note, canary: undefined } }
  const askedAt = now()
  const answer = await canary.recall(note.canary.digest, options)
  if (answer.kind === 'failed') return { note, trouble: `${answer.why}.` }
  const { digest, rememberedAt: before } = note.canary
  const still = [...answer.remembers].filter(([, isRemembered]) => isRemembered)
  const rememberedAt = new Map([...before, ...still.map(([address]) => [address, askedAt] as const)])
  // Each was restarted after it last remembered, so all were after the earliest of these times.
  const seen: CanaryNote =
    still.length > 0
      ? { ...note, canary: { digest, rememberedAt } }
      : { canary: undefined, restartedAfter: Math.min(...before.values()) }
  await writeCanaryNote(notes, seen, options)
  return { note: seen }
}

async function setCanary(settings: InmemoryCacheSettings, options: RunOptions | undefined): Promise<void> {
  const { canary, metrics, notes, now } = settings
  if (!canary || metrics) return
  const { note } = await look(settings, canary, options)
  if (note.canary) return
  for (const replica of canary.replicas) if (!(await isDistribution2(replica, options))) return
  const askedAt = now()
  const probe = await canary.probe(options)
  if (probe.kind === 'failed') {
    options?.onEvent?.({ kind: 'warning', text: `No canary could be set: ${probe.why}.` })
    return
  }
  const forgetful = [...probe.remembers].find(([, isRemembered]) => !isRemembered)
  if (forgetful) {
    const text = `${forgetful[0]} forgot a canary at once, so it has no \`inmemory\` cache: try \`cache: auto\`.`
    options?.onEvent?.({ kind: 'warning', text })
    return
  }
  const rememberedAt = new Map([...probe.remembers.keys()].map((address) => [address, askedAt]))
  await writeCanaryNote(notes, { ...note, canary: { digest: probe.digest, rememberedAt } }, options)
}

function sameAddresses(known: ReadonlyMap<string, InstantMs>, { replicas }: Canary): boolean {
  return known.size === replicas.length && replicas.every(({ baseUrl }) => known.has(baseUrl))
}
