/** A repository of werf's on disk, read by the driver, is what the tests of werf look at as a value. */
import { expect, it } from 'vitest'
import { createMemoryManifestCache } from '../../src/adapters/journal/memory/manifest-cache.ts'
import { createStorageReader } from '../../src/adapters/registries/storage-distribution/storage-reader.ts'
import { createReadableFileStore } from '../../src/adapters/storage/filesystem/read-files.ts'
import { writeSampleFiles } from '../../src/adapters/storage/filesystem/write-sample.ts'
import type { RegistryName } from '../../src/core/image/names.ts'
import type { ManifestRecord } from '../../src/core/inventory/inventory.ts'
import { makeFolder, removeFolder, repo } from '../storage/world.ts'
import { tellStory } from './stories.ts'

const timeless = (manifests: readonly ManifestRecord[]): readonly unknown[] =>
  manifests.map(({ pushedAt: _, platform: __, tags, ...rest }) => ({
    ...rest,
    tags: tags.map(({ name }) => name),
  }))

it.each([2, 3] as const)('werf %i', async (version) => {
  const { werf } = tellStory(version)
  const folder = await makeFolder()
  try {
    await writeSampleFiles(folder, [...werf.tree.files.values()])
    const reader = createStorageReader({
      name: 'files' as RegistryName,
      store: createReadableFileStore(folder),
      cache: createMemoryManifestCache(),
      readProvenance: true,
    })
    const repository = await reader.readRepository(repo(werf.repository))
    expect(repository.problems).toEqual([])
    expect(repository.complete).toBe(true)
    expect(timeless(repository.manifests)).toEqual(timeless(werf.manifests()))
  } finally {
    await removeFolder(folder)
  }
})
