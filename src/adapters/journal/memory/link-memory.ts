/** Links from images to commits, kept in memory: for tests and for trials that leave nothing behind. */
import type { RegistryName } from '../../../core/image/names.ts'
import type { LinkMemory, RememberedLink } from '../../../ports/link-memory.ts'

export function createMemoryLinkMemory(): LinkMemory {
  const registries = new Map<RegistryName, Map<string, RememberedLink>>()
  return {
    async rememberLinks(registry, repository, links, at) {
      const known = registries.get(registry) ?? new Map<string, RememberedLink>()
      registries.set(registry, known)
      return links.map(({ subject, commit, source, ref }) => {
        const key = `${repository} ${subject} ${commit}`
        const isNew = !known.has(key)
        if (isNew) known.set(key, { repository, subject, commit, source, ref, at })
        return isNew
      })
    },
    async rememberedLinks(registry) {
      return [...(registries.get(registry)?.values() ?? [])]
    },
  }
}
