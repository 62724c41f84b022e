/**
 * The sweeps' journal in the storage they sweep: `.winnow/journal/<run>/<number>.ndjson`, one entry a line. A part is
 * written whole, and never changed.
 */
import { OperationalError } from '../../core/errors/errors.ts'
import { parseDigest } from '../../core/image/digest.ts'
import { parseRepositoryName } from '../../core/image/names.ts'
import type { RunId } from '../../core/journal/entry.ts'
import { parseRunId } from '../../core/journal/run-id.ts'
import type { SweepEntry } from '../../core/sweep/sweep-entry.ts'
import type { MutableBlobStore } from '../../ports/mutable-blob-store.ts'
import type { ReadableBlobStore } from '../../ports/readable-blob-store.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import type { ReadableSweepJournal, SweepJournal } from '../../ports/sweep-journal.ts'

const FOLDER = '.winnow/journal'
const PART_BYTES_MAX = 16 * 1024 * 1024
const DIGITS = 6

/** What an earlier sweep wrote down cannot be read, so nobody knows what is set aside. */
class SweepJournalError extends OperationalError {
  readonly code = 'SWEEP_JOURNAL_UNREADABLE'
  override readonly category = 'incomplete'
  readonly hint =
    'Blobs that are set aside lie in .winnow/quarantine and can be moved back by hand. Restore the file, or move it away when that is done.'

  constructor(place: string, key: string) {
    super(`The sweep’s journal ${key} in ${place} cannot be read, so nothing was swept.`)
  }
}

export function createReadableSweepJournal(store: ReadableBlobStore): ReadableSweepJournal {
  return {
    async runs(options) {
      const entries = (await store.list(FOLDER, options)) ?? []
      return entries.flatMap(({ name }) => parseRunId(name) ?? [])
    },
    async *read(run, options) {
      for (const number of await listParts(store, run, options))
        yield await readPart(store, run, number, options)
    },
  }
}

export function createSweepJournal(store: MutableBlobStore): SweepJournal {
  const nextNumbers = new Map<RunId, number>()
  return {
    ...createReadableSweepJournal(store),
    async append(run, entries, options) {
      const number = nextNumbers.get(run) ?? ((await listParts(store, run, options)).at(-1) ?? 0) + 1
      const text = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')
      await store.write(partKey(run, number), Buffer.from(text), options)
      nextNumbers.set(run, number + 1)
    },
    async forget(run, options) {
      // Safe: the caller knows that nothing of this run is set aside; the last part goes first, the beginning last.
      for (const number of (await listParts(store, run, options)).toReversed())
        await store.remove(partKey(run, number), options)
      await store.removeEmptyFolders(`${FOLDER}/${run}`, options)
    },
  }
}

async function listParts(
  store: ReadableBlobStore,
  run: RunId,
  options: RunOptions | undefined,
): Promise<readonly number[]> {
  const entries = (await store.list(`${FOLDER}/${run}`, options)) ?? []
  return entries
    .filter(({ name }) => /^\d+\.ndjson$/.test(name))
    .map(({ name }) => Number.parseInt(name, 10))
    .toSorted((a, b) => a - b)
}

async function readPart(
  store: ReadableBlobStore,
  run: RunId,
  number: number,
  options: RunOptions | undefined,
): Promise<readonly SweepEntry[]> {
  const key = partKey(run, number)
  const file = await store.read(key, PART_BYTES_MAX, options)
  // A run that is forgotten while we read has nothing set aside.
  if (file === undefined) return []
  try {
    const lines = Buffer.from(file.bytes).toString('utf8').split('\n')
    return lines.filter((line) => line !== '').map((line) => requireEntry(JSON.parse(line)))
  } catch {
    throw new SweepJournalError(store.place, key)
  }
}

/** What lies in a storage was written by whoever may write there: names in it become paths, so they are checked. */
function requireEntry(value: unknown): SweepEntry {
  const entry = value as SweepEntry
  if (entry.kind === 'unlink' && !isUnlink(entry)) throw new Error('not an entry')
  if (!('digest' in entry)) return entry
  const isSound = parseDigest(entry.digest) !== undefined && typeof entry.pool === 'string'
  if (!isSound) throw new Error('not an entry')
  return entry
}

function isUnlink({ pool, repository, links }: SweepEntry & { readonly kind: 'unlink' }): boolean {
  const digests = links.flatMap(({ path, target }) => [path, target])
  const areDigests = digests.every((digest) => parseDigest(digest) !== undefined)
  return areDigests && typeof pool === 'string' && parseRepositoryName(repository) !== undefined
}

function partKey(run: RunId, number: number): string {
  return `${FOLDER}/${run}/${String(number).padStart(DIGITS, '0')}.ndjson`
}
