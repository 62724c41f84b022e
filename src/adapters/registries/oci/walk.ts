/**
 * From the tagged manifests of a repository to everything that hangs on them: children, referrers, subjects.
 *
 * The cache is asked before the registry, in batches. Each manifest is read once, however many indexes name it.
 */
import { attachedTo } from '../../../core/image/attached-tags.ts'
import type { Digest } from '../../../core/image/digest.ts'
import type { ManifestFacts } from '../../../core/image/manifest.ts'
import { parseManifest } from '../../../core/image/parse-manifest.ts'
import type { RawManifest } from '../../../ports/readable-registry.ts'
import { RepositoryTooLargeError } from './errors.ts'
import type { Findings, RepositoryReading } from './findings.ts'
import { fetchManifest, hasManifest } from './manifests.ts'
import { mapParallel } from './parallel.ts'
import { listReferrers } from './referrers.ts'

const MANIFESTS_MAX = 1_000_000
/** Indexes in indexes and referrers of referrers; real ones have three or four levels. */
const LEVELS_MAX = 100
/** So many manifests are looked up and stored at a time. */
const BATCH = 500

/** From the tagged manifests to everything that hangs on them, or that they hang on. */
export async function walk(reading: RepositoryReading, findings: Findings): Promise<void> {
  const asked = new Set<Digest>()
  let wanted: readonly Digest[] = [...new Set([...findings.tags.keys(), ...findings.knownManifests.keys()])]
  for (let level = 0; ; level += 1) {
    if (level > LEVELS_MAX)
      throw new RepositoryTooLargeError(reading.repository, `nests deeper than ${LEVELS_MAX} levels`)
    await readManifests(reading, findings, wanted)
    const fresh = [...findings.facts.values()].filter(({ digest }) => !asked.has(digest))
    for (const { digest } of fresh) asked.add(digest)
    const below = fresh.flatMap(({ children }) => children.map(({ digest }) => digest))
    const referrers = await referrersOf(reading, findings, fresh)
    wanted = unknownOf(findings, [...below, ...referrers])
    // Subjects come last, because most turn up as a tag or a child of one before.
    if (wanted.length === 0) wanted = await subjectsThere(reading, findings)
    if (wanted.length === 0) return
  }
}

async function readManifests(
  reading: RepositoryReading,
  findings: Findings,
  wanted: readonly Digest[],
): Promise<void> {
  const { cache, concurrency, repository } = reading
  for (let start = 0; start < wanted.length; start += BATCH) {
    const batch = unknownOf(findings, wanted.slice(start, start + BATCH))
    if (findings.facts.size + batch.length > MANIFESTS_MAX) {
      throw new RepositoryTooLargeError(repository, `has more than ${MANIFESTS_MAX} manifests`)
    }
    const cached = await cache.manifests(batch)
    for (const facts of cached.values()) findings.facts.set(facts.digest, facts)
    const missing = batch.filter((digest) => !cached.has(digest))
    const together = await readTogether(reading, findings, missing)
    const left = unknownOf(findings, missing)
    const read = [...together]
    try {
      await mapParallel(left, concurrency, async (digest) => {
        read.push(...(await readManifest(reading, findings, digest)))
      })
    } finally {
      // A registry that stops answering need not be asked again for what came: some count each reading as a pull.
      await cache.putManifests(read)
    }
  }
}

/** Those that the registry gives out many at a time; what it leaves out is asked for one by one. */
async function readTogether(
  { listing, repository, options, onRead }: RepositoryReading,
  findings: Findings,
  digests: readonly Digest[],
): Promise<readonly ManifestFacts[]> {
  if (listing?.readManifests === undefined || digests.length === 0) return []
  const manifests = await listing.readManifests(repository, digests, options)
  onRead(manifests.length)
  return manifests.flatMap((manifest) => noteManifest(findings, manifest))
}

async function readManifest(
  { connection, listing, repository, options, onRead }: RepositoryReading,
  findings: Findings,
  digest: Digest,
): Promise<readonly ManifestFacts[]> {
  try {
    const manifest =
      listing?.readManifest === undefined
        ? await fetchManifest(connection, repository, digest, options)
        : await listing.readManifest(repository, digest, options)
    onRead(1)
    if (manifest !== undefined) return noteManifest(findings, manifest)
    findings.gone.add(digest)
    findings.remark(`The manifest ${digest} is referred to and not there.`)
  } catch (error) {
    findings.fail(`The manifest ${digest}`, error)
    findings.unreadable.add(digest)
  }
  return []
}

/** Notes what a manifest says; one that cannot be understood is a problem. Answers with what is worth caching. */
export function noteManifest(
  findings: Findings,
  { bytes, mediaType, digest }: RawManifest,
): readonly ManifestFacts[] {
  try {
    const facts = parseManifest(bytes, mediaType, digest)
    findings.facts.set(digest, facts)
    return [facts]
  } catch (error) {
    findings.fail(`The manifest ${digest}`, error)
    findings.unreadable.add(digest)
    return []
  }
}

async function referrersOf(
  reading: RepositoryReading,
  findings: Findings,
  of: readonly ManifestFacts[],
): Promise<readonly Digest[]> {
  const { connection, repository, concurrency, options } = reading
  if (of.length === 0 || findings.isExhaustive || !(await hasReferrersApi(reading, findings))) return []
  const lists = await mapParallel(of, concurrency, async ({ digest }) => {
    try {
      return await listReferrers(connection, repository, digest, options)
    } catch (error) {
      findings.fail(`The referrers of ${digest}`, error)
      return []
    }
  })
  return lists.flat()
}

async function hasReferrersApi(reading: RepositoryReading, findings: Findings): Promise<boolean> {
  try {
    return await reading.hasReferrersApi()
  } catch (error) {
    findings.fail('Whether there are referrers', error)
    return false
  }
}

/**
 * Subjects and holders of attached tags that no tag and no index led to: they may be there all the same, untagged.
 * Whether they are is asked each time, because what the cache remembers of a manifest does not say that it still exists.
 */
async function subjectsThere(reading: RepositoryReading, findings: Findings): Promise<readonly Digest[]> {
  const { connection, listing, repository, concurrency, options } = reading
  const named = [
    ...[...findings.facts.values()].flatMap(({ subject }) => subject ?? []),
    ...[...findings.tags.values()].flat().flatMap((tag) => attachedTo(tag) ?? []),
  ]
  const there = await mapParallel(unknownOf(findings, named), concurrency, async (digest) => {
    try {
      const isThere =
        listing?.readManifest === undefined
          ? await hasManifest(connection, repository, digest, options)
          : (await listing.readManifest(repository, digest, options)) !== undefined
      if (isThere) return [digest]
      findings.gone.add(digest)
    } catch (error) {
      findings.fail(`The manifest ${digest}`, error)
      findings.unreadable.add(digest)
    }
    return []
  })
  return there.flat()
}

function unknownOf(findings: Findings, digests: readonly Digest[]): readonly Digest[] {
  return [...new Set(digests)].filter((digest) => !findings.isKnown(digest))
}
