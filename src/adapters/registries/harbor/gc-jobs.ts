/** Runs of Harbor's garbage collection as its API tells them (`GET /api/v2.0/system/gc`), and what their logs say. */
import type { Freed } from '../../../ports/registry-collector.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { isRecord, quotable } from '../oci/answers.ts'
import type { HarborApi, Row } from './harbor-api.ts'

export interface GcJob {
  readonly id: number
  /** `Pending`, `Running`, `Success`, `Error`, `Stopped`. */
  readonly status: string
  /** `MANUAL`, or that of a schedule. */
  readonly kind: string
  readonly isDryRun: boolean
  readonly deletesUntagged: boolean
  readonly freed: Freed
}

const ends: Readonly<Record<string, 'done' | 'failed' | 'stopped'>> = {
  success: 'done',
  error: 'failed',
  stopped: 'stopped',
}

/** How a job ended; undefined while it has not. A word that we do not know is no end. */
export function endOf({ status }: GcJob): 'done' | 'failed' | 'stopped' | undefined {
  return ends[status.toLowerCase()]
}

/** The job that was begun last. @throws what HarborApi throws; a 403 is the caller's to ask for beforehand */
export async function newestJob(api: HarborApi, options?: RunOptions): Promise<GcJob | undefined> {
  const rows = (await api.list('system/gc', '', options)) ?? []
  // Sorted here: which order the list has by itself is nowhere promised.
  return rows.map((row) => jobOf(api, row)).toSorted((a, b) => b.id - a.id)[0]
}

/** @throws ProductMismatchError for a row that is none */
export function jobOf(api: HarborApi, row: unknown): GcJob {
  const { id, job_status: status, job_kind: kind, job_parameters: parameters } = isRecord(row) ? row : {}
  if (typeof id !== 'number' || typeof status !== 'string')
    throw api.notHarbor('a run of its garbage collection has no id or no status')
  const said = parsed(parameters)
  return {
    id,
    status: quotable(status),
    kind: typeof kind === 'string' ? quotable(kind) : 'unknown',
    isDryRun: said['dry_run'] === true,
    // Harbor's default is true, also where the parameter is not said.
    deletesUntagged: said['delete_untagged'] !== false,
    freed: {
      bytes: countIn(said['freed_space']),
      blobs: countIn(said['purged_blobs']),
      manifests: countIn(said['purged_manifests']),
    },
  }
}

/** Parameters of a job or of a schedule: a text with JSON in it. */
export function parsed(text: unknown): Row {
  try {
    const value: unknown = typeof text === 'string' ? JSON.parse(text) : undefined
    return isRecord(value) ? value : {}
  } catch {
    // Parameters that cannot be read say nothing, and then the defaults count.
    return {}
  }
}

function countIn(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

const MIB = 1024 * 1024

/**
 * What the log of a job says was freed, for versions of Harbor whose rows do not: `3 blobs and 1 manifests are actually
 * deleted`, `The GC job actual frees up 34 MB space` (whole MiB, rounded down, as its job writes them).
 */
export function freedInLog(log: string): Freed {
  const bytes = lastMatch(log, /actual frees up (\d+) MB space/g)?.[0]
  const counts = lastMatch(log, /(\d+) blobs and (\d+) manifests are actually deleted/g)
  return {
    bytes: bytes === undefined ? undefined : Number(bytes) * MIB,
    blobs: counts?.[0] === undefined ? undefined : Number(counts[0]),
    manifests: counts?.[1] === undefined ? undefined : Number(counts[1]),
  }
}

/** The last line of a log that tells of an error, for a message; empty when there is none. */
export function errorInLog(log: string): string {
  const line = log.split('\n').findLast((each) => /\[(?:ERROR|FATAL)\]/.test(each)) ?? ''
  return quotable(line.replace(/^.*?\[(?:ERROR|FATAL)\]\s*(?:\[[^\]]*\]:?\s*)?/, ''))
}

function lastMatch(text: string, pattern: RegExp): readonly string[] | undefined {
  return [...text.matchAll(pattern)].at(-1)?.slice(1)
}
