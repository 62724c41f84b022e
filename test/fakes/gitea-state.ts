/** What a fake Gitea holds: a version for each tag and for each manifest pushed by digest, and what goes with the last one. */
import { RegistryStore, type StoredRepository } from '../../src/adapters/registries/memory/store.ts'
import { parseDigest, type Digest } from '../../src/core/image/digest.ts'
import { parseTagName, type RepositoryName } from '../../src/core/image/names.ts'

export interface GiteaVersion {
  readonly id: number
  readonly owner: string
  readonly name: string
  readonly version: string
  readonly digest: Digest
  readonly createdAt: number
}

export class GiteaState {
  readonly store = new RegistryStore()
  readonly #versions = new Map<string, GiteaVersion>()
  #lastId = 0
  /** What its clock says. */
  now: () => number = Date.now

  /** After a push that was taken: a version that was there is made anew, with a new date. */
  pushed(owner: string, name: string, reference: string): void {
    const repository = this.#repository(owner, name)
    const tag = parseTagName(reference)
    const digest = parseDigest(reference) ?? (tag && repository.tags.get(tag)?.digest)
    if (digest === undefined) return
    const before = this.#versions.get(keyOf(owner, name, reference))
    this.#lastId += 1
    const version = { id: this.#lastId, owner, name, version: reference, digest, createdAt: this.now() }
    this.#versions.set(keyOf(owner, name, reference), version)
    if (before !== undefined && before.digest !== digest) this.#forgetUnless(repository, before)
  }

  /** Newest first, as the API lists them. */
  list(owner: string, search: string): readonly GiteaVersion[] {
    return [...this.#versions.values()]
      .filter((each) => each.owner === owner && each.name.includes(search))
      .sort((a, b) => b.id - a.id)
  }

  has(owner: string, name: string, version: string): boolean {
    return this.#versions.has(keyOf(owner, name, version))
  }

  /** One version, and what no other has: its manifest, and layers. */
  remove(owner: string, name: string, version: string): boolean {
    const found = this.#versions.get(keyOf(owner, name, version))
    if (found === undefined) return false
    this.#versions.delete(keyOf(owner, name, version))
    const repository = this.#repository(owner, name)
    const tag = parseTagName(version)
    if (tag !== undefined) repository.tags.delete(tag)
    this.#forgetUnless(repository, found)
    if (this.list(owner, '').every((each) => each.name !== name))
      this.store.repositories.delete(`${owner}/${name}` as RepositoryName)
    return true
  }

  #forgetUnless(repository: StoredRepository, { owner, name, digest }: GiteaVersion): void {
    if (this.list(owner, '').some((each) => each.name === name && each.digest === digest)) return
    const gone = repository.manifests.get(digest)
    repository.manifests.delete(digest)
    if (gone === undefined) return
    const needed = new Set([...repository.manifests.values()].flatMap(({ facts }) => blobsOf(facts)))
    for (const blob of blobsOf(gone.facts)) if (!needed.has(blob)) repository.blobs.delete(blob)
  }

  #repository(owner: string, name: string): StoredRepository {
    return this.store.repository(`${owner}/${name}` as RepositoryName)
  }
}

function blobsOf({
  config,
  layers,
}: {
  readonly config?: { readonly digest: Digest } | undefined
  readonly layers: readonly { readonly digest: Digest }[]
}): readonly Digest[] {
  return [...(config === undefined ? [] : [config]), ...layers].map(({ digest }) => digest)
}

function keyOf(owner: string, name: string, version: string): string {
  return `${owner}/${name}:${version}`
}
