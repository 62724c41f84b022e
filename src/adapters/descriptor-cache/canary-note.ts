/**
 * What is written down of a canary between two runs: which one, and when each replica was last seen to remember it. A note
 * that cannot be read proves nothing, and the gate stays closed; no run fails because of one.
 */
import { parseDigest, type Digest } from '../../core/image/digest.ts'
import type { InstantMs } from '../../core/inventory/inventory.ts'
import type { RunOptions } from '../../ports/run-options.ts'

export interface CanaryNote {
  /** Undefined: none is out. */
  readonly canary: NotedCanary | undefined
  /** Every replica was restarted after this; undefined when no restart was ever seen. */
  readonly restartedAfter: InstantMs | undefined
}

export interface NotedCanary {
  readonly digest: Digest
  /** By address of the replica: when it last remembered. */
  readonly rememberedAt: ReadonlyMap<string, InstantMs>
}

/** Where the note lies is the caller's affair. */
export interface NoteKeeper {
  readNote(options?: RunOptions): Promise<Uint8Array | undefined>
  writeNote(bytes: Uint8Array, options?: RunOptions): Promise<void>
}

const FORMAT = 'canary/v1'
const nothingNoted: CanaryNote = { canary: undefined, restartedAfter: undefined }

export async function readCanaryNote(keeper: NoteKeeper, options?: RunOptions): Promise<CanaryNote> {
  const bytes = await keeper.readNote(options)
  return bytes === undefined ? nothingNoted : (parseNote(Buffer.from(bytes).toString('utf8')) ?? nothingNoted)
}

export async function writeCanaryNote(
  keeper: NoteKeeper,
  { canary, restartedAfter }: CanaryNote,
  options?: RunOptions,
): Promise<void> {
  const written = {
    schemaVersion: FORMAT,
    ...(canary && { digest: canary.digest, rememberedAt: Object.fromEntries(canary.rememberedAt) }),
    ...(restartedAfter !== undefined && { restartedAfter }),
  }
  await keeper.writeNote(Buffer.from(`${JSON.stringify(written, undefined, 2)}\n`), options)
}

function parseNote(text: string): CanaryNote | undefined {
  const read = parseJson(text)
  if (!isRecord(read) || read['schemaVersion'] !== FORMAT) return undefined
  const { restartedAfter } = read
  if (restartedAfter !== undefined && !isInstant(restartedAfter)) return undefined
  return { canary: parseCanary(read), restartedAfter }
}

function parseCanary({ digest: written, rememberedAt }: Record<string, unknown>): NotedCanary | undefined {
  const digest = typeof written === 'string' ? parseDigest(written) : undefined
  if (digest === undefined || !isRecord(rememberedAt)) return undefined
  const times = new Map<string, InstantMs>()
  for (const [address, at] of Object.entries(rememberedAt)) {
    if (!isInstant(at)) return undefined
    times.set(address, at)
  }
  return times.size === 0 ? undefined : { digest, rememberedAt: times }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function isInstant(value: unknown): value is InstantMs {
  return typeof value === 'number' && Number.isFinite(value) && value > 0
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
