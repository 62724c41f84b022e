/** The behavioural cases of other systems, and what has to be done to them before Winnow can plan on them. */
import { createHash } from 'node:crypto'
import { readSharedCases } from './shared-cases.ts'

export interface CaseImage {
  readonly digest: string
  readonly label: string
  readonly tags: readonly string[]
  readonly pushed_at: string | null
  readonly pulled_at?: string | null
  readonly repo?: string
  readonly is_index?: boolean
  readonly children?: readonly string[]
  readonly subject?: string
  readonly labels?: readonly string[] | Readonly<Record<string, string>>
  readonly storage_class?: string
  readonly immutable?: boolean
  readonly delete_enabled?: boolean
  readonly write_enabled?: boolean
}

export interface PolicyCase {
  readonly id: string
  readonly system: string
  readonly policy: unknown
  readonly images: readonly CaseImage[]
  readonly now: string
  readonly expected_expire: readonly string[]
  readonly expected_untag?: readonly string[]
  readonly unit: 'digest' | 'tag'
}

/** Empty where the shared cases are missing. */
export const policyCases: readonly PolicyCase[] =
  (readSharedCases('policy-cases.json') as readonly PolicyCase[] | undefined) ?? []

/** The inventory file of a case (`inventory/v1`); rows of one repository and digest are one manifest. */
export function inventoryOf({ images, now }: Pick<PolicyCase, 'images' | 'now'>, repository: string): object {
  const names = [...new Set(images.map(({ repo }) => repo ?? repository))]
  return {
    schemaVersion: 'inventory/v1',
    registry: 'imported',
    takenAt: now,
    repositories: names.map((name) => ({
      name,
      complete: true,
      manifests: manifestsOf(images.filter(({ repo }) => (repo ?? repository) === name)),
    })),
  }
}

function manifestsOf(rows: readonly CaseImage[]): readonly object[] {
  const digests = [...new Set(rows.map(({ digest }) => digest))]
  return digests.flatMap((digest) => {
    const same = rows.filter((row) => row.digest === digest)
    const [first] = same
    if (first === undefined) return []
    const isIndex = first.is_index === true
    const children = first.children ?? (isIndex ? [platform(digest, 'amd64'), platform(digest, 'arm64')] : [])
    const manifest = {
      digest,
      mediaType: `application/vnd.oci.image.${isIndex ? 'index' : 'manifest'}.v1+json`,
      sizeBytes: 500,
      tags: same.flatMap(({ tags, pushed_at, pulled_at }) =>
        tags.map((tag) => ({ name: tagName(tag), pushedAt: pushed_at, pulledAt: pulled_at ?? null })),
      ),
      createdAt: null,
      pushedAt: least(same.map(({ pushed_at }) => pushed_at)),
      pulledAt:
        same
          .map(({ pulled_at }) => pulled_at ?? null)
          .toSorted()
          .at(-1) ?? null,
      children,
      subject: first.subject ?? null,
      labels: labelsOf(first),
      locked: same.some(isLocked),
    }
    const made = first.children === undefined ? children : []
    return [manifest, ...made.map((child) => ({ digest: child, pushedAt: manifest.pushedAt }))]
  })
}

/** Registries take neither plus signs nor blanks in tags. */
export function tagName(tag: string): string {
  return tag.replace(/[+ ]/g, '-')
}

function least(times: readonly (string | null)[]): string | null {
  return times.filter((time) => time !== null).toSorted()[0] ?? null
}

function platform(digest: string, architecture: string): string {
  return `sha256:${createHash('sha256').update(`${digest} ${architecture}`).digest('hex')}`
}

function labelsOf({ labels }: CaseImage): Readonly<Record<string, string>> {
  if (labels === undefined) return {}
  return isList(labels) ? Object.fromEntries(labels.map((label) => [label, ''])) : labels
}

function isList(labels: NonNullable<CaseImage['labels']>): labels is readonly string[] {
  return Array.isArray(labels)
}

function isLocked(row: CaseImage): boolean {
  return (
    row.immutable === true ||
    row.delete_enabled === false ||
    row.write_enabled === false ||
    row.storage_class === 'archive'
  )
}
