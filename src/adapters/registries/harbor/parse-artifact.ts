/**
 * Rows of Harbor's list of artifacts. A row that cannot be understood is an error: whatever it is about would look as if
 * nothing were known of it.
 */
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import type { InstantMs } from '../../../core/inventory/inventory.ts'
import { isRecord, quotable } from '../oci/answers.ts'
import { RegistryContentError } from '../oci/errors.ts'
import type { KnownTag } from '../oci/listing.ts'
import type { Row } from './harbor-api.ts'

export interface HarborArtifact {
  readonly digest: Digest
  readonly pushedAt: InstantMs | undefined
  readonly pulledAt: InstantMs | undefined
  readonly tags: readonly (KnownTag & { readonly digest: Digest })[]
  /** What an index names. */
  readonly children: readonly Digest[]
  readonly accessories: readonly HarborAccessory[]
  /** Names of labels that people gave it in Harbor. */
  readonly labels: readonly string[]
}

/** Signatures, bills of materials and the like: hung on an artifact, and never listed by themselves. */
export interface HarborAccessory {
  readonly digest: Digest
  readonly createdAt: InstantMs | undefined
}

/** @throws RegistryContentError */
export function parseArtifact(registry: string, repository: string, row: Row): HarborArtifact {
  const fields = new Fields(registry, repository, row)
  const digest = fields.digest('digest')
  return {
    digest,
    pushedAt: fields.time('push_time'),
    pulledAt: fields.time('pull_time'),
    tags: fields.rows('tags').map((tag) => ({
      name: tag.text('name'),
      digest,
      pushedAt: tag.time('push_time'),
      pulledAt: tag.time('pull_time'),
      isLocked: tag.flag('immutable'),
    })),
    children: fields.rows('references').map((reference) => reference.digest('child_digest')),
    accessories: fields.rows('accessories').map((accessory) => ({
      digest: accessory.digest('digest'),
      createdAt: accessory.time('creation_time'),
    })),
    labels: fields.rows('labels').map((label) => label.text('name')),
  }
}

class Fields {
  readonly #registry: string
  readonly #repository: string
  readonly #row: Row

  constructor(registry: string, repository: string, row: Row) {
    this.#registry = registry
    this.#repository = repository
    this.#row = row
  }

  text(field: string): string {
    const value = this.#row[field]
    return typeof value === 'string' && value !== '' ? value : this.#fail(field, 'a text')
  }

  digest(field: string): Digest {
    return parseDigest(this.text(field)) ?? this.#fail(field, 'a digest')
  }

  flag(field: string): boolean {
    const value = this.#row[field] ?? false
    return typeof value === 'boolean' ? value : this.#fail(field, 'true or false')
  }

  /** Harbor writes the year 1 for "never", and other registries have sent 1970; neither is a time. */
  time(field: string): InstantMs | undefined {
    const value = this.#row[field] ?? undefined
    if (value === undefined || value === '') return undefined
    const instant = typeof value === 'string' ? Date.parse(value) : Number.NaN
    if (Number.isNaN(instant)) return this.#fail(field, 'a time')
    return instant < earliestTime ? undefined : instant
  }

  /** Null where there is none. */
  rows(field: string): readonly Fields[] {
    const value = this.#row[field] ?? []
    if (!Array.isArray(value) || !value.every(isRecord)) return this.#fail(field, 'a list')
    return value.map((row) => new Fields(this.#registry, this.#repository, row))
  }

  #fail(field: string, expected: string): never {
    const shown = quotable(JSON.stringify(this.#row[field]) ?? 'nothing')
    const what = `the list of artifacts of ${this.#repository} has ${shown} as ${field}, where ${expected} belongs`
    throw new RegistryContentError(this.#registry, what)
  }
}

/** Before the first container registry. */
const earliestTime = Date.UTC(2013, 0, 1)
