/**
 * Images in use that the registry does not list, because they have lost their tags: `latest` was pushed again while the
 * old one runs on. What such an image holds must stay, so it is asked for by its digest and joins the inventory.
 */
import type { MissingReference } from '../core/evidence/resolve-evidence.ts'
import type { Digest } from '../core/image/digest.ts'
import type { RegistryName, RepositoryName } from '../core/image/names.ts'
import { parseManifest } from '../core/image/parse-manifest.ts'
import type { Inventory, ManifestRecord, RepositoryInventory } from '../core/inventory/inventory.ts'
import { recordManifest } from '../core/inventory/manifest-record.ts'
import { isOperationalError } from '../core/errors/is-operational.ts'
import type { ReadableRegistry } from '../ports/readable-registry.ts'
import type { RunOptions } from '../ports/run-options.ts'

/**
 * The inventories with the manifests that references in use name by digest and no list showed; the very same ones when
 * there are none. A repository where one of them cannot be read becomes incomplete, and loses nothing.
 *
 * @param missing as resolveEvidence told them for these inventories
 */
export async function withUnlistedInUse(
  inventories: readonly Inventory[],
  missing: readonly MissingReference[],
  readerOf: (registry: RegistryName) => ReadableRegistry | undefined,
  options: RunOptions,
): Promise<readonly Inventory[]> {
  const wanted = new Map<string, Set<Digest>>()
  for (const { registry, repository, digest, isRepositoryKnown } of missing) {
    if (digest === undefined || !isRepositoryKnown) continue
    const key = `${registry} ${repository}`
    wanted.set(key, (wanted.get(key) ?? new Set()).add(digest))
  }
  if (wanted.size === 0) return inventories
  const completed: Inventory[] = []
  for (const inventory of inventories) {
    const reader = readerOf(inventory.registry)
    const repositories: RepositoryInventory[] = []
    for (const repository of inventory.repositories) {
      const digests = wanted.get(`${inventory.registry} ${repository.name}`)
      repositories.push(
        reader === undefined || digests === undefined
          ? repository
          : await withManifests(repository, digests, reader, options),
      )
    }
    completed.push({ ...inventory, repositories })
  }
  return completed
}

async function withManifests(
  repository: RepositoryInventory,
  digests: ReadonlySet<Digest>,
  reader: ReadableRegistry,
  options: RunOptions,
): Promise<RepositoryInventory> {
  const known = new Set(repository.manifests.map(({ digest }) => digest))
  const found: ManifestRecord[] = []
  const pending = [...digests]
  try {
    for (let digest = pending.pop(); digest !== undefined; digest = pending.pop()) {
      if (known.has(digest)) continue
      known.add(digest)
      const record = await readRecord(repository.name, digest, reader, options)
      if (record === undefined) continue
      found.push(record)
      pending.push(...record.children)
    }
  } catch (error) {
    if (!isOperationalError(error) || error.category === 'interrupted') throw error
    if (options.signal?.aborted === true) throw error
    const problem = `An image in use that has no tag could not be read: ${error.message}`
    return { ...repository, complete: false, problems: [...repository.problems, problem] }
  }
  if (found.length === 0) return repository
  const manifests = [...repository.manifests, ...found].sort((a, b) => (a.digest < b.digest ? -1 : 1))
  return { ...repository, manifests }
}

/** Its times are not asked for: it is in use, and stays by that. */
async function readRecord(
  repository: RepositoryName,
  digest: Digest,
  reader: ReadableRegistry,
  options: RunOptions,
): Promise<ManifestRecord | undefined> {
  const raw = await reader.readManifest(repository, digest, options)
  if (raw === undefined) return undefined
  return recordManifest(parseManifest(raw.bytes, raw.mediaType, digest), undefined, { tags: [] })
}
