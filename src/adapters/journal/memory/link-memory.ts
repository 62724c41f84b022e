/** Links from images to commits, kept in memory: for tests and for trials that leave nothing behind. */
import type { LinkMemory, RememberedLink } from '../../../ports/link-memory.ts'

export function createMemoryLinkMemory(): LinkMemory {
  const repositories = new Map<string, Map<string, RememberedLink>>()
  return {
    async rememberLinks(registry, repository, links, at) {
      const key = JSON.stringify([registry, repository])
      const known = repositories.get(key) ?? new Map<string, RememberedLink>()
      repositories.set(key, known)
      return links.map(({ subject, commit, source, ref }) => {
        const name = `${subject} ${commit}`
        const isNew = !known.has(name)
        if (isNew) known.set(name, { subject, commit, source, ref, at })
        return isNew
      })
    },
    async rememberedLinks(registry, repository) {
      const known =
        repositories.get(JSON.stringify([registry, repository])) ?? new Map<string, RememberedLink>()
      return [...known].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, link]) => link)
    },
  }
}
