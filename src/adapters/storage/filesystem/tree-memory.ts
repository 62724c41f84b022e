/**
 * What folders of links and blobs held when every file in them was last looked at, as a fingerprint of their names.
 *
 * A link to a layer says the same as its own path, and a blob's folder has its data in it, in every storage that only its
 * registry writes to. Looking whether that is so takes most of the time of a scan, so a plan takes it for granted where
 * the names are those that were looked at before. What acts on a storage looks at every file (it gives no memory).
 * Losing the memory costs time.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

const HEAD = 'winnow-tree-1'
const FINGERPRINT_DIGITS = 32

export function fingerprintOf(names: readonly string[]): string {
  return createHash('sha256').update(names.join('\n')).digest('hex').slice(0, FINGERPRINT_DIGITS)
}

/** Fingerprints by the folder they are of. */
export type TreeMemory = ReadonlyMap<string, string>

let loaded: { readonly path: string; readonly memory: TreeMemory } | undefined

/** The memory in a file; read once in each thread. Empty when there is none, or it is not ours. */
export function loadTreeMemory(path: string | undefined): TreeMemory {
  if (path === undefined) return NOTHING
  if (loaded?.path !== path) loaded = { path, memory: readMemory(path) }
  return loaded.memory
}

const NOTHING: TreeMemory = new Map()

function readMemory(path: string): TreeMemory {
  try {
    const [head, ...lines] = readFileSync(path, 'utf8').split('\n')
    // The last line is empty in a file that was written to its end.
    if (head !== HEAD || lines.pop() !== '') return NOTHING
    return new Map(
      lines.map((line) => [line.slice(FINGERPRINT_DIGITS + 1), line.slice(0, FINGERPRINT_DIGITS)]),
    )
  } catch {
    return NOTHING
  }
}

/** Keeps a memory in place of an older one. Never throws: it may be lost. */
export function saveTreeMemory(path: string, memory: TreeMemory): void {
  const temporary = `${path}.${process.pid}.tmp`
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const lines = [...memory].map(([folder, fingerprint]) => `${fingerprint} ${folder}\n`)
    writeFileSync(temporary, `${HEAD}\n${lines.join('')}`, { mode: 0o600 })
    renameSync(temporary, path)
  } catch {
    rmSync(temporary, { force: true })
  }
}
