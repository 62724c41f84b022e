import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../builders/memory-store.ts'
import { blobStoreConformance } from './blob-store.ts'
import { aside, bytesOf, textOf } from './blob-store-fixture.ts'

for (const quarantine of ['rename', 'copy'] as const) {
  blobStoreConformance(
    `memory (${quarantine})`,
    { quarantine, hasFolders: false, tellsMd5: true },
    async () => {
      const clock = {
        get now() {
          return Date.now()
        },
      }
      const store = createMemoryStore({ clock, quarantine })
      return {
        store,
        reader: store,
        raw: {
          put: async (key, bytes) => store.put(key, bytes),
          read: async (key) => store.files.get(key)?.bytes,
          list: async (beginning) =>
            [...store.files.keys()].filter((key) => key.startsWith(beginning)).toSorted(),
          remove: async (key) => void store.drop(key),
        },
        closed: [],
        stop: async () => undefined,
      }
    },
  )
}

describe('a store in memory that dies between copying and removing', () => {
  it('has the bytes in both places, and either way out loses none', async () => {
    const store = createMemoryStore({ quarantine: 'copy' })
    const file = aside('blobs/a/data', { text: 'content' })
    store.put(file.key, bytesOf('content'))
    store.hooks.before = ({ act }) => {
      if (act === 'dropOriginal') throw new Error('crash')
    }
    await expect(store.setAside([file])).rejects.toThrow('crash')
    delete store.hooks.before
    expect(await store.locate([file])).toEqual(['both'])
    expect(await store.setAside([file])).toEqual(['set-aside'])
    expect(await store.locate([file])).toEqual(['aside'])
    expect(await store.putBack([file])).toEqual(['restored'])
    expect(textOf(store.files.get(file.key)?.bytes)).toBe('content')
  })
})
