/**
 * What a fake of GitHub Packages holds: owners, tokens with their scopes, packages with their versions, and the bin.
 * Manifests and blobs lie in the store of the registry in memory; a version is a manifest with an id and times.
 */
import { RegistryStore, type StoredManifest } from '../../src/adapters/registries/memory/store.ts'
import { parseDigest, type Digest } from '../../src/core/image/digest.ts'
import { parseRepositoryName, parseTagName, type RepositoryName } from '../../src/core/image/names.ts'

export interface GitHubToken {
  /** Whose it is; undefined for that of a workflow. */
  readonly login: string | undefined
  /** Undefined where GitHub tells none. */
  readonly scopes: readonly string[] | undefined
  /** Whether its owner may delete packages. @default true */
  readonly isAdmin?: boolean
  /** Whether `GET /user/orgs` answers. @default true */
  readonly tellsOrganisations?: boolean
}

export interface FakeVersion {
  readonly id: number
  readonly digest: Digest
  readonly createdAt: number
  updatedAt: number
  downloads: number
}

interface DeletedVersion {
  readonly version: FakeVersion
  readonly manifest: StoredManifest
  readonly tags: readonly string[]
  readonly deletedAt: number
}

export interface FakePackage {
  readonly versions: Map<number, FakeVersion>
  readonly bin: Map<number, DeletedVersion>
  isPublic: boolean
}

export class GitHubState {
  readonly store = new RegistryStore()
  readonly packages = new Map<RepositoryName, FakePackage>()
  readonly tokens = new Map<string, GitHubToken>()
  /** Everybody else is an organisation. */
  readonly users = new Set<string>()
  /** Owners that nobody has the name of. */
  readonly nobodies = new Set<string>()
  readonly organisationsOf = new Map<string, readonly string[]>()
  now: () => number = Date.now
  #id = 1000

  /** The active version of a digest. */
  versionOf(repository: RepositoryName, digest: Digest): FakeVersion | undefined {
    return [...(this.packages.get(repository)?.versions.values() ?? [])].find(
      (each) => each.digest === digest,
    )
  }

  tagsOf(repository: RepositoryName, digest: Digest): readonly string[] {
    return this.store.repositories.get(repository)?.tagsOf(digest) ?? []
  }

  /** What a push makes of a package: a version for a new digest; a tag that comes touches both that it concerns. */
  pushed(repository: RepositoryName, digest: Digest, movedFrom: Digest | undefined): void {
    const at = this.now()
    const held = this.packages.get(repository) ?? { versions: new Map(), bin: new Map(), isPublic: false }
    this.packages.set(repository, held)
    const known = this.versionOf(repository, digest)
    const version = known ?? { id: (this.#id += 1), digest, createdAt: at, updatedAt: at, downloads: 0 }
    version.updatedAt = at
    held.versions.set(version.id, version)
    const left = movedFrom && this.versionOf(repository, movedFrom)
    if (left !== undefined) left.updatedAt = at
  }

  delete(repository: RepositoryName, id: number): void {
    const held = this.packages.get(repository)
    const version = held?.versions.get(id)
    const stored = this.store.repository(repository)
    const manifest = version && stored.manifests.get(version.digest)
    if (held === undefined || version === undefined || manifest === undefined) return
    const tags = stored.tagsOf(version.digest)
    held.versions.delete(id)
    held.bin.set(id, { version, manifest, tags, deletedAt: this.now() })
    stored.remove(version.digest)
  }

  /** Tags come back where nobody has taken them. */
  restore(repository: RepositoryName, id: number): boolean {
    const held = this.packages.get(repository)
    const deleted = held?.bin.get(id)
    if (held === undefined || deleted === undefined) return false
    const stored = this.store.repository(repository)
    held.bin.delete(id)
    held.versions.set(id, deleted.version)
    stored.manifests.set(deleted.version.digest, deleted.manifest)
    for (const text of deleted.tags) {
      const tag = parseTagName(text)
      if (tag !== undefined && !stored.tags.has(tag))
        stored.tags.set(tag, { digest: deleted.version.digest, pushedAt: this.now() })
    }
    return true
  }

  /** Pushes past the network, as if a client had. */
  put(name: string, bytes: Uint8Array, mediaType: string, reference: string): Digest {
    const repository = repositoryNamed(name)
    const stored = this.store.repository(repository)
    const tag = parseDigest(reference) === undefined ? parseTagName(reference) : undefined
    const before = tag && stored.tags.get(tag)?.digest
    const digest = stored.putManifest(bytes, mediaType, tag, this.now(), parseDigest(reference))
    this.pushed(repository, digest, before)
    return digest
  }
}

export function repositoryNamed(text: string): RepositoryName {
  const name = parseRepositoryName(text)
  if (name === undefined) throw new Error(`${text} is no repository`)
  return name
}
