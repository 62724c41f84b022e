/**
 * CNCF Distribution as its storage sees it: which files each request reads and writes, one by one and in which order, and
 * what the registry remembers of blobs (2.8 and 3.1, by strace and by source).
 *
 * It keeps an account of its own: which manifests were accepted and not deleted since.
 */
import type { Digest } from '../../../src/core/image/digest.ts'
import { blobPath } from '../../../src/core/sweep/distribution-keys.ts'
import type { Random } from '../../oracle/random.ts'
import { base, history, layer, revision, tag as tagKey } from '../../builders/listed-links.ts'
import type { MemoryFile } from '../../builders/memory-quarantine.ts'
import type { MemoryStore } from '../../builders/memory-store.ts'
import type { Blob, Manifest } from './content.ts'
import type { Actor, Scheduler } from './scheduler.ts'

export type CacheMode = 'none' | 'redis' | 'inmemory'

/** The registry was restarted while it served a request: the client sees its connection closed. */
export class ConnectionResetError extends Error {}

export const dataKey = (digest: Digest): string => `docker/registry/v2/blobs/${blobPath(digest)}/data`

/** The share of steps that take long. */
const SLOW_STEPS = 0.02

export interface RegistrySetup {
  readonly cache: CacheMode
  /** Distribution 2.8 writes files in place, so that an empty one can be seen; 3 writes beside and renames. */
  readonly writesInPlace: boolean
  /** The longest that a request takes. */
  readonly requestMs: number
}

export interface RegistryParts {
  readonly store: MemoryStore
  readonly scheduler: Scheduler
  readonly random: Random
}

export class SimulatedRegistry {
  readonly store: MemoryStore
  readonly setup: RegistrySetup
  /** `<repository> <digest>` of what was accepted and not deleted. */
  readonly live = new Map<string, { readonly repository: string; readonly manifest: Manifest }>()
  restartedAt = Number.NEGATIVE_INFINITY
  readonly #scheduler: Scheduler
  readonly #random: Random
  readonly #known = new Set<string>()
  readonly #knownIn = new Set<string>()
  #epoch = 0
  #uploads = 0

  constructor({ store, scheduler, random }: RegistryParts, setup: RegistrySetup) {
    this.store = store
    this.#random = random
    this.#scheduler = scheduler
    this.setup = setup
  }

  restart(): void {
    this.#epoch += 1
    this.restartedAt = this.#scheduler.clock.now
    if (this.setup.cache !== 'inmemory') return
    this.#known.clear()
    this.#knownIn.clear()
  }

  /** `DEL blobs::<digest>`. */
  forget(digest: Digest): void {
    this.#known.delete(digest)
  }

  /** `DEL repository::<repository>::blobs`. */
  forgetLinks(repository: string): void {
    for (const known of this.#knownIn) if (known.startsWith(`${repository} `)) this.#knownIn.delete(known)
  }

  async headBlob(actor: Actor, repository: string, digest: Digest): Promise<boolean> {
    return this.#serve(actor, (step) => this.#statLinked(step, repository, digest))
  }

  /** POST with `mount`: false says that an upload has to follow. */
  async mount(actor: Actor, from: string, to: string, digest: Digest): Promise<boolean> {
    return this.#serve(actor, async (step) => {
      if (!(await this.#statLinked(step, from, digest))) return false
      await this.#write(step, layer(to, digest), digest)
      return true
    })
  }

  /** POST and PUT of an upload. */
  async upload(actor: Actor, repository: string, { digest, bytes }: Blob): Promise<void> {
    this.#uploads += 1
    const folder = `${base}/${repository}/_uploads/${this.#uploads}`
    await this.#serve(actor, async (step) => {
      await step(() => this.store.put(`${folder}/startedat`, 'now'))
      await step(() => this.store.put(`${folder}/data`, ''))
    })
    await this.#serve(actor, async (step) => {
      await step(() => this.store.put(`${folder}/data`, bytes))
      // The driver itself is asked, whatever is remembered; what is there already is not written again.
      const isThere = await step(() => this.store.files.has(dataKey(digest)))
      if (!isThere) await step(() => this.#moveUpload(`${folder}/data`, digest))
      await this.#write(step, layer(repository, digest), digest)
      await step(() => this.store.drop(`${folder}/startedat`))
      await step(() => this.store.drop(`${folder}/data`))
      await step(() => this.#remember(digest, repository))
    })
  }

  /** PUT of a manifest, under a tag or its digest: whether it was accepted. */
  async putManifest(
    actor: Actor,
    repository: string,
    manifest: Manifest,
    tag: string | undefined,
  ): Promise<boolean> {
    return this.#serve(actor, async (step) => {
      for (const { digest } of manifest.blobs)
        if (!(await this.#statLinked(step, repository, digest))) return false
      for (const { digest } of manifest.children)
        if (!(await this.#statChild(step, repository, digest))) return false
      // What is remembered of it is believed here as well (up to 3.1.1).
      if (!(await this.#stat(step, manifest.digest)))
        await this.#writeBytes(step, dataKey(manifest.digest), manifest.bytes)
      await this.#write(step, revision(repository, manifest.digest), manifest.digest, () =>
        this.live.set(`${repository} ${manifest.digest}`, { repository, manifest }),
      )
      if (tag === undefined) return true
      await this.#write(step, history(repository, tag, manifest.digest), manifest.digest)
      await this.#write(step, tagKey(repository, tag), manifest.digest)
      return true
    })
  }

  /** DELETE of a manifest by its digest. */
  async deleteManifest(actor: Actor, repository: string, digest: Digest): Promise<boolean> {
    return this.#serve(actor, async (step) => {
      const isThere = await step(() => {
        this.live.delete(`${repository} ${digest}`)
        return this.store.drop(revision(repository, digest))
      })
      if (!isThere) return false
      const folder = `${base}/${repository}/_manifests/tags/`
      for (const key of await step(() =>
        this.#keys(folder).filter((each) => each.endsWith('/current/link')),
      )) {
        const target = await step(() => textOf(this.store.files.get(key)))
        if (target !== digest) continue
        const tag = key.slice(0, -'current/link'.length)
        await step(() => this.#keys(tag).forEach((each) => this.store.drop(each)))
      }
      return true
    })
  }

  #keys(prefix: string): readonly string[] {
    return [...this.store.files.keys()].filter((key) => key.startsWith(prefix))
  }

  /** A request: each of its steps waits for a turn, and none happens after a restart. */
  async #serve<T>(actor: Actor, handle: (step: Step) => Promise<T>): Promise<T> {
    const epoch = this.#epoch
    await this.#scheduler.turn(actor)
    actor.deadline = this.#scheduler.clock.now + this.setup.requestMs
    const step: Step = async (act, options) => {
      await this.#scheduler.sleep(actor, this.#pause(actor))
      if (this.#epoch !== epoch && options?.isBegun !== true) throw new ConnectionResetError()
      return act()
    }
    try {
      return await handle(step)
    } finally {
      actor.deadline = undefined
    }
  }

  /** Now and then a request stands still for almost as long as it may. */
  #pause({ deadline = 0 }: Actor): number {
    const leftMs = deadline - this.#scheduler.clock.now
    return this.#random.chance(SLOW_STEPS) ? this.#random.between(0, Math.max(0, leftMs)) : 0
  }

  /** Whether a blob is linked in a repository and stored, as far as the registry knows. */
  async #statLinked(step: Step, repository: string, digest: Digest): Promise<boolean> {
    const isKnown = await step(() => this.#known.has(digest) && this.#knownIn.has(`${repository} ${digest}`))
    if (isKnown) return true
    const isLinked = await step(() => this.store.files.has(layer(repository, digest)))
    if (!isLinked || !(await this.#stat(step, digest))) return false
    if (this.setup.cache !== 'none') await step(() => this.#remember(digest, repository))
    return true
  }

  async #statChild(step: Step, repository: string, digest: Digest): Promise<boolean> {
    const isLinked = await step(() => this.store.files.has(revision(repository, digest)))
    return isLinked && (await this.#stat(step, digest))
  }

  async #stat(step: Step, digest: Digest): Promise<boolean> {
    if (this.#known.has(digest)) return true
    const isThere = await step(() => this.store.files.has(dataKey(digest)))
    if (isThere && this.setup.cache !== 'none') await step(() => this.#remember(digest))
    return isThere
  }

  #remember(digest: Digest, repository?: string): void {
    if (this.setup.cache === 'none') return
    this.#known.add(digest)
    if (repository !== undefined) this.#knownIn.add(`${repository} ${digest}`)
  }

  #moveUpload(from: string, digest: Digest): void {
    const file = this.store.files.get(from)
    if (file === undefined) throw new Error('the upload is gone')
    this.store.drop(from)
    this.store.put(dataKey(digest), file.bytes, file.modifiedAt)
  }

  async #write(step: Step, key: string, digest: Digest, begun?: () => void): Promise<void> {
    await this.#writeBytes(step, key, Buffer.from(digest), begun)
  }

  async #writeBytes(step: Step, key: string, bytes: Uint8Array, begun?: () => void): Promise<void> {
    const open = await step(() => {
      begun?.()
      this.store.put(key, this.setup.writesInPlace ? '' : bytes)
      return this.store.files.get(key)
    })
    if (!this.setup.writesInPlace) return
    // The file was opened: it is written wherever it was moved meanwhile, also when it was removed.
    await step(
      () => {
        const [place] = [...this.store.files].find(([, file]) => file === open) ?? []
        // Its age is that of its opening, or a sweep would seem to take what came after it looked.
        if (place !== undefined) this.store.put(place, bytes, open?.modifiedAt)
      },
      { isBegun: true },
    )
  }
}

type Step = <T>(act: () => T, options?: { readonly isBegun: boolean }) => Promise<T>

function textOf(file: MemoryFile | undefined): string {
  return file === undefined ? '' : Buffer.from(file.bytes).toString()
}
