/** What the fake of Azure Container Registry knows of manifests and tags beyond their bytes, and how it lists them. */
import { RegistryStore, type StoredRepository } from '../../src/adapters/registries/memory/store.ts'
import type { Digest } from '../../src/core/image/digest.ts'
import { parseDigest } from '../../src/core/image/digest.ts'
import { parseTagName, type RepositoryName } from '../../src/core/image/names.ts'

export interface AcrAttributes {
  readonly deleteEnabled?: boolean
  readonly writeEnabled?: boolean
  readonly readEnabled?: boolean
  readonly listEnabled?: boolean
}

export interface AcrTimes {
  readonly createdTime?: string | null
  readonly lastUpdateTime?: string | null
}

const unlocked = { deleteEnabled: true, writeEnabled: true, readEnabled: true, listEnabled: true }

export class AcrState {
  readonly store = new RegistryStore()
  /** Digests that soft deletion has kept, by repository. */
  readonly bin = new Map<RepositoryName, Set<Digest>>()
  readonly #attributes = new Map<string, AcrAttributes>()
  readonly #times = new Map<string, AcrTimes>()
  readonly #withoutMediaType = new Set<Digest>()

  /** @param reference a tag or a digest, each with attributes of its own */
  setAttributes(repository: string, reference: string, attributes: AcrAttributes): void {
    this.#attributes.set(`${repository} ${reference}`, attributes)
  }

  setTimes(repository: string, reference: string, times: AcrTimes): void {
    this.#times.set(`${repository} ${reference}`, times)
  }

  /** Lists it as a manifest of an unknown kind. */
  forgetMediaType(digest: Digest): void {
    this.#withoutMediaType.add(digest)
  }

  attributesOf(repository: string, reference: string): Required<AcrAttributes> {
    return { ...unlocked, ...this.#attributes.get(`${repository} ${reference}`) }
  }

  isLocked(repository: string, reference: string): boolean {
    const { deleteEnabled, writeEnabled } = this.attributesOf(repository, reference)
    return !deleteEnabled || !writeEnabled
  }

  /** Rows by the key that pages are cut at; hidden ones are left out. */
  manifestRows(repository: RepositoryName, held: StoredRepository): readonly (readonly [string, object])[] {
    return [...held.manifests.keys()]
      .filter((digest) => this.attributesOf(repository, digest).listEnabled)
      .toSorted()
      .map((digest) => [digest, this.manifestRow(repository, held, digest, true)] as const)
  }

  manifestRow(repository: RepositoryName, held: StoredRepository, digest: Digest, isListed: boolean): object {
    const manifest = held.manifests.get(digest)
    const tags = held
      .tagsOf(digest)
      .filter((tag) => !isListed || this.attributesOf(repository, tag).listEnabled)
    const children = manifest?.facts.children ?? []
    return {
      digest,
      imageSize: manifest?.bytes.length ?? 0,
      ...this.#timesOf(repository, digest, manifest?.pushedAt ?? 0),
      ...(!this.#withoutMediaType.has(digest) && { mediaType: manifest?.facts.mediaType }),
      ...(tags.length > 0 && { tags: tags.toSorted() }),
      ...(children.length > 0 && { references: children.map((child) => ({ digest: child.digest })) }),
      changeableAttributes: {
        ...this.attributesOf(repository, digest),
        quarantineState: 'Passed',
        quarantineDetails: '{}',
      },
    }
  }

  tagRows(
    repository: RepositoryName,
    held: StoredRepository,
    digest: string | null,
  ): readonly (readonly [string, object])[] {
    return [...held.tags]
      .filter(
        ([name, tag]) =>
          this.attributesOf(repository, name).listEnabled && (digest ?? tag.digest) === tag.digest,
      )
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, tag]) => {
        const times = this.#timesOf(repository, name, tag.pushedAt)
        const changeableAttributes = this.attributesOf(repository, name)
        return [name, { name, digest: tag.digest, ...times, signed: false, changeableAttributes }] as const
      })
  }

  /** Why nothing may be deleted or written there: it, or a tag of it, is locked. */
  locksOf(repository: RepositoryName, held: StoredRepository, reference: string): boolean {
    const digest = parseDigest(reference)
    const names = digest === undefined ? [] : held.tagsOf(digest)
    return [reference, ...names].some((each) => this.isLocked(repository, each))
  }

  /** A manifest goes with its tags and with everything that names it as its subject; children stay. */
  remove(repository: RepositoryName, held: StoredRepository, digest: Digest): boolean {
    const referrers = held.referrersOf(digest)
    if (!held.remove(digest)) return false
    const kept = this.bin.get(repository) ?? new Set()
    this.bin.set(repository, kept.add(digest))
    for (const referrer of referrers) this.remove(repository, held, referrer)
    return true
  }

  removeTag(held: StoredRepository, name: string): boolean {
    const tag = parseTagName(name)
    return tag !== undefined && held.tags.delete(tag)
  }

  #timesOf(repository: string, reference: string, pushedAt: number): object {
    const at = sevenDigits(new Date(pushedAt).toISOString())
    return { createdTime: at, lastUpdateTime: at, ...this.#times.get(`${repository} ${reference}`) }
  }
}

/** As .NET writes it: `2023-05-16T04:25:14.3112885Z`. */
function sevenDigits(iso: string): string {
  return iso.replace('Z', '0000Z')
}
