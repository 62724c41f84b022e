import {
  createMemoryRegistry,
  type MemoryRegistryOptions,
} from '../../src/adapters/registries/memory/memory-registry.ts'
import { parseTagName } from '../../src/core/image/names.ts'
import { registrySurvival } from './registry-survival.ts'
import { registryConformance, type RegistryExpectations, type RegistryUnderTest } from './registry.ts'

const variants: readonly {
  readonly name: string
  readonly options: MemoryRegistryOptions
  readonly expected: RegistryExpectations
}[] = [
  {
    name: 'memory, like Distribution 3',
    options: {},
    expected: {
      capabilities: { deleteByTag: true, protectsChildren: false, referrersApi: false, listsUntagged: false },
    },
  },
  {
    name: 'memory, like Distribution 2.8',
    options: { deleteByTag: false },
    expected: { capabilities: { deleteByTag: false } },
  },
  {
    name: 'memory, like zot',
    options: { protectsChildren: true, referrersApi: true },
    expected: { capabilities: { deleteByTag: true, protectsChildren: true, referrersApi: true } },
  },
  {
    name: 'memory, like a hosted registry',
    options: { listsUntagged: true, pushTime: true },
    expected: { capabilities: { deleteByTag: true, listsUntagged: true, pushTime: true } },
  },
  {
    name: 'memory with deletion switched off',
    options: { deletes: 'disabled' },
    expected: {
      capabilities: { deletes: { state: 'no', cure: 'Make it with deletes: yes.' } },
      refuses: 'disabled',
    },
  },
]

for (const { name, options, expected } of variants) {
  const setup = async (): Promise<RegistryUnderTest> => {
    const registry = createMemoryRegistry(options)
    return {
      reader: registry.reader,
      writer: registry.writer,
      seeder: {
        putBlob: async (repository, bytes) => {
          registry.putBlob(repository, bytes)
        },
        putManifest: async (repository, bytes, mediaType, reference) => {
          const tag = parseTagName(reference)
          registry.putManifest(repository, { bytes, mediaType, ...(tag !== undefined && { tag }) })
        },
      },
      stop: async () => undefined,
    }
  }
  registryConformance(name, expected, setup)
  if (expected.refuses === undefined) registrySurvival(name, {}, setup)
}
