/**
 * What the links of repositories on disk say (Distribution layout `v2`), read synchronously and packed.
 *
 * Every folder that has one of the layout's own folders in it is a repository, whatever its name: marking too much is
 * safe. A symbolic link to a folder is not followed, and not passed over either: what it would have marked is unknown,
 * so the run ends.
 */
import { StorageUnreadableError } from '../../../ports/readable-blob-store.ts'
import type {
  LinkAlias,
  PackedDigests,
  RepositoryLinks,
  UploadFolder,
} from '../../../ports/readable-layout.ts'
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import type { DigestAlgorithm } from '../../../core/sweep/reference-record.ts'
import { Packer } from './packer.ts'
import { remainsOf } from './distribution-remains.ts'
import { fingerprintOf, type TreeMemory } from './tree-memory.ts'
import { entriesIn, linkText, namesIn, pathFacts, pauseThread } from './scan-files.ts'

const TAG_LINK_ATTEMPTS = 4
const TAG_LINK_PAUSE_MS = 100

export interface ScannedRepositories {
  readonly repositories: readonly RepositoryLinks[]
  /** Of the names of layer links, where each is there and says what its path says; one for each repository. */
  readonly fingerprints: readonly (string | undefined)[]
  /** Folders that were found and not looked into yet. */
  readonly pending: readonly string[]
}

/**
 * Looks into folders below `base` (an absolute path) by their names ('' for itself), and into what lies in them, until
 * `repositoriesMax` repositories were read.
 */
export function scanRepositories(
  base: string,
  names: readonly string[],
  repositoriesMax: number,
  memory: TreeMemory,
): ScannedRepositories {
  const repositories: RepositoryLinks[] = []
  const fingerprints: (string | undefined)[] = []
  const pending = [...names]
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const folder = name === '' ? base : `${base}/${name}`
    const own = new Set<string>()
    let holdsOthers = false
    for (const entry of entriesIn(folder) ?? []) {
      if (entry.isFile()) continue
      if (!entry.isDirectory()) throw notAFolder(`${folder}/${entry.name}`)
      if (entry.name.startsWith('_')) own.add(entry.name)
      else {
        holdsOthers = true
        pending.push(name === '' ? entry.name : `${name}/${entry.name}`)
      }
    }
    const isRepository = own.has('_manifests') || own.has('_layers') || own.has('_uploads')
    if (isRepository && name !== '') {
      const scan = new RepositoryScan(memory.get(name))
      repositories.push(scanRepository(scan, { folder, repository: name, own, holdsOthers }))
      fingerprints.push(scan.fingerprint)
    }
    if (repositories.length >= repositoriesMax) break
  }
  return { repositories, fingerprints, pending }
}

interface FoundRepository {
  readonly folder: string
  readonly repository: string
  /** Names of the layout's own folders in it. */
  readonly own: ReadonlySet<string>
  readonly holdsOthers: boolean
}

function scanRepository(
  scan: RepositoryScan,
  { folder, repository, own, holdsOthers }: FoundRepository,
): RepositoryLinks {
  if (own.has('_manifests')) {
    scan.readRevisions(`${folder}/_manifests/revisions`)
    scan.readTags(`${folder}/_manifests/tags`)
  }
  if (own.has('_layers')) scan.readLayers(`${folder}/_layers`)
  const uploads = own.has('_uploads') ? scanUploads(`${folder}/_uploads`) : []
  const links = { repository, ...scan.packed(), uploads }
  return scan.holdsManifests ? links : { ...links, remains: remainsOf(folder, holdsOthers) }
}

class RepositoryScan {
  readonly #roots = new PackedByAlgorithm()
  readonly #layers = new PackedByAlgorithm()
  readonly #deleted = new PackedByAlgorithm()
  readonly #aliases: LinkAlias[] = []
  readonly #known: string | undefined
  holdsManifests = false
  fingerprint: string | undefined

  /** `known`: the fingerprint of layer links that need no look. */
  constructor(known: string | undefined) {
    this.#known = known
  }

  readRevisions(folder: string): void {
    eachDigestFolder(folder, (digest, path) => {
      const text = linkText(`${path}/link`)
      if (text === undefined) {
        // Not a folder of its own that leads nowhere just now, such as a link to a disk that is not mounted.
        if (pathFacts(path)?.kind === 'other') throw notAFolder(path)
        this.#deleted.add(digest)
        return
      }
      this.holdsManifests = true
      this.#roots.add(digest)
      // An empty link is one that is being written: it is there, and its path tells the digest.
      const target = text === '' || text === digest ? digest : requireDigest(text, `${path}/link`)
      if (target !== digest) this.#roots.add(target)
    })
  }

  readTags(folder: string): void {
    for (const tag of namesIn(folder) ?? []) {
      const target = tagTarget(`${folder}/${tag}/current/link`)
      if (target === undefined) {
        for (const path of [`${folder}/${tag}`, `${folder}/${tag}/current`])
          if (pathFacts(path)?.kind === 'other') throw notAFolder(path)
        continue
      }
      this.holdsManifests = true
      this.#roots.add(target)
    }
  }

  readLayers(folder: string): void {
    const hexes = namesIn(`${folder}/sha256`) ?? []
    const fingerprint = fingerprintOf(hexes)
    const isKnown = fingerprint === this.#known
    let areAsNamed = true
    eachDigestFolder(folder, (digest, path) => {
      // A digest of another algorithm always stands for a blob of another name.
      const text = isKnown && digest.startsWith('sha256:') ? digest : linkText(`${path}/link`)
      if (text === undefined) areAsNamed = false
      if (text === undefined) return
      this.#layers.add(digest)
      if (text === '' || text === digest) return
      areAsNamed = false
      const target = requireDigest(text, `${path}/link`)
      const modifiedAt = pathFacts(`${path}/link`)?.modifiedAt ?? Number.POSITIVE_INFINITY
      this.#aliases.push({ path: digest, target, modifiedAt })
    })
    if (areAsNamed) this.fingerprint = fingerprint
  }

  packed(): Pick<RepositoryLinks, 'roots' | 'layers' | 'aliases' | 'deletedManifests'> {
    return {
      roots: this.#roots.packed(),
      layers: this.#layers.packed(),
      aliases: this.#aliases,
      deletedManifests: this.#deleted.packed(),
    }
  }
}

/** Calls back with the digest that a folder's path spells. @throws for a folder that spells none */
function eachDigestFolder(folder: string, visit: (digest: Digest, path: string) => void): void {
  for (const algorithm of namesIn(folder) ?? []) {
    for (const hex of namesIn(`${folder}/${algorithm}`) ?? []) {
      const digest = parseDigest(`${algorithm}:${hex}`)
      const path = `${folder}/${algorithm}/${hex}`
      if (digest !== undefined) visit(digest, path)
      else if (pathFacts(path)?.kind !== 'file') throw noDigest(path)
    }
  }
}

/** Where a tag points; undefined for the folder of a tag that was removed. */
function tagTarget(path: string): Digest | undefined {
  for (let attempt = 1; ; attempt += 1) {
    const text = linkText(path)
    if (text === undefined) return undefined
    const target = parseDigest(text)
    if (target !== undefined) return target
    // Distribution 2.8 writes in place; what is not whole yet is in a moment.
    if (attempt === TAG_LINK_ATTEMPTS) return requireDigest(text, path)
    pauseThread(TAG_LINK_PAUSE_MS * attempt)
  }
}

function requireDigest(text: string, path: string): Digest {
  const digest = parseDigest(text)
  if (digest !== undefined) return digest
  const says =
    text === '' ? 'it is empty' : `it says ${JSON.stringify(text.slice(0, 80))}, which is no digest`
  throw new StorageUnreadableError(path, says, {
    hint: 'A link that names nothing may stand for an image. Push the image again, or remove its link by hand if nobody needs it.',
  })
}

function noDigest(path: string): StorageUnreadableError {
  return new StorageUnreadableError(path, 'its name is no digest, so what hangs on it is unknown', {
    hint: 'Remove it by hand if nobody needs it; Winnow marks nothing it cannot name.',
  })
}

function notAFolder(path: string): StorageUnreadableError {
  return new StorageUnreadableError(path, 'it is a symbolic link, or no folder and no file', {
    hint: 'Winnow follows no links within a storage. Mount the folder there instead (a bind mount), or remove the link.',
  })
}

function scanUploads(folder: string): readonly UploadFolder[] {
  return (namesIn(folder) ?? []).flatMap((name) => {
    const upload = uploadIn(`${folder}/${name}`, '')
    return upload === undefined ? [] : [{ folder: name, ...upload }]
  })
}

/** Files below an upload's folder, with the newest time among them. */
function uploadIn(path: string, name: string): Omit<UploadFolder, 'folder'> | undefined {
  const facts = pathFacts(path)
  if (facts === undefined) return undefined
  if (facts.kind !== 'folder') return { keys: [name], newestAt: facts.modifiedAt }
  const below = (namesIn(path) ?? []).flatMap(
    (child) => uploadIn(`${path}/${child}`, name === '' ? child : `${name}/${child}`) ?? [],
  )
  return {
    keys: below.flatMap(({ keys }) => keys),
    newestAt: below.length === 0 ? facts.modifiedAt : Math.max(...below.map(({ newestAt }) => newestAt)),
  }
}

class PackedByAlgorithm {
  readonly #packers: Record<DigestAlgorithm, Packer | undefined> = { sha256: undefined, sha512: undefined }

  add(digest: Digest): void {
    const algorithm = digest.startsWith('sha256:') ? 'sha256' : 'sha512'
    const packer = (this.#packers[algorithm] ??= new Packer())
    packer.add(digest.slice(7))
  }

  packed(): readonly PackedDigests[] {
    return (['sha256', 'sha512'] as const).flatMap((algorithm) => {
      const packer = this.#packers[algorithm]
      return packer === undefined || packer.isEmpty ? [] : [{ algorithm, bytes: packer.packed() }]
    })
  }
}
