/**
 * Asks the registries for every image in use, down to the last layer, and reports what could not be pulled.
 *
 * It reads, and believes nothing it was told before: tags, manifests and blobs are asked for now.
 */
import {
  managedRepositories,
  type ManagedRegistry,
  type ManagedRepository,
} from '../core/evidence/managed-names.ts'
import type { Digest } from '../core/image/digest.ts'
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

/** Verifies every reference in use that names a managed repository; sorted by registry, repository, tag and digest. */
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
  const wanted = new Map<string, { target: ManagedRepository; usedBy: { source: string; where: string }[] }>()
  for (const source of evidence.sources) {
    for (const { reference, where } of source.references) {
      const normalized = normalizeReference(reference)
      for (const target of normalized === undefined ? [] : managedRepositories(managed, normalized)) {
        const key = [target.registry, target.repository, target.tag, target.digest].join(' ')
        const entry = wanted.get(key) ?? { target, usedBy: [] }
        entry.usedBy.push({ source: source.name, where })
        wanted.set(key, entry)
      }
    }
  }
  const verified = new Map<string, VerifiedReference>()
  options.onEvent?.({ kind: 'phase', phase: 'verify' })
  await inParallel([...wanted], atOnce, async ([key, { target, usedBy }]) => {
    verified.set(key, { ...(await verifyOne(target, ports, options)), usedBy })
    options.onEvent?.({ kind: 'progress', phase: 'verify', done: verified.size, total: wanted.size })
  })
  return [...verified.keys()].toSorted().flatMap((key) => verified.get(key) ?? [])
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
    queue.push(...facts.children.map((child) => child.digest))
    for (const blob of [...(facts.config === undefined ? [] : [facts.config]), ...facts.layers]) {
      if (seen.has(blob.digest)) continue
      seen.add(blob.digest)
      if (!(await reader.hasBlob(repository, blob.digest, options))) missing.push(`blob ${blob.digest}`)
    }
  }
  return !missing.includes(`manifest ${root}`)
}
