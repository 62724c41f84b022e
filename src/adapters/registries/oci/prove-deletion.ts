/**
 * Proves what DELETE does in a registry, on an image that nobody else can have: an empty layer, a config with 128 random
 * bits in it, and two random tags. One tag is deleted, and its sibling and the manifest are looked for; then the
 * digest is deleted, and looked for. It leaves nothing behind where the registry lets it.
 */
import { createHash, randomBytes } from 'node:crypto'
import { invariant } from '../../../core/errors/invariant.ts'
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import { ociManifestType } from '../../../core/image/media-types.ts'
import { parseTagName, type RepositoryName, type TagName } from '../../../core/image/names.ts'
import type { MutableRegistry } from '../../../ports/mutable-registry.ts'
import type { RawManifest } from '../../../ports/readable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpClock } from '../../http/http-types.ts'
import type { OciConnection } from './connection.ts'
import { hasManifest, resolveTag } from './manifests.ts'
import { putBlob } from './put-blob.ts'
import { putManifest } from './put-manifest.ts'

/** Some registries answer before they have deleted: looked for so often, after so long each time. */
const LOOKS_MAX = 4
const LOOK_PAUSE_MS = 500
/** What a deletion takes beside the thing itself may go a little later. */
const SETTLE_MS = 5000

export type DeletionProof =
  /** The manifest went with its digest. `deletesTags`: one tag went alone before. */
  | { readonly is: 'proved'; readonly deletesTags: boolean; readonly text: string }
  /** It refused, or did something else than it was asked. */
  | { readonly is: 'not-proved'; readonly text: string }

export interface ProofSettings {
  readonly connection: OciConnection
  readonly repository: RepositoryName
  /** Asks for every deletion that it is told to. */
  readonly writer: Pick<MutableRegistry, 'untag' | 'deleteManifest'>
  readonly sleep: HttpClock['sleep']
}

/**
 * @throws InterruptedError, and what the HTTP client throws when the registry stops answering; what was pushed by then
 *   stays, and is harmless: an image without content under a tag `winnow-proof-…`
 */
export async function proveDeletion(
  settings: ProofSettings,
  options: RunOptions = {},
): Promise<DeletionProof> {
  const trial = new DeletionTrial(settings, options)
  const refusal = await trial.push()
  if (refusal !== undefined) return { is: 'not-proved', text: refusal }
  const byTag = await trial.tryTag()
  const gone = await trial.tryDigest()
  if (gone !== undefined) return { is: 'not-proved', text: gone }
  return { is: 'proved', deletesTags: byTag.works, text: byTag.text }
}

interface TagFinding {
  readonly works: boolean
  readonly text: string
}

class DeletionTrial {
  readonly #settings: ProofSettings
  readonly #options: RunOptions
  readonly #image = throwAway()
  readonly #tags: readonly [TagName, TagName]

  constructor(settings: ProofSettings, options: RunOptions) {
    this.#settings = settings
    this.#options = options
    const mark = randomBytes(8).toString('hex')
    this.#tags = [tagNamed(`winnow-proof-${mark}-a`), tagNamed(`winnow-proof-${mark}-b`)]
  }

  /** Why it could not be pushed, undefined when it was. */
  async push(): Promise<string | undefined> {
    const { connection, repository } = this.#settings
    for (const blob of this.#image.blobs) {
      const outcome = await putBlob(connection, repository, blob, this.#options)
      if (outcome.kind === 'refused') return `A throw-away image cannot be pushed: ${outcome.text}`
    }
    for (const tag of this.#tags) {
      const { outcome } = await putManifest(connection, repository, this.#image.manifest, tag, this.#options)
      if (outcome.kind === 'refused') return `A throw-away image cannot be pushed: ${outcome.text}`
    }
    return undefined
  }

  /** Deletes one tag; when that took more than the tag, pushes again what it took, for the other question. */
  async tryTag(): Promise<TagFinding> {
    const { writer, repository } = this.#settings
    const [one, sibling] = this.#tags
    // Safe: 64 random bits are nobody's tag but ours, and what it names is ours as well.
    const outcome = await writer.untag(repository, one, this.#options)
    if (outcome.kind === 'refused') return { works: false, text: 'single tags cannot be deleted' }
    const isGone = await this.#comesTrue(async () => !(await this.#isTagThere(one)))
    await this.#settings.sleep(SETTLE_MS, this.#options.signal)
    const isSiblingThere = await this.#isTagThere(sibling)
    const isManifestThere = await this.#isManifestThere()
    if (isSiblingThere && isManifestThere) {
      const text = isGone
        ? 'single tags can be deleted'
        : 'deleting a tag is answered with yes and does nothing'
      return { works: isGone, text }
    }
    const taken = isManifestThere ? 'its sibling tags' : 'the manifest with all its tags'
    await this.push()
    return { works: false, text: `deleting a tag takes ${taken}, so Winnow does not do it` }
  }

  /** Why deletion by digest is not proved, undefined when it is. */
  async tryDigest(): Promise<string | undefined> {
    const { writer, repository } = this.#settings
    const { digest } = this.#image.manifest
    // Safe: the digest of bytes with 128 random bits of ours.
    const outcome = await writer.deleteManifest(repository, digest, this.#options)
    if (outcome.kind === 'refused') return `It refuses to delete by digest: ${outcome.text} ${this.#left()}`
    if (outcome.kind === 'absent' || !(await this.#comesTrue(async () => !(await this.#isManifestThere()))))
      return `It answers that it deleted a manifest, and the manifest is still there. ${this.#left()}`
    for (const tag of this.#tags) {
      if (!(await this.#comesTrue(async () => !(await this.#isTagThere(tag)))))
        return `Deleting a manifest leaves its tags behind. ${this.#left()}`
    }
    return undefined
  }

  #left(): string {
    const { repository } = this.#settings
    return `What was pushed for this stays, an image without content: ${repository}@${this.#image.manifest.digest}`
  }

  async #isTagThere(tag: TagName): Promise<boolean> {
    const { connection, repository } = this.#settings
    return (await resolveTag(connection, repository, tag, this.#options)) !== undefined
  }

  #isManifestThere(): Promise<boolean> {
    const { connection, repository } = this.#settings
    return hasManifest(connection, repository, this.#image.manifest.digest, this.#options)
  }

  async #comesTrue(question: () => Promise<boolean>): Promise<boolean> {
    for (let look = 1; ; look += 1) {
      if (await question()) return true
      if (look === LOOKS_MAX) return false
      await this.#settings.sleep(LOOK_PAUSE_MS, this.#options.signal)
    }
  }
}

interface Blob {
  readonly bytes: Uint8Array
  readonly digest: Digest
}

/** As small as an image can be that every registry takes: one layer, an empty tar archive. */
function throwAway(): { readonly manifest: RawManifest; readonly blobs: readonly Blob[] } {
  const layer = blobOf(Buffer.alloc(1024))
  const config = blobOf(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { Labels: { 'winnow.proof': randomBytes(16).toString('hex') } },
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
    }),
  )
  const describe = ({ bytes, digest }: Blob, mediaType: string): object => ({
    mediaType,
    digest,
    size: bytes.length,
  })
  const document = {
    schemaVersion: 2,
    mediaType: ociManifestType,
    config: describe(config, 'application/vnd.oci.image.config.v1+json'),
    layers: [describe(layer, 'application/vnd.oci.image.layer.v1.tar')],
  }
  return {
    manifest: { ...blobOf(JSON.stringify(document)), mediaType: ociManifestType },
    blobs: [layer, config],
  }
}

function blobOf(content: Uint8Array | string): Blob {
  const bytes = Buffer.from(content)
  return { bytes, digest: digestOf(bytes) }
}

function digestOf(bytes: Uint8Array): Digest {
  const digest = parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`)
  invariant(digest !== undefined, 'SHA-256 gave something that is no digest')
  return digest
}

function tagNamed(text: string): TagName {
  const tag = parseTagName(text)
  invariant(tag !== undefined, `${text} is no tag`)
  return tag
}
