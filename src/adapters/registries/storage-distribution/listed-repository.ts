/**
 * What a listing has told of one repository so far, and in the end all that its links say.
 *
 * Files come in any order and some come twice. What is only of interest while no manifest is known to be linked (the
 * files of a repository that may have to go) is not kept once one is.
 */
import { hash } from 'node:crypto'
import type { Digest } from '../../../core/image/digest.ts'
import { parseRepositoryName } from '../../../core/image/names.ts'
import type { InstantMs } from '../../../core/inventory/inventory.ts'
import { digestFolders } from '../../../core/sweep/distribution-keys.ts'
import { findRecord, sortedRecords } from '../../../core/sweep/record-table.ts'
import { digestBytes, digestOfBytes } from '../../../core/sweep/reference-record.ts'
import type {
  LayerLink,
  LinkAlias,
  RepositoryLinks,
  RepositoryRemains,
  UploadFolder,
} from '../../../ports/readable-layout.ts'
import { repositoriesFolder } from './layout.ts'
import { DigestLogs, NONE, TextLog, type LastDigests } from './listed-logs.ts'

const MD5_BYTES = 16

/** Where all repositories of one listing keep what they are told. */
export interface ListedLogs {
  readonly digests: DigestLogs
  readonly texts: TextLog
}

export function startLogs(): ListedLogs {
  return { digests: new DigestLogs(), texts: new TextLog() }
}

/** MD5, in hex, of a link that names `digest`. */
export function md5OfLink(digest: Digest): string {
  return hash('md5', digest)
}

/** Where a layer is linked, in a repository of any name. */
export function layerLinkKey({ repository, digest }: LayerLink): string {
  return `${repositoriesFolder}/${repository}/_layers/${digestFolders(digest)}/link`
}

export class ListedRepository {
  readonly name: string
  readonly #logs: ListedLogs
  readonly #roots: LastDigests = noDigests()
  readonly #layers: LastDigests = noDigests()
  /** Layers whose links lie under no digest, so that no path can be made from them. */
  readonly #oddLayers: LastDigests = noDigests()
  #tags = NONE
  #uploads = NONE
  #others = NONE
  #aliases: Map<string, LinkAlias> | undefined
  #newestAt = Number.NEGATIVE_INFINITY
  #newestUploadAt = Number.NEGATIVE_INFINITY
  #holdsManifests = false
  /** What lies under a name that is no repository's may belong to somebody else: its links count, and it stays. */
  readonly #isNamed: boolean

  constructor(name: string, logs: ListedLogs) {
    this.name = name
    this.#logs = logs
    this.#isNamed = parseRepositoryName(name) !== undefined
  }

  get isNamed(): boolean {
    return this.#isNamed
  }

  get folder(): string {
    return `${repositoriesFolder}/${this.name}`
  }

  /** A manifest that is linked, or that a tag points to. */
  addRoot(digest: Digest): void {
    this.#holdsManifests = true
    // Nobody asks how old it is.
    this.#logs.digests.add(this.#roots, digest, 0)
  }

  addLayer(digest: Digest, modifiedAt: InstantMs): void {
    this.#newestAt = Math.max(this.#newestAt, modifiedAt)
    this.#logs.digests.add(this.#layers, digest, modifiedAt)
  }

  addOddLayer(key: string, target: Digest, modifiedAt: InstantMs): void {
    this.#logs.digests.add(this.#oddLayers, target, modifiedAt)
    this.addOther(key, modifiedAt)
  }

  addAlias(alias: LinkAlias): void {
    this.#aliases ??= new Map()
    this.#aliases.set(`${alias.path} ${alias.target}`, alias)
  }

  /** A tag whose link was not read: its MD5 may be that of a link to a manifest which is linked. */
  addTag(tag: string, md5: string): void {
    const bytes = Buffer.concat([Buffer.from(md5, 'hex'), Buffer.from(tag)])
    this.#tags = this.#logs.texts.append(this.#tags, bytes, 0)
  }

  addUpload(key: string, modifiedAt: InstantMs): void {
    if (!this.#isNamed) return
    this.#newestUploadAt = Math.max(this.#newestUploadAt, modifiedAt)
    this.#uploads = this.#logs.texts.append(this.#uploads, this.#below(key), modifiedAt)
  }

  addOther(key: string, modifiedAt: InstantMs): void {
    this.#newestAt = Math.max(this.#newestAt, modifiedAt)
    if (this.#holdsManifests || !this.#isNamed) return
    this.#others = this.#logs.texts.append(this.#others, this.#below(key), modifiedAt)
  }

  /** Tags that must be read, because no linked manifest explains their MD5. */
  tagsToRead(): readonly string[] {
    if (this.#tags === NONE) return []
    const known = this.#md5OfRoots()
    const unread = new Set<string>()
    for (const { bytes } of this.#logs.texts.back(this.#tags)) {
      if (findRecord(known, MD5_BYTES, bytes, 0, MD5_BYTES) === -1) {
        unread.add(bytes.toString('utf8', MD5_BYTES))
      }
    }
    return [...unread]
  }

  /** All that was told. `holdsOthers`: whether other repositories lie in its folder. */
  links(holdsOthers: boolean): RepositoryLinks {
    const layers = [...this.#logs.digests.packed(this.#layers), ...this.#logs.digests.packed(this.#oddLayers)]
    const said = {
      repository: this.name,
      roots: this.#logs.digests.packed(this.#roots).map(({ digests }) => digests),
      layers: layers.map(({ digests }) => digests),
      layerTimes: layers.map(({ times }) => times),
      aliases: [...(this.#aliases?.values() ?? [])],
      // Without folders nothing is left of a link that was removed.
      deletedManifests: [],
    }
    const uploads = this.#uploadFolders()
    if (this.#holdsManifests || !this.#isNamed) return { ...said, uploads }
    const remains = this.#remains(holdsOthers)
    // All of it was removed while it was read.
    if (remains.keys.length === 0 && uploads.length === 0) return { ...said, uploads }
    return { ...said, uploads, remains }
  }

  #md5OfRoots(): Uint8Array {
    const sums = this.#logs.digests.packed(this.#roots).flatMap(({ digests: { algorithm, bytes } }) => {
      const count = bytes.length / digestBytes[algorithm]
      const all = Buffer.alloc(count * MD5_BYTES)
      for (let i = 0; i < count; i += 1) {
        const digest = digestOfBytes(algorithm, bytes, i * digestBytes[algorithm])
        all.write(md5OfLink(digest), i * MD5_BYTES, 'hex')
      }
      return [all]
    })
    return sortedRecords(Buffer.concat(sums), MD5_BYTES)
  }

  #uploadFolders(): readonly UploadFolder[] {
    const folders = new Map<string, { readonly keys: Set<string>; newestAt: InstantMs }>()
    for (const { bytes, time } of this.#logs.texts.back(this.#uploads)) {
      const path = bytes.toString()
      const [own = '', upload = ''] = path.split('/')
      const at = `${this.folder}/${own}/${upload}`
      const folder = folders.get(at) ?? { keys: new Set(), newestAt: time }
      folder.keys.add(`${this.folder}/${path}`)
      folder.newestAt = Math.max(folder.newestAt, time)
      folders.set(at, folder)
    }
    return [...folders].map(([folder, { keys, newestAt }]) => ({ folder, keys: [...keys], newestAt }))
  }

  #remains(holdsOthers: boolean): RepositoryRemains {
    const keys = new Set<string>()
    for (const { digests } of this.#logs.digests.packed(this.#layers)) {
      const width = digestBytes[digests.algorithm]
      for (let at = 0; at < digests.bytes.length; at += width) {
        const digest = digestOfBytes(digests.algorithm, digests.bytes, at)
        keys.add(layerLinkKey({ repository: this.name, digest }))
      }
    }
    for (const { bytes } of this.#logs.texts.back(this.#others))
      keys.add(`${this.folder}/${bytes.toString()}`)
    // With nothing but uploads in it, it is as young as they are.
    const newestAt = keys.size === 0 ? this.#newestUploadAt : this.#newestAt
    return { folder: this.folder, keys: [...keys], newestAt, holdsOthers }
  }

  #below(key: string): Buffer {
    return Buffer.from(key.slice(this.folder.length + 1))
  }
}

function noDigests(): LastDigests {
  return { sha256: NONE, sha512: NONE }
}
