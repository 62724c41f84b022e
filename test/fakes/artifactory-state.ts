/** What a fake Artifactory holds: folders of files for each tag and digest, their pulls, and the trash can. */
import { RegistryStore, type StoredRepository } from '../../src/adapters/registries/memory/store.ts'
import { parseDigest, type Digest } from '../../src/core/image/digest.ts'
import { parseTagName, type RepositoryName } from '../../src/core/image/names.ts'
import type { AqlFile } from './artifactory-aql.ts'

interface StoredFile {
  readonly digest: Digest
  readonly size: number
  readonly created: number
  readonly modified: number
  updated: number
  downloads: number
  downloaded: number | undefined
  remoteDownloaded: number | undefined
}

interface Folder {
  readonly key: string
  readonly image: string
  readonly folder: string
  readonly files: Map<string, StoredFile>
}

interface Trashed extends Folder {
  readonly at: number
  /** Everything its manifests are made of. */
  readonly blobs: readonly Uint8Array[]
  readonly manifests: readonly { readonly bytes: Uint8Array; readonly mediaType: string }[]
}

export class ArtifactoryState {
  readonly store = new RegistryStore()
  readonly types = new Map<string, string>([['docker-local', 'LOCAL']])
  readonly #folders = new Map<string, Folder>()
  readonly #trash = new Map<string, Trashed>()
  /** What its clock says. */
  now: () => number = Date.now

  /** After a push that was taken. A tag folder keeps an index beside a manifest that is pushed later. */
  pushed(key: string, image: string, reference: string): void {
    const repository = this.#repository(key, image)
    const digest = digestOf(repository, reference)
    const manifest = digest && repository.manifests.get(digest)
    if (digest === undefined || manifest === undefined) return
    const path = `${key}/${image}/${reference}`
    const folder: Folder = this.#folders.get(path) ?? { key, image, folder: reference, files: new Map() }
    const name = /index|manifest\.list/.test(manifest.facts.mediaType)
      ? 'list.manifest.json'
      : 'manifest.json'
    const before = folder.files.get(name)
    folder.files.set(name, {
      digest,
      size: manifest.bytes.length,
      created: before?.created ?? this.now(),
      modified: this.now(),
      updated: this.now(),
      downloads: 0,
      downloaded: undefined,
      remoteDownloaded: undefined,
    })
    this.#folders.set(path, folder)
    this.#point(repository, folder)
  }

  /** A pull by tag or digest. */
  pulled(key: string, image: string, reference: string): void {
    const digest = digestOf(this.#repository(key, image), reference)
    for (const folder of this.#foldersOf(key, image)) {
      if (folder.folder !== reference && parseTagName(reference) !== undefined) continue
      for (const file of folder.files.values()) {
        if (file.digest !== digest) continue
        file.downloads += 1
        file.downloaded = this.now()
      }
    }
  }

  /** A copy of what was made and written elsewhere, long ago. */
  promoted(key: string, image: string, folder: string): void {
    for (const each of this.#foldersOf(key, image))
      if (each.folder === folder) for (const file of each.files.values()) file.updated = this.now()
  }

  /** A pull by tag through another server, which has this one for a remote repository. */
  pulledElsewhere(key: string, image: string, folder: string): void {
    for (const each of this.#foldersOf(key, image))
      if (each.folder === folder) for (const file of each.files.values()) file.remoteDownloaded = this.now()
  }

  /** Deletes the folder with everything below it, and puts it into the trash can; false when there is none. */
  remove(path: string): boolean {
    const paths = [...this.#folders.keys()].filter((each) => each === path || each.startsWith(`${path}/`))
    for (const each of paths) this.#removeOne(each)
    return paths.length > 0
  }

  #removeOne(path: string): void {
    const folder = this.#folders.get(path)
    if (folder === undefined) return
    const repository = this.#repository(folder.key, folder.image)
    const stored = [...folder.files.values()].flatMap(({ digest }) => repository.manifests.get(digest) ?? [])
    this.#trash.set(path, {
      ...folder,
      at: this.now(),
      blobs: [...repository.blobs.values()],
      manifests: stored.map(({ bytes, facts }) => ({ bytes, mediaType: facts.mediaType })),
    })
    this.#folders.delete(path)
    const tag = parseTagName(folder.folder)
    if (tag !== undefined) repository.tags.delete(tag)
    for (const { digest } of folder.files.values()) this.#forgetUnless(repository, folder, digest)
  }

  /** What Artifactory's own collector does to layers that no folder has any more. */
  collectLayers(key: string, image: string): void {
    const repository = this.#repository(key, image)
    const needed = new Set(
      [...repository.manifests.values()].flatMap(({ facts }) =>
        [...(facts.config ? [facts.config] : []), ...facts.layers].map(({ digest }) => digest),
      ),
    )
    for (const digest of repository.blobs.keys()) if (!needed.has(digest)) repository.blobs.delete(digest)
  }

  restore(path: string): boolean {
    const trashed = this.#trash.get(path)
    if (trashed === undefined) return false
    const repository = this.#repository(trashed.key, trashed.image)
    for (const blob of trashed.blobs) repository.putBlob(blob)
    for (const { bytes, mediaType } of trashed.manifests)
      repository.putManifest(bytes, mediaType, undefined, this.now())
    const { key, image, folder, files } = trashed
    this.#folders.set(path, { key, image, folder, files })
    this.#trash.delete(path)
    this.#point(repository, trashed)
    return true
  }

  files(): readonly AqlFile[] {
    return [
      ...[...this.#folders.values()].flatMap((folder) => rows(folder, folder.key, '', {})),
      ...[...this.#trash.values()].flatMap((folder) =>
        rows(folder, 'auto-trashcan', `${folder.key}/`, { 'trash.time': String(folder.at) }),
      ),
    ]
  }

  /** The index wins where a folder has both. */
  #point(repository: StoredRepository, { folder, files }: Folder): void {
    const tag = parseTagName(folder)
    const file = files.get('list.manifest.json') ?? files.get('manifest.json')
    if (tag !== undefined && file !== undefined)
      repository.tags.set(tag, { digest: file.digest, pushedAt: file.modified })
  }

  #forgetUnless(repository: StoredRepository, { key, image }: Folder, digest: Digest): void {
    const isElsewhere = this.#foldersOf(key, image).some(({ files }) =>
      [...files.values()].some((file) => file.digest === digest),
    )
    if (!isElsewhere) repository.manifests.delete(digest)
  }

  #foldersOf(key: string, image: string): readonly Folder[] {
    return [...this.#folders.values()].filter((folder) => folder.key === key && folder.image === image)
  }

  #repository(key: string, image: string): StoredRepository {
    return this.store.repository(`${key}/${image}` as RepositoryName)
  }
}

function digestOf(repository: StoredRepository, reference: string): Digest | undefined {
  const tag = parseTagName(reference)
  return parseDigest(reference) ?? (tag && repository.tags.get(tag)?.digest)
}

function rows(
  { image, folder, files }: Folder,
  repo: string,
  below: string,
  more: Readonly<Record<string, string>>,
): readonly AqlFile[] {
  return [...files].map(([name, file]) => ({
    repo,
    path: `${below}${image}/${folder}`,
    name,
    size: file.size,
    sha256: file.digest.slice(7),
    created: new Date(file.created).toISOString(),
    modified: new Date(file.modified).toISOString(),
    updated: new Date(file.updated).toISOString(),
    downloads: file.downloads,
    downloaded: file.downloaded === undefined ? undefined : new Date(file.downloaded).toISOString(),
    remoteDownloaded:
      file.remoteDownloaded === undefined ? undefined : new Date(file.remoteDownloaded).toISOString(),
    properties: { 'docker.manifest': folder, 'docker.manifest.digest': file.digest, ...more },
  }))
}
