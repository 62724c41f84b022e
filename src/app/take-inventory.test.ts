import { describe, expect, it } from 'vitest'
import { createMemoryMemory } from '../adapters/journal/memory/memory.ts'
import {
  createMemoryRegistry,
  type MemoryRegistry,
  type MemoryRegistryOptions,
} from '../adapters/registries/memory/memory-registry.ts'
import { InterruptedError, OperationalError } from '../core/errors/errors.ts'
import type { Digest } from '../core/image/digest.ts'
import { ociManifestType } from '../core/image/media-types.ts'
import { parseRepositoryName, parseTagName, type RepositoryName, type TagName } from '../core/image/names.ts'
import type { ReadableRegistry } from '../ports/readable-registry.ts'
import type { RunEvent } from '../ports/run-options.ts'
import { InventoryIncompleteError, takeInventory } from './take-inventory.ts'

class Broken extends OperationalError {
  readonly code = 'TEST_BROKEN'
  readonly hint = 'Mend it.'
}

const all = (): boolean => true
const repository = (text: string): RepositoryName => parseRepositoryName(text) as RepositoryName
const tag = (text: string): TagName => parseTagName(text) as TagName
const now = (): number => 1000

function push(registry: MemoryRegistry, name: string, tagName: string): Digest {
  const config = registry.putBlob(repository(name), Buffer.from(JSON.stringify({ name, tagName })))
  const size = 1
  const document = {
    mediaType: ociManifestType,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: config, size },
    layers: [],
  }
  return registry.putManifest(repository(name), {
    bytes: Buffer.from(JSON.stringify(document)),
    mediaType: ociManifestType,
    tag: tag(tagName),
  })
}

function failing(onCall: MemoryRegistryOptions['onCall']): ReadableRegistry {
  const registry = createMemoryRegistry({ ...(onCall !== undefined && { onCall }) })
  push(registry, 'team/a', '1')
  push(registry, 'team/b', '1')
  return registry.reader
}

describe('takeInventory', () => {
  it('sorts registries, repositories and manifests, whatever order they came in', async () => {
    const [one, two] = [createMemoryRegistry({ name: 'one' }), createMemoryRegistry({ name: 'two' })]
    for (const name of ['z', 'a', 'm']) for (const t of ['1', '2', '3']) push(two, name, t)
    const [first, second] = await takeInventory(
      [two, one].map(({ reader }) => ({ registry: reader, governed: all })),
      { now },
    )
    expect([first?.registry, second?.registry]).toEqual(['one', 'two'])
    expect(second?.takenAt).toBe(1000)
    expect(second?.repositories.map(({ name }) => name)).toEqual(['a', 'm', 'z'])
    for (const { manifests } of second?.repositories ?? []) {
      const digests = manifests.map(({ digest }) => digest)
      expect(digests).toHaveLength(3)
      expect(digests).toEqual(digests.toSorted())
    }
  })

  it('stops everything when the repositories cannot be listed', async () => {
    const registry = failing(({ method }) => {
      if (method === 'listRepositories') throw new Broken('no catalog')
    })
    const taking = takeInventory([{ registry, governed: all }], { now })
    await expect(taking).rejects.toBeInstanceOf(InventoryIncompleteError)
    await expect(taking).rejects.toMatchObject({
      category: 'incomplete',
      hint: 'Mend it.',
      message: expect.stringContaining('no catalog') as string,
    })
  })

  it('stops everything when a governed repository cannot be asked for, and tells of it when no policy governs it', async () => {
    const registry = failing(({ method, repository: name }) => {
      if (method === 'readRepository' && name === 'team/b') throw new Broken('it is gone')
    })
    await expect(takeInventory([{ registry, governed: all }], { now })).rejects.toBeInstanceOf(
      InventoryIncompleteError,
    )
    const [inventory] = await takeInventory([{ registry, governed: (name) => name === 'team/a' }], { now })
    expect(inventory?.repositories).toMatchObject([
      { name: 'team/a', complete: true },
      { name: 'team/b', complete: false, problems: ['it is gone'], manifests: [] },
    ])
  })

  it('ends when the time is up: what was read is whole, the rest is incomplete', async () => {
    const budget = new AbortController()
    const quick = failing(undefined)
    const registry: ReadableRegistry = {
      ...quick,
      readRepository: async (name, options) => {
        if (name !== 'team/b') return quick.readRepository(name, options)
        await new Promise((resolve) => setTimeout(resolve, 20))
        budget.abort()
        return quick.readRepository(name, options)
      },
    }
    const [inventory] = await takeInventory([{ registry, governed: all }], { now }, { budget: budget.signal })
    expect(inventory?.repositories).toMatchObject([
      { name: 'team/a', complete: true },
      { name: 'team/b', complete: false, manifests: [] },
    ])
  })

  it('decides nothing when the time is up before the repositories are listed', async () => {
    const registry = failing(undefined)
    const taking = takeInventory([{ registry, governed: all }], { now }, { budget: AbortSignal.abort() })
    await expect(taking).rejects.toMatchObject({ code: 'TIME_BUDGET', category: 'incomplete' })
  })

  it('keeps a governed repository incomplete as it came', async () => {
    const registry = failing(undefined)
    const partly: ReadableRegistry = {
      ...registry,
      readRepository: async (name, options) => ({
        ...(await registry.readRepository(name, options)),
        complete: false,
        problems: ['b', 'a'],
      }),
    }
    const [inventory] = await takeInventory([{ registry: partly, governed: all }], {
      now,
      memory: createMemoryMemory(),
    })
    expect(inventory?.repositories[0]).toMatchObject({ complete: false, problems: ['a', 'b'] })
  })

  it('throws what a bug throws as it is', async () => {
    const registry = failing(() => {
      throw new TypeError('a bug')
    })
    await expect(takeInventory([{ registry, governed: () => false }], { now })).rejects.toBeInstanceOf(
      TypeError,
    )
  })

  it.each(['signal', 'stop'] as const)('is interrupted by %s, and never ends with less', async (which) => {
    const halt = new AbortController()
    const registry = failing(({ method }) => {
      if (method === 'readRepository') halt.abort()
    })
    const taking = takeInventory([{ registry, governed: () => false }], { now }, { [which]: halt.signal })
    await expect(taking).rejects.toBeInstanceOf(InterruptedError)
  })

  it('gives a first sighting to what an earlier complete listing did not have, and to nothing of the first one', async () => {
    const memory = createMemoryMemory()
    const registry = createMemoryRegistry()
    const old = push(registry, 'team/a', '1')
    const target = { registry: registry.reader, governed: all }
    const seen = async (at: number): Promise<ReadonlyMap<Digest, number | undefined>> => {
      const [inventory] = await takeInventory([target], { memory, now: () => at })
      return new Map(
        inventory?.repositories[0]?.manifests.map(({ digest, firstSeenAt }) => [digest, firstSeenAt]),
      )
    }
    expect(await seen(1000)).toEqual(new Map([[old, undefined]]))
    const fresh = push(registry, 'team/a', '2')
    expect(await seen(2000)).toEqual(
      new Map(
        [
          [old, undefined],
          [fresh, 2000],
        ].toSorted() as [Digest, number | undefined][],
      ),
    )
    expect((await seen(3000)).get(fresh)).toBe(2000)
  })

  it('does not remember an incomplete listing', async () => {
    const memory = createMemoryMemory()
    const registry = createMemoryRegistry()
    push(registry, 'team/a', '1')
    const partly: ReadableRegistry = {
      ...registry.reader,
      readRepository: async (name) => ({ name, complete: false, problems: ['cut'], manifests: [] }),
    }
    await takeInventory([{ registry: partly, governed: all }], { memory, now: () => 1000 })
    const [inventory] = await takeInventory([{ registry: registry.reader, governed: all }], {
      memory,
      now: () => 2000,
    })
    expect(inventory?.repositories[0]?.manifests[0]?.firstSeenAt).toBeUndefined()
  })

  it('adds pushes it was told of', async () => {
    const memory = createMemoryMemory()
    const registry = createMemoryRegistry()
    const digest = push(registry, 'team/a', '1')
    await memory.rememberPushes(registry.reader.name, [{ repository: repository('team/a'), digest, at: 500 }])
    const [inventory] = await takeInventory([{ registry: registry.reader, governed: all }], { memory, now })
    expect(inventory?.repositories[0]?.manifests[0]).toMatchObject({
      recordedAt: 500,
      firstSeenAt: undefined,
    })
  })

  it('reports how many repositories are read, of how many', async () => {
    const events: RunEvent[] = []
    await takeInventory(
      [{ registry: failing(undefined), governed: all }],
      { now },
      { onEvent: (event) => events.push(event) },
    )
    expect(events[0]).toEqual({ kind: 'phase', phase: 'inventory', subject: 'memory' })
    expect(events.at(-1)).toMatchObject({ kind: 'progress', phase: 'inventory', done: 2, total: 2 })
  })
})
