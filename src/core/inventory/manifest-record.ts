/**
 * A row of the inventory from what a manifest and its config say. Every driver builds its rows here, so that the same
 * bytes mean the same thing wherever they were read.
 */
import type { Digest } from '../image/digest.ts'
import type { ConfigFacts, ManifestFacts } from '../image/manifest.ts'
import type { InstantMs, ManifestRecord, TagRecord } from './inventory.ts'

/** What a registry itself knows of a manifest; what it does not tell is left out. */
export interface RegistryKnowledge {
  readonly tags: readonly TagRecord[]
  readonly pushedAt?: InstantMs | undefined
  readonly uploadedAt?: InstantMs | undefined
  readonly pulledAt?: InstantMs | undefined
  readonly locked?: boolean
  /** Commits that records in the registry link to it, beside those it names itself. */
  readonly commits?: readonly string[]
  /** The platform an index gives it, for manifests whose config does not say. */
  readonly platform?: string | undefined
  /** What the registry hangs it on, where the manifest itself names no subject. */
  readonly subject?: Digest | undefined
  /** Labels that the registry gives it; those of the image itself come first. */
  readonly labels?: Readonly<Record<string, string>> | undefined
}

/** The row for a manifest; its tags come out sorted by name. */
export function recordManifest(
  facts: ManifestFacts,
  config: ConfigFacts | undefined,
  known: RegistryKnowledge,
): ManifestRecord {
  const labels = { ...known.labels, ...config?.labels }
  return {
    digest: facts.digest,
    mediaType: facts.mediaType,
    sizeBytes: facts.sizeBytes,
    tags: known.tags.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    createdAt: config?.createdAt ?? facts.createdAt,
    pushedAt: known.pushedAt,
    ...(known.uploadedAt !== undefined && { uploadedAt: known.uploadedAt }),
    pulledAt: known.pulledAt,
    recordedAt: undefined,
    firstSeenAt: undefined,
    children: facts.children.map(({ digest }) => digest),
    subject: facts.subject ?? known.subject,
    artifactType: facts.artifactType,
    platform: config?.platform ?? known.platform,
    config: facts.config,
    layers: facts.layers,
    labels,
    annotations: facts.annotations,
    commits: [
      ...new Set([...commitsIn(labels), ...commitsIn(facts.annotations), ...(known.commits ?? [])]),
    ].toSorted(),
    locked: known.locked ?? false,
  }
}

/** Where builders write the commit: OCI annotations, their predecessor, werf. */
const commitKeys = [
  'org.opencontainers.image.revision',
  'org.label-schema.vcs-ref',
  'werf-project-repo-commit',
]
const commitId = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/

// An abbreviated id is not taken: what it stands for changes as a repository grows.
function commitsIn(texts: Readonly<Record<string, string>>): readonly string[] {
  return commitKeys.map((key) => texts[key]?.toLowerCase() ?? '').filter((text) => commitId.test(text))
}
