/**
 * What the linked manifests and their configs say, from the cache where it knows them, else from verified bytes.
 *
 * Facts are immutable, their bytes are not: even for a manifest the cache knows, the file is looked at, because one
 * that is gone is no image any more.
 */
import pLimit from 'p-limit'
import type { Digest } from '../../../core/image/digest.ts'
import type { ConfigFacts, ManifestFacts } from '../../../core/image/manifest.ts'
import { isImageConfigType } from '../../../core/image/media-types.ts'
import { MANIFEST_BYTES_MAX, parseConfig, parseManifest } from '../../../core/image/parse-manifest.ts'
import type { ManifestCache } from '../../../ports/manifest-cache.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { Findings } from './findings.ts'
import { blobKey } from './layout.ts'
import { readVerified, type Source } from './read-content.ts'

const READS_AT_ONCE = 32
/** Real configs have a few kilobytes; what is longer is an artifact's and has no date for us. */
const CONFIG_BYTES_MAX = 8 * 1024 * 1024

export interface ManifestPlace {
  readonly digest: Digest
  /** Where the bytes may lie beside their own place. */
  readonly alias: Digest | undefined
}

/** Facts by digest; a digest whose bytes are gone is left out, one that cannot be read is a fault. */
export async function readManifestFacts(
  source: Source,
  cache: ManifestCache,
  places: readonly ManifestPlace[],
  findings: Findings,
  options: RunOptions | undefined,
): Promise<ReadonlyMap<Digest, ManifestFacts>> {
  const known = await cache.manifests(places.map(({ digest }) => digest))
  const fresh: ManifestFacts[] = []
  const limit = pLimit(READS_AT_ONCE)
  const read = async ({ digest, alias }: ManifestPlace): Promise<ManifestFacts | undefined> => {
    const cached = known.get(digest)
    if (cached !== undefined && (await isStored(source, cached, alias, options))) return cached
    const bytes = await readVerified(source, digest, { alias, bytesMax: MANIFEST_BYTES_MAX }, options)
    if (bytes === undefined) return undefined
    const facts = parseManifest(bytes, undefined, digest)
    fresh.push(facts)
    return facts
  }
  const all = await Promise.all(places.map((place) => limit(() => findings.attempt(() => read(place)))))
  if (fresh.length > 0) await cache.putManifests(fresh.toSorted(byDigest))
  return byTheirDigest(all)
}

/** Facts of the image configs these manifests name; what is gone or belongs to no image is left out. */
export async function readConfigFacts(
  source: Source,
  cache: ManifestCache,
  manifests: Iterable<ManifestFacts>,
  findings: Findings,
  options: RunOptions | undefined,
): Promise<ReadonlyMap<Digest, ConfigFacts>> {
  const wanted = new Set<Digest>()
  for (const { config, configMediaType } of manifests) {
    if (config !== undefined && isImageConfigType(configMediaType)) wanted.add(config.digest)
  }
  const known = await cache.configs([...wanted])
  const fresh: ConfigFacts[] = []
  const limit = pLimit(READS_AT_ONCE)
  const read = async (digest: Digest): Promise<ConfigFacts | undefined> => {
    const bytes = await readVerified(source, digest, { bytesMax: CONFIG_BYTES_MAX }, options)
    if (bytes === undefined) {
      findings.remark(
        `The config ${digest} is gone from the storage, so an image cannot be pulled and has no build date.`,
      )
      return undefined
    }
    const facts = parseConfig(bytes, digest)
    fresh.push(facts)
    return facts
  }
  const unknown = [...wanted].filter((digest) => !known.has(digest))
  const answers = await Promise.all(
    unknown.map((digest) => limit(() => findings.attempt(() => read(digest)))),
  )
  if (fresh.length > 0) await cache.putConfigs(fresh.toSorted(byDigest))
  return byTheirDigest([...known.values(), ...answers])
}

async function isStored(
  source: Source,
  facts: ManifestFacts,
  alias: Digest | undefined,
  options: RunOptions | undefined,
): Promise<boolean> {
  // Another size means a file that was damaged since; it is then read and verified like an unknown one.
  const own = await source.store.stat(blobKey(facts.digest), options)
  if (own !== undefined || alias === undefined) return own?.sizeBytes === facts.sizeBytes
  return (await source.store.stat(blobKey(alias), options))?.sizeBytes === facts.sizeBytes
}

function byTheirDigest<T extends { readonly digest: Digest }>(
  all: readonly (T | undefined)[],
): ReadonlyMap<Digest, T> {
  return new Map(all.flatMap((facts) => (facts === undefined ? [] : [[facts.digest, facts]])))
}

function byDigest(a: { readonly digest: Digest }, b: { readonly digest: Digest }): number {
  return a.digest < b.digest ? -1 : 1
}
