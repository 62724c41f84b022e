/** What must hold of the simulated storage, by an account that shares no code with the sweep. */
import type { MemoryStore } from '../../builders/memory-store.ts'
import { manifestOf, partsOf, type Manifest } from './content.ts'
import { dataKey, type SimulatedRegistry } from './simulated-registry.ts'
import { base, layer, revision } from '../../builders/listed-links.ts'

const blobs = 'docker/registry/v2/blobs/'

/** Blobs of accepted manifests whose bytes are nowhere, neither in place nor set aside. */
export function lostOf({ store, live }: SimulatedRegistry): readonly string[] {
  const kept = new Set(
    [...store.files.keys()].map((key) =>
      key.split('/').at(-1) === 'data' ? key.split('/').at(-2) : key.split('/').at(-1),
    ),
  )
  return [...live.values()].flatMap(({ repository, manifest }) =>
    partsOf(manifest)
      .filter((digest) => !kept.has(digest.slice('sha256:'.length)))
      .map((digest) => `${digest} of ${manifest.digest} in ${repository} is lost`),
  )
}

/** What whoever pulls accepted manifests would miss. */
export function missingOf({ store, live }: SimulatedRegistry): readonly string[] {
  return [...live.values()].flatMap(({ repository, manifest }) => {
    const absent = partsOf(manifest).filter((digest) => !store.files.has(dataKey(digest)))
    const links = manifest.blobs.filter(({ digest }) => !store.files.has(layer(repository, digest)))
    const isLinked = store.files.has(revision(repository, manifest.digest))
    return [
      ...absent.map((digest) => `${digest} of ${manifest.digest} in ${repository} is not in place`),
      ...links.map(({ digest }) => `${repository} has no link to ${digest} of ${manifest.digest}`),
      ...(isLinked ? [] : [`${repository} has no link to the manifest ${manifest.digest}`]),
    ]
  })
}

/** Blobs that are in place and that no link needs. */
export function garbageOf(store: MemoryStore): readonly string[] {
  const needed = new Set<string>()
  const visit = (manifest: Manifest | undefined): void => {
    if (manifest === undefined || needed.has(manifest.digest)) return
    needed.add(manifest.digest)
    for (const { digest } of manifest.blobs) needed.add(digest)
    for (const child of manifest.children) visit(child)
    visit(manifest.subject)
  }
  for (const [key, { bytes }] of store.files) {
    if (!key.startsWith(`${base}/`)) continue
    const isRoot = key.includes('/_manifests/revisions/') || key.endsWith('/current/link')
    if (isRoot) visit(manifestOf(Buffer.from(bytes).toString()))
  }
  return [...store.files.keys()]
    .filter((key) => key.startsWith(blobs))
    .map((key) => `sha256:${key.split('/').at(-2)}`)
    .filter((digest) => !needed.has(digest))
    .map((digest) => `${digest} is garbage, and was left`)
}

/** What is still set aside. */
export function asideOf(store: MemoryStore): readonly string[] {
  return [...store.files.keys()]
    .filter((key) => key.startsWith('.winnow/quarantine/'))
    .map((key) => `${key} was left`)
}

/** Everything outside of Winnow's own corner: key and content. */
export function treeOf(store: MemoryStore): ReadonlyMap<string, string> {
  return new Map(
    [...store.files]
      .filter(([key]) => !key.startsWith('.winnow/'))
      .map(([key, { bytes }]) => [key, Buffer.from(bytes).toString('hex')]),
  )
}
