/** The conformance suite of stores on a folder. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createReadableFileStore } from '../../src/adapters/storage/filesystem/read-files.ts'
import { createMutableFileStore } from '../../src/adapters/storage/filesystem/write-files.ts'
import { blobStoreConformance } from './blob-store.ts'

const expected = { quarantine: 'rename', hasFolders: true, tellsMd5: false } as const

blobStoreConformance('A folder', expected, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'winnow-store-'))
  return {
    store: createMutableFileStore(dir),
    reader: createReadableFileStore(dir),
    raw: {
      put: async (key, bytes) => {
        await mkdir(dirname(join(dir, key)), { recursive: true })
        await writeFile(join(dir, key), bytes)
      },
      read: (key) => readFile(join(dir, key)).catch(() => undefined),
      list: async (beginning) => (await filesBelow(dir, '')).filter((key) => key.startsWith(beginning)),
      remove: (key) => rm(join(dir, key)),
    },
    closed: [
      { why: 'a folder that is missing', store: createMutableFileStore(join(dir, 'missing')), secrets: [] },
    ],
    stop: () => rm(dir, { recursive: true }),
  }
})

async function filesBelow(dir: string, prefix: string): Promise<readonly string[]> {
  const entries = await readdir(join(dir, prefix), { withFileTypes: true })
  const found = entries.map(async ({ name }) =>
    filesBelow(dir, `${prefix}${name}/`).catch(() => [prefix + name]),
  )
  return (await Promise.all(found)).flat().toSorted()
}
