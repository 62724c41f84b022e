/** What every memory must do. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RegistryName, RepositoryName } from '../../src/core/image/names.ts'
import type { Memory } from '../../src/ports/memory.ts'
import { digest, longDigest, registry, repository, type Opened } from './journal-store.ts'

export function memoryConformance(name: string, open: () => Promise<Opened<Memory>>): void {
  describe(`memory: ${name}`, () => {
    let opened: Opened<Memory>
    let memory: Memory
    beforeEach(async () => {
      opened = await open()
      memory = opened.store
    })
    afterEach(() => opened.close())

    const sighting = (n: number, where = 'Pod shop/app') => ({
      digest: digest(n),
      source: 'kubernetes:eu',
      where,
    })
    const other = 'lab' as RegistryName

    it('tells what was in use at or after a time, in one registry', async () => {
      await memory.rememberInUse(registry, [sighting(1)], 10)
      await memory.rememberInUse(registry, [sighting(2)], 11)
      await memory.rememberInUse(other, [sighting(3)], 12)
      const expected = new Map([
        [digest(2), { lastSeenAt: 11, source: 'kubernetes:eu', where: 'Pod shop/app' }],
      ])
      expect(await memory.seenInUse(registry, 11)).toEqual(expected)
      expect(await (await opened.reopen()).seenInUse(registry, 11)).toEqual(expected)
      expect([...(await memory.seenInUse(registry, 10)).keys()].sort()).toEqual([digest(1), digest(2)])
    })

    it.each([
      {
        name: 'a later sighting replaces an earlier one',
        calls: [
          [1, 'a'],
          [2, 'b'],
        ],
        kept: [2, 'b'],
      },
      {
        name: 'an earlier sighting told later changes nothing',
        calls: [
          [2, 'b'],
          [1, 'a'],
        ],
        kept: [2, 'b'],
      },
      {
        name: 'of two at the same time the first by name stays',
        calls: [
          [1, 'b'],
          [1, 'a'],
          [1, 'c'],
        ],
        kept: [1, 'a'],
      },
    ] as const)('$name', async ({ calls, kept }) => {
      for (const [at, where] of calls) await memory.rememberInUse(registry, [sighting(1, where)], at)
      expect((await memory.seenInUse(registry, 0)).get(digest(1))).toMatchObject({
        lastSeenAt: kept[0],
        where: kept[1],
      })
    })

    it('gives the very first inventory no sightings, and later arrivals the time of theirs', async () => {
      await memory.rememberListed(registry, repository, [digest(1)], 10)
      expect(await memory.firstSightings(registry, repository)).toEqual(new Map())
      await memory.rememberListed(registry, repository, [digest(1), longDigest(2), longDigest(2)], 20)
      await memory.rememberListed(registry, repository, [digest(3), digest(1), longDigest(2)], 30)
      const expected = new Map([
        [longDigest(2), 20],
        [digest(3), 30],
      ])
      expect(await memory.firstSightings(registry, repository)).toEqual(expected)
      expect(await (await opened.reopen()).firstSightings(registry, repository)).toEqual(expected)
      expect(await memory.firstSightings(other, repository)).toEqual(new Map())
      expect(await memory.firstSightings(registry, 'team' as RepositoryName)).toEqual(new Map())
    })

    it('counts an empty first inventory as one: what comes later was not there', async () => {
      await memory.rememberListed(registry, repository, [], 10)
      await memory.rememberListed(registry, repository, [digest(1)], 20)
      expect(await memory.firstSightings(registry, repository)).toEqual(new Map([[digest(1), 20]]))
    })

    it('takes a digest that was gone and came back for new', async () => {
      await memory.rememberListed(registry, repository, [digest(1)], 10)
      await memory.rememberListed(registry, repository, [], 20)
      await memory.rememberListed(registry, repository, [digest(1)], 30)
      expect(await memory.firstSightings(registry, repository)).toEqual(new Map([[digest(1), 30]]))
    })

    it('learns nothing from an inventory older than the newest one', async () => {
      await memory.rememberListed(registry, repository, [digest(1)], 10)
      await memory.rememberListed(registry, repository, [digest(1), digest(2)], 30)
      await memory.rememberListed(registry, repository, [digest(3)], 20)
      await memory.rememberListed(registry, repository, [digest(1), digest(2)], 40)
      expect(await memory.firstSightings(registry, repository)).toEqual(new Map([[digest(2), 30]]))
    })

    it('keeps the last answer of a source', async () => {
      const first = { at: 1, identity: undefined, objects: 0, pods: undefined, references: 0 }
      const second = { at: 2, identity: 'uid', objects: 5, pods: 0, references: 9 }
      expect(await memory.lastSnapshot('kubernetes:eu')).toBeUndefined()
      await memory.rememberSnapshot('kubernetes:eu', first)
      expect(await memory.lastSnapshot('kubernetes:eu')).toEqual(first)
      await memory.rememberSnapshot('kubernetes:eu', second)
      expect(await (await opened.reopen()).lastSnapshot('kubernetes:eu')).toEqual(second)
      expect(await memory.lastSnapshot('kubernetes:e')).toBeUndefined()
    })

    it('keeps the newest push of each digest of a repository', async () => {
      const push = (n: number, at: number, where = repository) => ({
        repository: where,
        digest: digest(n),
        at,
      })
      await memory.rememberPushes(registry, [
        push(1, 5),
        push(1, 3),
        push(2, 4),
        push(3, 1, 'x' as RepositoryName),
      ])
      await memory.rememberPushes(registry, [push(2, 9)])
      const expected = new Map([
        [digest(1), 5],
        [digest(2), 9],
      ])
      expect(await (await opened.reopen()).recordedPushes(registry, repository)).toEqual(expected)
      expect(await memory.recordedPushes(other, repository)).toEqual(new Map())
    })
  })
}
