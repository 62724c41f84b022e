/** Reads the registry in memory under the same contract as one over the network. */
import { attachedTo } from '../../../core/image/attached-tags.ts'
import type { Digest } from '../../../core/image/digest.ts'
import { InterruptedError } from '../../../core/errors/errors.ts'
import { isImageConfigType } from '../../../core/image/media-types.ts'
import type { RepositoryName } from '../../../core/image/names.ts'
import { parseConfig } from '../../../core/image/parse-manifest.ts'
import type { ManifestRecord, RepositoryInventory } from '../../../core/inventory/inventory.ts'
import { recordManifest } from '../../../core/inventory/manifest-record.ts'
import type { ReadableRegistry } from '../../../ports/readable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { MemoryCall, MemoryRegistryState } from './state.ts'
import type { StoredManifest, StoredRepository } from './store.ts'

export function createMemoryReader(state: MemoryRegistryState): ReadableRegistry {
  const { store } = state
  return {
    name: state.name,
    capabilities: async (options) => {
      refuseWhenHalted(options)
      return state.capabilities
    },
    listRepositories: async (options) => {
      refuseWhenStopped(options)
      await begin(state, options, { method: 'listRepositories', repository: undefined, reference: undefined })
      return [...store.repositories.keys()]
    },
    readRepository: async (repository, options) => {
      refuseWhenStopped(options)
      await begin(state, options, { method: 'readRepository', repository, reference: undefined })
      return inventoryOf(state, repository)
    },
    resolveTag: async (repository, tag, options) => {
      await begin(state, options, { method: 'resolveTag', repository, reference: tag })
      return store.repositories.get(repository)?.tags.get(tag)?.digest
    },
    readManifest: async (repository, digest, options) => {
      await begin(state, options, { method: 'readManifest', repository, reference: digest })
      const found = store.repositories.get(repository)?.manifests.get(digest)
      return found && { digest, mediaType: found.facts.mediaType, bytes: found.bytes }
    },
    hasBlob: async (repository, digest, options) => {
      await begin(state, options, { method: 'hasBlob', repository, reference: digest })
      return store.repositories.get(repository)?.blobs.has(digest) ?? false
    },
  }
}

/** Announces a call; a run that was halted before or meanwhile does not go on. */
export async function begin(
  state: MemoryRegistryState,
  options: RunOptions | undefined,
  call: MemoryCall,
): Promise<void> {
  refuseWhenHalted(options)
  await state.onCall(call)
  refuseWhenHalted(options)
}

function refuseWhenHalted(options: RunOptions | undefined): void {
  if (options?.signal?.aborted === true) throw new InterruptedError()
}

// Only what takes long heeds `stop`; a single step that began is finished.
function refuseWhenStopped(options: RunOptions | undefined): void {
  if (options?.stop?.aborted === true) throw new InterruptedError()
}

function inventoryOf(
  { store, capabilities }: MemoryRegistryState,
  name: RepositoryName,
): RepositoryInventory {
  const repository = store.repositories.get(name)
  if (repository === undefined) return { name, complete: true, problems: [], manifests: [] }
  const visible = capabilities.listsUntagged
    ? new Set(repository.manifests.keys())
    : reachableFromTags(repository, capabilities.referrersApi)
  const manifests = [...repository.manifests.values()]
    .filter(({ facts }) => visible.has(facts.digest))
    .map((manifest) => recordOf(repository, manifest, capabilities.pushTime))
    .toSorted((a, b) => (a.digest < b.digest ? -1 : 1))
  const gone = [...visible].filter((digest) => !repository.manifests.has(digest))
  return {
    name,
    complete: true,
    problems: gone.map((digest) => `The manifest ${digest} is referred to and not there.`),
    manifests,
  }
}

function reachableFromTags(repository: StoredRepository, referrersApi: boolean): ReadonlySet<Digest> {
  const pending = [...repository.tags].flatMap(([name, { digest }]) => [
    digest,
    ...[attachedTo(name) ?? []].flat(),
  ])
  const seen = new Set<Digest>()
  for (let digest = pending.pop(); digest !== undefined; digest = pending.pop()) {
    const facts = repository.manifests.get(digest)?.facts
    if (seen.has(digest)) continue
    seen.add(digest)
    pending.push(...(facts?.children ?? []).map((child) => child.digest))
    if (facts?.subject !== undefined && repository.manifests.has(facts.subject)) pending.push(facts.subject)
    if (referrersApi) pending.push(...repository.referrersOf(digest))
  }
  return seen
}

function recordOf(
  repository: StoredRepository,
  { facts, pushedAt }: StoredManifest,
  pushTime: boolean,
): ManifestRecord {
  const configBytes =
    facts.config && isImageConfigType(facts.configMediaType)
      ? repository.blobs.get(facts.config.digest)
      : undefined
  const config = facts.config && configBytes && parseConfig(configBytes, facts.config.digest)
  const tags = repository.tagsOf(facts.digest).map((name) => ({
    name,
    pushedAt: pushTime ? repository.tags.get(name)?.pushedAt : undefined,
    pulledAt: undefined,
  }))
  const platform = repository
    .indexesOf(facts.digest)
    .toSorted((a, b) => (a.digest < b.digest ? -1 : 1))
    .flatMap(({ children }) =>
      children.flatMap((child) => (child.digest === facts.digest ? (child.platform ?? []) : [])),
    )[0]
  return recordManifest(facts, config, { tags, platform, pushedAt: pushTime ? pushedAt : undefined })
}
