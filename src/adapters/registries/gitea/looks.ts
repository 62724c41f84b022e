/**
 * What a run has seen: which repositories the catalog announced, whose owners are then read as a whole, and which tags of a
 * manifest the last reading of a repository showed.
 */
import type { Digest } from '../../../core/image/digest.ts'
import type { TagName } from '../../../core/image/names.ts'
import type { PackageVersion } from './versions.ts'

/** A list that is older is not what a registry holds; then the repository itself is asked. */
const WHOLE_AGE_MAX_MS = 600_000
/** Whoever applies a plan has a few repositories at work at a time. */
const LOOKS_MAX = 64

export type OwnerVersions = Promise<readonly PackageVersion[] | undefined>

export class Looks {
  readonly #announced = new Set<string>()
  readonly #owners = new Map<string, OwnerVersions>()
  readonly #tags = new Map<string, ReadonlyMap<Digest, readonly TagName[]>>()
  #announcedAt = 0

  announce(repositories: Iterable<string>): void {
    this.forgetWhole()
    for (const repository of repositories) this.#announced.add(repository)
    this.#announcedAt = Date.now()
  }

  /** Whether the owner's whole list may answer: once for each repository, because who asks again wants to know it now. */
  mayUseWhole(repository: string): boolean {
    return this.#announced.delete(repository) && Date.now() - this.#announcedAt <= WHOLE_AGE_MAX_MS
  }

  wholeOf(owner: string, read: () => OwnerVersions): OwnerVersions {
    const known = this.#owners.get(owner)
    if (known !== undefined) return known
    const reading = read()
    this.#owners.set(owner, reading)
    // What failed is asked again by the next repository.
    reading.catch(() => this.#owners.delete(owner))
    return reading
  }

  /** Something was changed, so nothing read before may be given out. */
  forgetWhole(): void {
    this.#announced.clear()
    this.#owners.clear()
  }

  saw(repository: string, tags: ReadonlyMap<Digest, readonly TagName[]>): void {
    this.#tags.delete(repository)
    this.#tags.set(repository, tags)
    const [oldest] = this.#tags.keys()
    if (this.#tags.size > LOOKS_MAX && oldest !== undefined) this.#tags.delete(oldest)
  }

  /** Undefined when the repository was not read lately. */
  tagsSeen(repository: string): ReadonlyMap<Digest, readonly TagName[]> | undefined {
    return this.#tags.get(repository)
  }
}
