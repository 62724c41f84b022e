/** One digest over a folder: every path in it and every byte. Two trees with the same digest hold the same files. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'

export interface TreeDigest {
  readonly digest: string
  readonly files: number
  readonly bytes: number
}

/** Reads every file under `folder`, in the order of their paths. */
export async function treeDigest(folder: string): Promise<TreeDigest> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort()
  const hash = createHash('sha256')
  let total = 0
  for (const path of paths) {
    const bytes = await readFile(join(folder, path))
    total += bytes.length
    // The length stands before the bytes, so that no two trees can read the same.
    hash.update(`${path.replaceAll('\\', '/')}\0${bytes.length}\0`).update(bytes)
  }
  return { digest: `sha256:${hash.digest('hex')}`, files: paths.length, bytes: total }
}
