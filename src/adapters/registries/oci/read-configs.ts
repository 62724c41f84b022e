/** Reads the configs of images: when they were built, for what platform, and their labels. */
import type { Digest } from '../../../core/image/digest.ts'
import type { ConfigFacts } from '../../../core/image/manifest.ts'
import { isImageConfigType } from '../../../core/image/media-types.ts'
import { parseConfig } from '../../../core/image/parse-manifest.ts'
import { fetchBlob } from './manifests.ts'
import { mapParallel } from './parallel.ts'
import type { Findings, RepositoryReading } from './findings.ts'

const BATCH = 500

export interface ReadConfigs {
  readonly facts: ReadonlyMap<Digest, ConfigFacts>
  /** Certainly gone: the images they belong to can be neither pulled nor put back. */
  readonly gone: ReadonlySet<Digest>
}

/** Configs by digest; of images that the registry dates only where they are wanted. A config that is gone is a remark; one that cannot be read leaves the repository incomplete. */
export async function readConfigs(reading: RepositoryReading, findings: Findings): Promise<ReadConfigs> {
  const { cache, concurrency } = reading
  const dated = reading.readConfigs ? new Set<Digest>() : datedByListing(findings)
  const undated = [...findings.facts.values()].filter(({ digest }) => !dated.has(digest))
  const wanted = [...new Set(undated.flatMap((manifest) => imageConfigOf(manifest)))]
  const facts = new Map<Digest, ConfigFacts>()
  const gone = new Set<Digest>()
  for (let start = 0; start < wanted.length; start += BATCH) {
    const batch = wanted.slice(start, start + BATCH)
    const cached = await cache.configs(batch)
    for (const config of cached.values()) facts.set(config.digest, config)
    const missing = batch.filter((digest) => !cached.has(digest))
    const read = (
      await mapParallel(missing, concurrency, (digest) => readConfig(reading, findings, digest, gone))
    ).flat()
    for (const config of read) facts.set(config.digest, config)
    await cache.putConfigs(read)
  }
  return { facts, gone }
}

/** Manifests whose upload time the registry tells, and the parts of such indexes: nobody asks when they were built. */
function datedByListing({ facts, tags, knownManifests, knownTags }: Findings): ReadonlySet<Digest> {
  const isDated = (digest: Digest): boolean =>
    knownManifests.get(digest)?.pushedAt !== undefined ||
    (tags.get(digest) ?? []).some((tag) => knownTags.get(tag)?.pushedAt !== undefined)
  const dated = new Set([...facts.keys()].filter(isDated))
  // A set visits what is added while it is walked.
  for (const digest of dated) for (const child of facts.get(digest)?.children ?? []) dated.add(child.digest)
  return dated
}

function imageConfigOf({
  config,
  configMediaType,
}: {
  readonly config: { readonly digest: Digest } | undefined
  readonly configMediaType: string | undefined
}): readonly Digest[] {
  return config !== undefined && isImageConfigType(configMediaType) ? [config.digest] : []
}

async function readConfig(
  { connection, repository, options, onRead }: RepositoryReading,
  findings: Findings,
  digest: Digest,
  gone: Set<Digest>,
): Promise<readonly ConfigFacts[]> {
  try {
    const bytes = await fetchBlob(connection, repository, digest, options)
    onRead(1)
    if (bytes !== undefined) return [parseConfig(bytes, digest)]
    gone.add(digest)
    findings.remark(`The config ${digest} is referred to and not there.`)
  } catch (error) {
    findings.fail(`The config ${digest}`, error)
  }
  return []
}
