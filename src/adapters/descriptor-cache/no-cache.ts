/** A registry without a descriptor cache, by the word of whoever runs it: it asks its storage every time. */
import type { DescriptorCache } from '../../ports/descriptor-cache.ts'

export function createNoCache(): DescriptorCache {
  return {
    kind: 'none',
    forget: async () => {},
    afterSetAside: async () => {},
    gate: async () => ({
      kind: 'open',
      setAsideBefore: Infinity,
      because: 'the configuration says that the registry has no descriptor cache',
    }),
  }
}
