/**
 * Reads one repository: its tags, and every manifest that hangs on them.
 *
 * The walk goes from tags to children, referrers and subjects until nothing new turns up. What is certainly gone is a
 * remark; what cannot be read makes the repository incomplete, and the walk goes on so that a person sees every problem
 * at once. A registry that stopped answering ends the reading with an error.
 */
import type { ManifestFacts } from '../../../core/image/manifest.ts'
import { parseTagName, type TagName } from '../../../core/image/names.ts'
import type { RepositoryInventory } from '../../../core/inventory/inventory.ts'
import { quotable, saysAbsent } from './answers.ts'
import { buildRecords } from './build-records.ts'
import { pullScopes } from './connection.ts'
import { Findings, type RepositoryReading } from './findings.ts'
import type { RegistryListing } from './listing.ts'
import { resolveTag, type ResolvedTag } from './manifests.ts'
import { readNames } from './names.ts'
import { mapParallel } from './parallel.ts'
import { readConfigs } from './read-configs.ts'
import { readProvenance } from './read-provenance.ts'
import { noteManifest, walk } from './walk.ts'

/** @throws InterruptedError, RegistryGoneError */
export async function readRepository(reading: RepositoryReading): Promise<RepositoryInventory> {
  const findings = new Findings()
  try {
    const unresolved =
      reading.listing === undefined
        ? await listTags(reading, findings)
        : await readListing(reading, reading.listing, findings)
    await resolveTags(reading, findings, unresolved)
    await walk(reading, findings)
    if (reading.listing !== undefined) await lookAgain(reading, reading.listing, findings, unresolved)
    const configs = await readConfigs(reading, findings)
    const statements = await readProvenance(reading, findings)
    return {
      name: reading.repository,
      complete: findings.complete,
      problems: findings.problems,
      manifests: buildRecords(findings, configs, statements),
    }
  } catch (error) {
    findings.fail(`The tags of ${reading.repository}`, error)
    return { name: reading.repository, complete: false, problems: findings.problems, manifests: [] }
  }
}

/** Notes what the registry's own listing tells; returns the tags whose digest it does not tell. */
async function readListing(
  { connection, repository, options }: RepositoryReading,
  listing: RegistryListing,
  findings: Findings,
): Promise<readonly TagName[]> {
  const listed = await listing.readRepository(repository, options)
  if (listed === undefined) return []
  findings.isExhaustive = listed.isExhaustive
  for (const problem of listed.problems ?? []) findings.fault(quotable(problem))
  for (const manifest of listed.manifests) findings.knownManifests.set(manifest.digest, manifest)
  const unresolved: TagName[] = []
  for (const known of listed.tags) {
    const tag = parseTagName(known.name)
    if (tag === undefined) {
      findings.fail(repository, connection.notATag(repository, quotable(known.name)))
      continue
    }
    findings.knownTags.set(tag, known)
    if (known.digest === undefined) unresolved.push(tag)
    else findings.tag(known.digest, tag)
  }
  return unresolved
}

/**
 * What a product's API lists and its registry says is not there: it went away in between, or the two do not agree. The list
 * is asked once more; what is still in it is no absence, because an index that is only hidden still needs its parts.
 */
async function lookAgain(
  { repository, options }: RepositoryReading,
  listing: RegistryListing,
  findings: Findings,
  unresolved: readonly TagName[],
): Promise<void> {
  const resolved = new Set([...findings.tags.values()].flat())
  const tags = unresolved.filter((tag) => !resolved.has(tag))
  const digests = [...findings.gone].filter(
    (digest) => findings.knownManifests.has(digest) || findings.tags.has(digest),
  )
  if (tags.length === 0 && digests.length === 0) return
  const listed = await listing.readRepository(repository, options)
  const names = new Set(listed?.tags.map(({ name }) => name))
  const there = new Set([...(listed?.tags ?? []), ...(listed?.manifests ?? [])].map(({ digest }) => digest))
  const lost = [
    ...tags.filter((tag) => names.has(tag)).map((tag) => `The tag ${tag}`),
    ...digests.filter((digest) => there.has(digest)).map((digest) => `The manifest ${digest}`),
  ]
  for (const what of lost)
    findings.fault(`${what} is listed by the API, and the registry says that it is not there.`)
}

/** The tags of the repository; none when it is not there, which is how an emptied repository looks. */
async function listTags(
  { connection, repository, options }: RepositoryReading,
  findings: Findings,
): Promise<readonly TagName[]> {
  const list = { path: `${repository}/tags/list`, field: 'tags', scopes: pullScopes(repository) } as const
  const answer = await readNames(connection, list, options)
  if (answer.kind === 'refused') {
    if (saysAbsent(answer.response)) return []
    throw connection.unexpected(`Listing the tags of ${repository}`, answer.response)
  }
  return [...answer.names].flatMap((name) => {
    const tag = parseTagName(name)
    if (tag === undefined) findings.fail(repository, connection.notATag(repository, quotable(name)))
    return tag ?? []
  })
}

async function resolveTags(
  reading: RepositoryReading,
  findings: Findings,
  names: readonly TagName[],
): Promise<void> {
  const fetched: ManifestFacts[] = []
  await mapParallel(names, reading.concurrency, async (tag) => {
    try {
      const resolved = await resolveOne(reading, tag)
      reading.onRead(1)
      if (resolved === undefined) {
        findings.remark(`The tag ${tag} went away while the repository was read.`)
        return
      }
      findings.tag(resolved.digest, tag)
      if (resolved.manifest !== undefined) fetched.push(...noteManifest(findings, resolved.manifest))
    } catch (error) {
      findings.fail(`The tag ${tag}`, error)
    }
  })
  await reading.cache.putManifests(fetched)
}

async function resolveOne(
  { connection, listing, repository, options }: RepositoryReading,
  tag: TagName,
): Promise<ResolvedTag | undefined> {
  if (listing?.resolveTag === undefined) return resolveTag(connection, repository, tag, options)
  const digest = await listing.resolveTag(repository, tag, options)
  return digest && { digest, manifest: undefined }
}
