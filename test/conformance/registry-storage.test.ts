/** The conformance suite against a Distribution storage that no registry serves. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createMemoryManifestCache } from '../../src/adapters/journal/memory/manifest-cache.ts'
import { blobKey, layerLink } from '../../src/adapters/registries/storage-distribution/layout.ts'
import { createStorageReader } from '../../src/adapters/registries/storage-distribution/storage-reader.ts'
import { createStorageWriter } from '../../src/adapters/registries/storage-distribution/storage-writer.ts'
import { createReadableFileStore } from '../../src/adapters/storage/filesystem/read-files.ts'
import { createMutableFileStore } from '../../src/adapters/storage/filesystem/write-files.ts'
import { parseDigest, type Digest } from '../../src/core/image/digest.ts'
import { parseTagName, type RegistryName } from '../../src/core/image/names.ts'
import type { MutableRegistry } from '../../src/ports/mutable-registry.ts'
import { sha256 } from '../servers/registry-request.ts'
import type { Seeder } from './registry-fixture.ts'
import { registryConformance } from './registry.ts'

const capabilities = {
  deleteByTag: true,
  deleteRemovesSiblings: true,
  listsUntagged: true,
  pushTime: true,
  pullTime: false,
  protectsChildren: false,
  referrersApi: false,
  undo: 'manifest-replay',
} as const

registryConformance('Distribution storage', { capabilities }, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'winnow-conformance-'))
  const name = 'files' as RegistryName
  const cache = createMemoryManifestCache()
  const readerOfNextRun = () => createStorageReader({ name, cache, store: createReadableFileStore(dir) })
  const writer = createStorageWriter({ name, store: createMutableFileStore(dir) })
  return {
    reader: readerOfNextRun(),
    writer,
    nextReader: readerOfNextRun,
    seeder: seederOf(dir, writer),
    stop: () => rm(dir, { recursive: true }),
  }
})

/** Blobs as an upload leaves them; manifests by the writer, whose order a push has too. */
function seederOf(dir: string, writer: MutableRegistry): Seeder {
  return {
    putBlob: async (repository, bytes) => {
      const digest = digestOf(bytes)
      for (const [key, content] of [
        [blobKey(digest), bytes],
        [layerLink(repository, digest), digest],
      ] as const) {
        await mkdir(dirname(join(dir, key)), { recursive: true })
        await writeFile(join(dir, key), content)
      }
    },
    putManifest: async (repository, bytes, mediaType, reference) => {
      const outcome = await writer.putManifest(
        repository,
        { digest: digestOf(bytes), mediaType, bytes },
        parseTagName(reference),
      )
      if (outcome.kind !== 'done') throw new Error(JSON.stringify(outcome))
    },
  }
}

function digestOf(bytes: Uint8Array): Digest {
  const digest = parseDigest(sha256(bytes))
  if (digest === undefined) throw new Error('not a digest')
  return digest
}
