/**
 * One repository on disk, its links read and packed: what travels from the thread that looks, and is remembered.
 *
 * Where only a plan is made, links to layers are believed to say what their path says if the blob of that name is stored
 * (tree-memory.ts tells why); most files of a registry are such links.
 */
import type { Digest } from '../../../core/image/digest.ts'
import { algorithms, type DigestAlgorithm } from '../../../core/sweep/reference-record.ts'
import type { LinkAlias, PackedDigests } from '../../../ports/readable-layout.ts'
import { FactsTaken } from './folder-facts.ts'
import { noDigest, notAFolder, requireDigest, tagTarget } from './link-target.ts'
import { isHex, Packer } from './packer.ts'
import { linkText, namesIn, pathFacts } from './scan-files.ts'
import { isStart } from './stored-starts.ts'

export class RepositoryLook {
  /** Linked manifests, and targets of tags. */
  readonly roots = new PackedByAlgorithm()
  readonly layers = new PackedByAlgorithm()
  readonly deleted = new PackedByAlgorithm()
  readonly aliases: LinkAlias[] = []
  holdsManifests = false
  /** Folders whose facts were taken, by their names within the repository. */
  readonly watched: string[] = []
  readonly facts: FactsTaken = new FactsTaken()
  /** Whether every link says what its path says, and every tag points to a manifest that is linked here. */
  isPlain = true
  readonly #folder: string
  readonly #stored: Uint32Array | undefined
  readonly #linked = new Set<string>()

  /** `stored`: of which blobs links need no look (stored-starts.ts); undefined where everything is looked at. */
  constructor(folder: string, stored: Uint32Array | undefined) {
    this.#folder = folder
    this.#stored = stored
  }

  /** Takes the facts of a folder before it is read, and tells where it is. */
  watch(name: string): string {
    const path = name === '' ? this.#folder : `${this.#folder}/${name}`
    this.watched.push(name)
    this.facts.take(path)
    return path
  }

  readRevisions(): void {
    this.#eachDigestFolder('_manifests/revisions', (algorithm, hex, path) => {
      const digest = `${algorithm}:${hex}` as Digest
      const text = linkText(`${path}/link`)
      if (text === undefined) {
        // Not a folder of its own that leads nowhere just now, such as a link to a disk that is not mounted.
        if (pathFacts(path)?.kind === 'other') throw notAFolder(path)
        this.deleted.add(algorithm, hex)
        return
      }
      this.holdsManifests = true
      this.#linked.add(digest)
      this.roots.add(algorithm, hex)
      if (text === digest) return
      this.isPlain = false
      // An empty link is one that is being written: it is there, and its path tells the digest.
      if (text !== '') this.roots.addDigest(requireDigest(text, `${path}/link`))
    })
  }

  readTags(): void {
    const folder = this.watch('_manifests/tags')
    for (const tag of namesIn(folder) ?? []) {
      const target = tagTarget(`${folder}/${tag}/current/link`)
      if (target === undefined) {
        this.isPlain = false
        for (const path of [`${folder}/${tag}`, `${folder}/${tag}/current`])
          if (pathFacts(path)?.kind === 'other') throw notAFolder(path)
        continue
      }
      this.holdsManifests = true
      const isLinked = this.#linked.has(target)
      if (!isLinked) this.isPlain = false
      // What acts tells by its roots whether a tag was moved since the last look.
      if (!isLinked || this.#stored === undefined) this.roots.addDigest(target)
    }
  }

  /** To be read after manifests and tags: in a repository without them every link is looked at. */
  readLayers(): void {
    const stored = this.holdsManifests ? this.#stored : undefined
    this.#eachDigestFolder('_layers', (algorithm, hex, path) => {
      this.layers.add(algorithm, hex)
      // A digest of another algorithm always stands for a blob of another name.
      if (stored !== undefined && algorithm === 'sha256' && isStart(stored, this.layers.lastStart)) return
      const text = linkText(`${path}/link`)
      if (text === undefined) {
        this.isPlain = false
        this.layers.dropLast(algorithm)
        return
      }
      const digest = `${algorithm}:${hex}` as Digest
      if (text === '' || text === digest) return
      this.isPlain = false
      const target = requireDigest(text, `${path}/link`)
      const modifiedAt = pathFacts(`${path}/link`)?.modifiedAt ?? Number.POSITIVE_INFINITY
      this.aliases.push({ path: digest, target, modifiedAt })
    })
  }

  /** Calls back with the digests that paths below a folder spell. @throws for a folder that spells none */
  #eachDigestFolder(
    name: string,
    visit: (algorithm: DigestAlgorithm, hex: string, path: string) => void,
  ): void {
    for (const own of namesIn(this.watch(name)) ?? []) {
      const folder = `${this.#folder}/${name}/${own}`
      const algorithm = algorithms.find((known) => known === own)
      if (algorithm !== undefined) this.watch(`${name}/${own}`)
      for (const hex of namesIn(folder) ?? []) {
        const path = `${folder}/${hex}`
        if (algorithm !== undefined && isHex(algorithm, hex)) visit(algorithm, hex, path)
        else if (pathFacts(path)?.kind !== 'file') throw noDigest(path)
      }
    }
  }
}

/** Digests of both algorithms, each packed with its own. */
export class PackedByAlgorithm {
  readonly #packers: Readonly<Record<DigestAlgorithm, Packer>> = {
    sha256: new Packer('sha256'),
    sha512: new Packer('sha512'),
  }

  add(algorithm: DigestAlgorithm, hex: string): void {
    this.#packers[algorithm].add(hex)
  }

  addDigest(digest: Digest): void {
    this.add(digest.startsWith('sha256:') ? 'sha256' : 'sha512', digest.slice(7))
  }

  dropLast(algorithm: DigestAlgorithm): void {
    this.#packers[algorithm].dropLast()
  }

  /** Of the sha256 digest that was added last. */
  get lastStart(): number {
    return this.#packers.sha256.lastStart
  }

  /** One part for each algorithm, in their order. */
  parts(): readonly Uint8Array[] {
    return algorithms.map((algorithm) => this.#packers[algorithm].packed())
  }

  packed(): readonly PackedDigests[] {
    return packedOf(this.parts())
  }
}

/** Parts as `PackedByAlgorithm.parts` tells them; what is empty is left out. */
export function packedOf(parts: readonly Uint8Array[]): readonly PackedDigests[] {
  return algorithms.flatMap((algorithm, i) => {
    const bytes = parts[i]
    return bytes === undefined || bytes.length === 0 ? [] : [{ algorithm, bytes }]
  })
}
