/**
 * Manifests for tests, by short labels: `image('a', { tags: ['1.0'], pushedAt: daysAgo(3) })`. What a test does not
 * mention is absent, as in an inventory that tells nothing. Digests spell their label, and sort as their labels do.
 */
import type { Digest } from '../../src/core/image/digest.ts'
import type { RepositoryName, TagName } from '../../src/core/image/names.ts'
import type { InstantMs, ManifestRecord, TagRecord } from '../../src/core/inventory/inventory.ts'

export const hourMs = 3_600_000
export const dayMs = 24 * hourMs
/** The instant at which most tests ask. */
export const now: InstantMs = Date.parse('2026-01-31T12:00:00Z')

export function daysAgo(days: number): InstantMs {
  return now - days * dayMs
}

/** The digest that stands for a label of at most 32 ASCII characters. */
export function digest(label: string): Digest {
  return `sha256:${Buffer.from(label).toString('hex').padEnd(64, '0')}` as Digest
}

/** The label that a digest stands for. */
export function labelOf(text: string): string {
  return Buffer.from(text.replace('sha256:', '').replace(/(?:00)+$/, ''), 'hex').toString()
}

export function labelsOf(texts: Iterable<string>): readonly string[] {
  return [...texts].map(labelOf)
}

export function repositoryName(text: string): RepositoryName {
  return text as RepositoryName
}

export function tag(
  name: string,
  times: { readonly pushedAt?: InstantMs; readonly pulledAt?: InstantMs } = {},
): TagRecord {
  return { name: name as TagName, pushedAt: times.pushedAt, pulledAt: times.pulledAt }
}

/** cosign's name for a signature (`sig`), attestation (`att`) or bill of materials (`sbom`); the referrers fallback without. */
export function attachedTag(subject: string, kind?: 'sig' | 'att' | 'sbom'): string {
  return digest(subject).replace(':', '-') + (kind === undefined ? '' : `.${kind}`)
}

type Plain = Omit<ManifestRecord, 'digest' | 'tags' | 'children' | 'subject' | 'config' | 'layers'>
export type Given = Partial<Plain> & {
  readonly tags?: readonly (string | TagRecord)[]
  /** Labels. */
  readonly children?: readonly string[]
  readonly subject?: string
  /** Bytes by label. */
  readonly config?: Readonly<Record<string, number>>
  readonly layers?: Readonly<Record<string, number>>
}

/** One manifest, under a label. */
export function image(label: string, given: Given = {}): ManifestRecord {
  const { tags = [], children = [], subject, config = {}, layers = {}, ...plain } = given
  return {
    mediaType: undefined,
    sizeBytes: undefined,
    createdAt: undefined,
    pushedAt: undefined,
    pulledAt: undefined,
    recordedAt: undefined,
    firstSeenAt: undefined,
    artifactType: undefined,
    platform: undefined,
    labels: {},
    annotations: {},
    commits: [],
    locked: false,
    ...plain,
    digest: digest(label),
    tags: tags.map((each) => (typeof each === 'string' ? tag(each) : each)),
    children: children.map(digest),
    subject: subject === undefined ? undefined : digest(subject),
    config: blobs(config)[0],
    layers: blobs(layers),
  }
}

function blobs(sizes: Readonly<Record<string, number>>): ManifestRecord['layers'] {
  return Object.entries(sizes).map(([label, sizeBytes]) => ({ digest: digest(label), sizeBytes }))
}

/** Images of one tag each, pushed so many days ago: `pushedDaysAgo({ a: 1, b: 2 })`. */
export function pushedDaysAgo(days: Readonly<Record<string, number | undefined>>): readonly ManifestRecord[] {
  return Object.entries(days).map(([label, age]) =>
    image(label, { tags: [label], pushedAt: age === undefined ? undefined : daysAgo(age) }),
  )
}
