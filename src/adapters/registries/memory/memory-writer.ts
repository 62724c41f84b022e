/** Changes the registry in memory, with the refusals its options ask for. */
import type { ChangeOutcome, MutableRegistry } from '../../../ports/mutable-registry.ts'
import { refused } from '../oci/refusals.ts'
import { begin } from './memory-reader.ts'
import type { MemoryRegistryState } from './state.ts'

export function createMemoryWriter(state: MemoryRegistryState): MutableRegistry {
  const { store, capabilities } = state
  return {
    name: state.name,
    untag: async (name, tag, options) => {
      await begin(state, options, { method: 'untag', repository: name, reference: tag })
      const refusal = standingRefusal(state)
      if (refusal !== undefined) return refusal
      if (!capabilities.deleteByTag) return refused('unsupported', 'This registry deletes by digest only.')
      return { kind: store.repository(name).tags.delete(tag) ? 'done' : 'absent' }
    },
    deleteManifest: async (name, digest, options) => {
      await begin(state, options, { method: 'deleteManifest', repository: name, reference: digest })
      const refusal = standingRefusal(state)
      if (refusal !== undefined) return refusal
      const repository = store.repository(name)
      if (capabilities.protectsChildren && repository.indexesOf(digest).length > 0) {
        return refused('referenced', `An index that stays names ${digest}.`)
      }
      return { kind: repository.remove(digest) ? 'done' : 'absent' }
    },
    putManifest: async (name, manifest, tag, options) => {
      await begin(state, options, {
        method: 'putManifest',
        repository: name,
        reference: tag ?? manifest.digest,
      })
      if (state.deletes === 'read-only') return refused('read-only', 'The registry is read-only now.')
      const repository = store.repository(name)
      const wasThere = repository.manifests.has(manifest.digest)
      const digest = repository.putManifest(
        manifest.bytes,
        manifest.mediaType,
        undefined,
        state.now(),
        manifest.digest,
      )
      const facts = repository.manifests.get(digest)?.facts
      const missing = facts === undefined ? [] : repository.missingFor(facts)
      if (missing.length > 0) {
        if (!wasThere) repository.remove(digest)
        return refused('missing-blob', `The registry no longer has what it refers to: ${missing.join(', ')}.`)
      }
      if (tag !== undefined) repository.tags.set(tag, { digest, pushedAt: state.now() })
      return { kind: 'done' }
    },
  }
}

function standingRefusal({ deletes }: MemoryRegistryState): ChangeOutcome | undefined {
  if (deletes === 'disabled')
    return refused('disabled', 'Deletion is switched off. Make the registry with deletes: yes.')
  return deletes === 'read-only' ? refused('read-only', 'The registry is read-only now.') : undefined
}
