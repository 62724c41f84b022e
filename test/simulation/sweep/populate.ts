/** What lies in the simulated storage before the history begins: old images, and what deletions left of others. */
import type { Random } from '../../oracle/random.ts'
import { base, layer, revision, tag } from '../../builders/listed-links.ts'
import { lastRepository, manifests, repositories, type Manifest } from './content.ts'
import { dataKey, type SimulatedRegistry } from './simulated-registry.ts'

export function populate(random: Random, { store, live }: SimulatedRegistry, at: number): void {
  const put = (repository: string, manifest: Manifest, isLive: boolean): void => {
    for (const child of manifest.children) put(repository, child, isLive)
    for (const { digest, bytes } of manifest.blobs) {
      store.put(dataKey(digest), bytes, at)
      store.put(layer(repository, digest), digest, at)
    }
    store.put(dataKey(manifest.digest), manifest.bytes, at)
    if (!isLive) return
    store.put(revision(repository, manifest.digest), manifest.digest, at)
    live.set(`${repository} ${manifest.digest}`, { repository, manifest })
  }
  for (const repository of repositories) {
    const isEmpty = random.chance(0.3)
    for (const manifest of random.some(manifests, 0, 4)) {
      const isLive = !isEmpty && random.chance(0.6)
      put(repository, manifest, isLive)
      if (isLive && random.chance(0.5)) store.put(tag(repository, 'a'), manifest.digest, at)
    }
  }
  if (random.chance(0.5)) store.put(`${base}/team/lib/_uploads/old/data`, 'half', at)
  const [stray] = random.some(manifests, 1, 1)
  if (stray !== undefined && random.chance(0.3)) store.put(layer('team/lib', stray.digest), stray.digest, at)
  const [first] = manifests
  if (first !== undefined) put(lastRepository, first, true)
}
