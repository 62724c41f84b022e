/** Random content for layouts of any kind, with what is needed of it known beforehand. */
import { makeImage, makeIndex, type MadeBlob } from './trow-trees.ts'

/** Images that share layers, some in indexes, some with referrers; what is named is drawn, and known. */
export interface World {
  readonly stored: readonly MadeBlob[]
  readonly roots: readonly MadeBlob[]
  readonly unneeded: readonly string[]
}

export function drawWorld(seed: number): World {
  const random = randomFrom(seed)
  const images = Array.from({ length: 12 }, (_, i) => {
    const layers = Array.from({ length: 3 }, () => `layer ${Math.floor(random() * 20)}`)
    return makeImage(`image ${i}`, [...new Set(layers)])
  })
  const needs = new Map<string, readonly MadeBlob[]>()
  for (const { manifest, blobs } of images) needs.set(manifest.digest, blobs)
  const signatures = images.slice(0, 4).map(({ manifest }, i) => {
    const signature = makeImage(`signature ${i}`, [`signed ${i}`], manifest)
    needs.set(signature.manifest.digest, [...signature.blobs, manifest])
    return signature
  })
  const indexes = [0, 4, 8].map((from) => {
    const children = images.slice(from, from + 3).map(({ manifest }) => manifest)
    const index = makeIndex(children)
    needs.set(index.digest, children)
    return index
  })
  const outer = makeIndex(indexes.slice(0, 2))
  needs.set(outer.digest, indexes.slice(0, 2))
  const all = [...images, ...signatures]
  const manifests = [...all.map(({ manifest }) => manifest), ...indexes, outer]
  const stored = [
    ...new Map([...manifests, ...all.flatMap(({ blobs }) => blobs)].map((b) => [b.digest, b])).values(),
  ]
  const roots = manifests.filter(() => random() < 0.25)
  const needed = new Set<string>()
  const waiting: MadeBlob[] = [...roots]
  for (let blob = waiting.pop(); blob !== undefined; blob = waiting.pop()) {
    needed.add(blob.digest)
    waiting.push(...(needs.get(blob.digest) ?? []))
  }
  const unneeded = stored.map(({ digest }) => digest).filter((digest) => !needed.has(digest))
  return { stored, roots, unneeded: unneeded.toSorted() }
}

/** mulberry32: small, and the same everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed + 0x6d2b79f5
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
