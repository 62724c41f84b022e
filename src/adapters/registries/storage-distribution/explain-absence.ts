/**
 * Whether sweeps explain that a bucket has no blobs.
 *
 * A folder keeps the folders of its blobs when they are set aside; in a bucket nothing is left of them, and it looks like
 * the wrong one, or like a prefix that somebody emptied. It is whole all the same where the journal that lies in the same
 * bucket knows every manifest that is linked: then what is needed lies in quarantine, or nothing is.
 */
import type { Digest } from '../../../core/image/digest.ts'
import { LINK_BYTES_MAX, parseLink, parseRepositoryKey } from '../../../core/sweep/distribution-keys.ts'
import type { ListableStore } from '../../../ports/listable-store.ts'
import type { TakenAway } from '../../../ports/readable-layout.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { blobsFolder, repositoriesFolder } from './layout.ts'

/** Reads the names of all links, which are those of what is gone. */
export async function isSweptEmpty(
  store: ListableStore,
  taken: TakenAway,
  options?: RunOptions,
): Promise<boolean> {
  if (!taken.isAnything || ((await store.list(blobsFolder, options)) ?? []).length > 0) return false
  let hasLayers = false
  let isLayerKnown = false
  const prefix = `${repositoriesFolder}/`
  for await (const files of store.listAll(prefix, options)) {
    for (const { key } of files) {
      const link = parseRepositoryKey(key.slice(prefix.length))
      if (link?.kind === 'layer') {
        hasLayers = true
        isLayerKnown ||= link.digest !== undefined && taken.has(link.digest)
      }
      if (link?.kind !== 'revision' && link?.kind !== 'tag') continue
      const manifest = link.kind === 'revision' ? link.digest : await readTarget(store, key, options)
      // Something is needed whose bytes went another way.
      if (manifest === undefined || !taken.has(manifest)) return false
    }
  }
  // The same goes for layers, but a link may also be left over from before the first sweep.
  return isLayerKnown || !hasLayers
}

async function readTarget(
  store: ListableStore,
  key: string,
  options: RunOptions | undefined,
): Promise<Digest | undefined> {
  const file = await store.read(key, LINK_BYTES_MAX, options)
  const content = file && parseLink(file.bytes)
  return content?.kind === 'digest' ? content.digest : undefined
}
