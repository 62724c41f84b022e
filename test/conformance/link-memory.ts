/** What every memory of links must do. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FoundLink } from '../../src/core/git/link-record.ts'
import type { RegistryName, RepositoryName } from '../../src/core/image/names.ts'
import type { LinkMemory } from '../../src/ports/link-memory.ts'
import { digest, longDigest, registry, repository, type Opened } from './journal-store.ts'

const one = '1'.repeat(40)
const two = '2'.repeat(64)

function link(subject: FoundLink['subject'], commit: string, rest: Partial<FoundLink> = {}): FoundLink {
  return { subject, commit, source: undefined, ref: undefined, ...rest }
}

export function linkMemoryConformance(name: string, open: () => Promise<Opened<LinkMemory>>): void {
  describe(`link memory: ${name}`, () => {
    let opened: Opened<LinkMemory>
    let memory: LinkMemory
    beforeEach(async () => {
      opened = await open()
      memory = opened.store
    })
    afterEach(() => opened.close())

    it('keeps every commit of an image, with what was said of it', async () => {
      const links = [
        link(digest(1), one, { source: 'https://git.example.com/app', ref: 'größe/\u0000' }),
        link(digest(1), two),
        link(longDigest(2), one),
      ]
      expect(await memory.rememberLinks(registry, repository, links, 7)).toEqual([true, true, true])
      const remembered = await (await opened.reopen()).rememberedLinks(registry)
      expect(remembered).toHaveLength(3)
      expect(remembered).toEqual(
        expect.arrayContaining(links.map((each) => ({ ...each, repository, at: 7 }))),
      )
    })

    it('leaves a link that is known as it was told first, and says that it is not new', async () => {
      await memory.rememberLinks(registry, repository, [link(digest(1), one, { ref: 'main' })], 1)
      const again = [link(digest(1), one, { ref: 'other' }), link(digest(1), two)]
      expect(await memory.rememberLinks(registry, repository, again, 2)).toEqual([false, true])
      const remembered = await memory.rememberedLinks(registry)
      const told = new Map(remembered.map(({ commit, ref, at }) => [commit, [ref, at]]))
      expect(told).toEqual(
        new Map<string, unknown>([
          [one, ['main', 1]],
          [two, [undefined, 2]],
        ]),
      )
    })

    it('keeps repositories and registries apart', async () => {
      const other = 'team' as RepositoryName
      await memory.rememberLinks(registry, repository, [link(digest(1), one)], 1)
      expect(await memory.rememberLinks(registry, other, [link(digest(1), one)], 2)).toEqual([true])
      const places = (await memory.rememberedLinks(registry)).map((each) => each.repository)
      expect(places.toSorted()).toEqual([other, repository])
      expect(await memory.rememberedLinks('lab' as RegistryName)).toEqual([])
    })
  })
}
