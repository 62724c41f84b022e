/** What a fake Nexus holds: components with their manifest assets, layers that stay, and a search that may lag behind. */
import { RegistryStore, type StoredRepository } from '../../src/adapters/registries/memory/store.ts'
import { parseDigest, type Digest } from '../../src/core/image/digest.ts'
import { parseTagName, type RepositoryName } from '../../src/core/image/names.ts'

export interface NexusComponent {
  readonly id: string
  readonly image: string
  readonly version: string
  readonly assets: Map<string, NexusAsset>
}

interface NexusAsset {
  readonly digest: Digest
  readonly mediaType: string
  readonly size: number
  readonly createdAt: number
  downloadedAt: number | undefined
}

export class NexusState {
  readonly store = new RegistryStore()
  readonly components = new Map<string, NexusComponent>()
  /** Manifests that lie there as assets without a component, as some versions keep what is pushed by digest. */
  readonly #loose = new Map<string, Set<Digest>>()
  /** What the search knows; undefined while it knows everything. */
  #index: readonly NexusComponent[] | undefined
  /** What its clock says. */
  now: () => number = Date.now
  keepsDigestsAs: 'component' | 'asset' = 'component'

  pushed(image: string, reference: string): void {
    const repository = this.#repository(image)
    const tag = parseTagName(reference)
    const digest = parseDigest(reference) ?? (tag && repository.tags.get(tag)?.digest)
    const manifest = digest && repository.manifests.get(digest)
    if (digest === undefined || manifest === undefined) return
    if (tag === undefined && this.keepsDigestsAs === 'asset') {
      this.#loose.set(image, (this.#loose.get(image) ?? new Set()).add(digest))
      return
    }
    const id = Buffer.from(`docker-hosted:${image}:${reference}`).toString('base64url')
    const before = this.components.get(id)
    const asset = {
      digest,
      mediaType: manifest.facts.mediaType,
      size: manifest.bytes.length,
      createdAt: this.now(),
      downloadedAt: undefined,
    }
    this.components.set(id, { id, image, version: reference, assets: new Map([[reference, asset]]) })
    for (const old of before?.assets.values() ?? []) this.#forgetUnless(image, old.digest)
  }

  pulled(image: string, reference: string): void {
    for (const { image: own, assets } of this.components.values()) {
      const asset = own === image ? assets.get(reference) : undefined
      if (asset !== undefined) asset.downloadedAt = this.now()
    }
  }

  remove(id: string): boolean {
    const component = this.components.get(id)
    if (component === undefined) return false
    this.components.delete(id)
    const tag = parseTagName(component.version)
    if (tag !== undefined) this.#repository(component.image).tags.delete(tag)
    for (const { digest } of component.assets.values()) this.#forgetUnless(component.image, digest)
    return true
  }

  /** From now on the search knows what is there now, and nothing that comes later. */
  freezeSearch(): void {
    this.#index = this.#copy()
  }

  search(image: string): readonly NexusComponent[] {
    return (this.#index ?? this.#copy()).filter((component) => component.image === image)
  }

  #copy(): readonly NexusComponent[] {
    return [...this.components.values()].map((each) => ({ ...each, assets: new Map(each.assets) }))
  }

  #forgetUnless(image: string, digest: Digest): void {
    const isHeld = [...this.components.values()].some(
      (each) => each.image === image && [...each.assets.values()].some((asset) => asset.digest === digest),
    )
    const repository = this.#repository(image)
    if (isHeld || this.#loose.get(image)?.has(digest) === true) return
    repository.manifests.delete(digest)
    for (const name of repository.tagsOf(digest)) repository.tags.delete(name)
  }

  #repository(image: string): StoredRepository {
    return this.store.repository(image as RepositoryName)
  }
}
