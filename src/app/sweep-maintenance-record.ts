/**
 * The note of a maintenance window as a small file beside the registry's files, in whatever store they lie.
 *
 * A file that is there and is no such note still counts as one, with nothing known of it: starting a registry that is up
 * does no harm, and one that stays down does. Nothing in it is ever run.
 */
import type { MaintenanceNote, MaintenanceRecord } from '../ports/maintenance-record.ts'
import type { MutableBlobStore } from '../ports/mutable-blob-store.ts'
import type { DowntimeInForce } from './sweep-maintenance-downtimes.ts'

const schemaVersion = 'maintenance/v1'
const noteBytesMax = 1024 * 1024

/** @param key where the note lies in the store; never below `docker/`, which is the registry's */
export function maintenanceRecordIn(store: MutableBlobStore, key: string): MaintenanceRecord {
  return {
    async begin(note, options) {
      await store.write(key, Buffer.from(formatMaintenanceNote(note)), options)
    },
    async read(options) {
      const file = await store.read(key, noteBytesMax, options)
      return file && parseMaintenanceNote(Buffer.from(file.bytes).toString('utf8'))
    },
    async clear(options) {
      await store.remove(key, options)
    },
  }
}

export function formatMaintenanceNote(note: MaintenanceNote): string {
  return `${JSON.stringify({ schemaVersion, ...note }, null, 2)}\n`
}

export function parseMaintenanceNote(text: string): MaintenanceNote {
  const { registry, run, beganAt, backCommand, downtimes } = recordOf(parseJson(text))
  return {
    registry: textOr(registry, 'unknown'),
    run: textOr(run, 'unknown'),
    beganAt: instantOf(beganAt),
    backCommand: textOr(backCommand, ''),
    downtimes: Array.isArray(downtimes) ? downtimes.flatMap(parseDowntime) : [],
  }
}

function parseDowntime(value: unknown): readonly DowntimeInForce[] {
  const { name, begun } = recordOf(value)
  const { id, what, until } = recordOf(begun)
  if (typeof name !== 'string' || typeof id !== 'string') return []
  return [{ name, begun: { id, what: textOr(what, name), until: instantOf(until) } }]
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise
}

function instantOf(value: unknown): number | undefined {
  // Years 1970 to 9999: what `toISOString` can show.
  return typeof value === 'number' && value >= 0 && value < 253_402_300_800_000 ? value : undefined
}
