/**
 * Asks the registries for every image in use, down to the last layer, and reports what could not be pulled.
 *
 * It reads, and believes nothing it was told before: tags, manifests and blobs are asked for now.
 */
import {
  managedRepositories,
  type ManagedNames,
  type ManagedRegistry,
  type ManagedRepository,
} from '../core/evidence/managed-names.ts'
import type { Evidence } from '../core/evidence/evidence.ts'
import type { Digest } from '../core/image/digest.ts'
import { foreignLayersOf } from '../core/image/foreign-layers.ts'
import { normalizeReference } from '../core/image/reference.ts'
import {
  parseRepositoryName,
  parseTagName,
  type RegistryName,
  type RepositoryName,
} from '../core/image/names.ts'
import { parseManifest } from '../core/image/parse-manifest.ts'
import type { ReadableRegistry } from '../ports/readable-registry.ts'
import type { RunOptions } from '../ports/run-options.ts'
import { gatherEvidence, type EvidencePorts } from './gather-evidence.ts'
import { inParallel } from './in-parallel.ts'
import { managedNames } from './managed-names.ts'

export interface VerifyRequest {
  readonly registries: readonly ManagedRegistry[]
  readonly leftOut: readonly string[]
  readonly accepted: readonly string[]
}

export interface VerifyPorts extends EvidencePorts {
  readonly readers: ReadonlyMap<RegistryName, ReadableRegistry>
}

export interface VerifiedReference {
  readonly registry: RegistryName
  readonly repository: string
  readonly tag: string | undefined
  readonly digest: Digest | undefined
  /** Everything that uses it. */
  readonly usedBy: readonly { readonly source: string; readonly where: string }[]
  readonly state: 'whole' | 'missing' | 'broken'
  /** What is not there; empty when whole. */
  readonly missing: readonly string[]
}

/** References that are checked at once. */
const atOnce = 8

/**
 * Verifies every reference in use that names a managed repository; sorted by registry, repository, tag and digest.
 *
 * A reference that addresses and aliases bring to several repositories is missing only when none of them has it. One
 * that was pieced together by guess is not reported as missing at all: that nothing has that name proves nothing.
 *
 * @throws EvidenceIncompleteError, UnknownSourceError, and what the registry's driver throws
 */
export async function verify(
  request: VerifyRequest,
  ports: VerifyPorts,
  options: RunOptions = {},
): Promise<readonly VerifiedReference[]> {
  const managed = managedNames(request.registries, [])
  const evidence = await gatherEvidence(
    { managed, leftOut: request.leftOut, accepted: request.accepted },
    ports,
    options,
  )
  const wanted = [...wantedOf(evidence, managed).values()]
  const verified: VerifiedReference[] = []
  let done = 0
  options.onEvent?.({ kind: 'phase', phase: 'verify' })
  await inParallel(wanted, atOnce, async ({ targets, usedBy, isGuess }) => {
    const answers: VerifiedReference[] = []
    for (const target of targets) answers.push({ ...(await verifyOne(target, ports, options)), usedBy })
    verified.push(...reportOf(answers, isGuess))
    done += 1
    options.onEvent?.({ kind: 'progress', phase: 'verify', done, total: wanted.length })
  })
  return joined(verified)
}

/** A reference in use, the repositories of ours it may mean, and everything that uses it. */
interface Wanted {
  readonly targets: readonly ManagedRepository[]
  readonly usedBy: { readonly source: string; readonly where: string }[]
  /** Nobody wrote it as it stands. */
  isGuess: boolean
}

function wantedOf(evidence: Evidence, managed: ManagedNames): ReadonlyMap<string, Wanted> {
  const wanted = new Map<string, Wanted>()
  for (const { name: source, references } of evidence.sources) {
    for (const { reference, where, isGuess = false } of references) {
      const normalized = normalizeReference(reference)
      const targets = normalized === undefined ? [] : managedRepositories(managed, normalized)
      if (targets.length === 0) continue
      const entry = wanted.get(reference) ?? { targets, usedBy: [], isGuess: true }
      entry.usedBy.push({ source, where })
      entry.isGuess &&= isGuess
      wanted.set(reference, entry)
    }
  }
  return wanted
}

function reportOf(answers: readonly VerifiedReference[], isGuess: boolean): readonly VerifiedReference[] {
  const found = answers.filter(({ state }) => state !== 'missing')
  if (found.length > 0) return found
  return isGuess ? [] : answers.slice(0, 1)
}

/** Two spellings of one image are one line, with the uses of both. */
function joined(verified: readonly VerifiedReference[]): readonly VerifiedReference[] {
  const lines = new Map<string, VerifiedReference>()
  for (const line of verified) {
    const key = [line.registry, line.repository, line.tag ?? '', line.digest ?? ''].join(' ')
    const known = lines.get(key)
    const usedBy = [...(known?.usedBy ?? []), ...line.usedBy].toSorted(byPlace)
    lines.set(key, { ...line, usedBy })
  }
  return [...lines.keys()].toSorted().flatMap((key) => lines.get(key) ?? [])
}

type Use = VerifiedReference['usedBy'][number]

function byPlace(a: Use, b: Use): number {
  return a.source === b.source ? (a.where < b.where ? -1 : 1) : a.source < b.source ? -1 : 1
}

async function verifyOne(
  target: ManagedRepository,
  ports: VerifyPorts,
  options: RunOptions,
): Promise<Omit<VerifiedReference, 'usedBy'>> {
  const { registry, repository, digest } = target
  const tag = target.tag ?? (digest === undefined ? 'latest' : undefined)
  const answer = (
    state: VerifiedReference['state'],
    missing: readonly string[],
  ): Omit<VerifiedReference, 'usedBy'> => ({
    registry,
    repository,
    tag,
    digest,
    state,
    missing,
  })
  const reader = ports.readers.get(registry)
  const name = parseRepositoryName(repository)
  const tagName = tag === undefined ? undefined : parseTagName(tag)
  if (reader === undefined || name === undefined) return answer('missing', [`repository ${repository}`])
  const missing: string[] = []
  // A pod that names both runs the digest; a tag that has moved on since is no reason to say the image is gone.
  const root = digest ?? (tagName === undefined ? undefined : await reader.resolveTag(name, tagName, options))
  if (root === undefined) return answer('missing', [`tag ${tag ?? ''}`])
  const found = await walk(root, name, reader, missing, options)
  if (!found) return answer('missing', missing)
  return answer(missing.length === 0 ? 'whole' : 'broken', missing)
}

/** Reads a manifest and everything below it; whatever is not there is named in `missing`. */
async function walk(
  root: Digest,
  repository: RepositoryName,
  reader: ReadableRegistry,
  missing: string[],
  options: RunOptions,
): Promise<boolean> {
  const seen = new Set<Digest>()
  const queue: Digest[] = [root]
  for (let digest = queue.pop(); digest !== undefined; digest = queue.pop()) {
    if (seen.has(digest)) continue
    seen.add(digest)
    const raw = await reader.readManifest(repository, digest, options)
    if (raw === undefined) {
      missing.push(`manifest ${digest}`)
      continue
    }
    const facts = parseManifest(raw.bytes, raw.mediaType, digest)
    const foreign = foreignLayersOf(raw.bytes)
    queue.push(...facts.children.map((child) => child.digest))
    for (const blob of [...(facts.config === undefined ? [] : [facts.config]), ...facts.layers]) {
      // Layers that clients fetch from elsewhere are rarely in the registry, and nothing is wrong with that.
      if (seen.has(blob.digest) || foreign.has(blob.digest)) continue
      seen.add(blob.digest)
      if (!(await reader.hasBlob(repository, blob.digest, options))) missing.push(`blob ${blob.digest}`)
    }
  }
  return !missing.includes(`manifest ${root}`)
}
