/** Clients that push, as docker and buildx do: ask what is there, mount or upload what is not, then put the manifest. */
import { pushBlob, pushManifest } from '../servers/push.ts'
import { registryRequest, sha256 } from '../servers/registry-request.ts'
import type { Random } from '../oracle/random.ts'
import type { Ledger, Pushed } from './ledger.ts'

export interface Pushes {
  attempts: number
  failedOnce: number
  failedTwice: number
  skipped: number
  mounted: number
  uploaded: number
  deleted: number
  /** The first few reasons why a push failed twice. */
  readonly reasons: string[]
}

export interface Client {
  readonly url: () => string
  readonly ledger: Ledger
  readonly random: Random
  readonly pushes: Pushes
}

const repositories = ['team/app', 'team/api', 'other/web'] as const
const REASONS_MAX = 5
const types = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
} as const

/** Layers that many images share, and that nobody needs for a while again and again. */
const sharedLayers = Array.from({ length: 14 }, (_, each) =>
  Buffer.alloc(200 + 311 * each, `shared ${each} `),
)

/** One push, with one more try when it fails; failures are counted, and only those that a client would see. */
export async function pushOnce(client: Client): Promise<void> {
  const { ledger, random, pushes } = client
  const pushed = choose(client)
  // Of all that is owed, however much that is: a child that is not held on to here could be deleted under the index.
  const children = ledger
    .owed()
    .filter(({ repository, digest }) => repository === pushed.repository && pushed.children.includes(digest))
  if (children.length < pushed.children.length) return
  await ledger.alone([pushed, ...children], async () => {
    const isOwed = new Set(ledger.owed())
    if (children.some((child) => !isOwed.has(child))) return
    pushes.attempts += 1
    const first = await attempt(client, pushed)
    if (first === undefined) return ledger.accepted(pushed)
    pushes.failedOnce += 1
    const second = await attempt(client, pushed)
    if (second === undefined) return ledger.accepted(pushed)
    pushes.failedTwice += 1
    if (pushes.reasons.length < REASONS_MAX) pushes.reasons.push(second)
    // What was accepted before and could not be confirmed is still owed.
    return undefined
  })
  // Nobody pushes without a pause, and the sweep is to have a chance on few cores.
  await new Promise((resolve) => setTimeout(resolve, random.between(5, 40)))
}

/** Deletes one manifest by its digest. */
export async function deleteOnce({ url, ledger, random, pushes }: Client): Promise<void> {
  const pushed = ledger.deletable(random)
  if (pushed !== undefined) {
    await ledger.alone([pushed], async () => {
      ledger.disowned(pushed)
      await registryRequest(url(), 'DELETE', `/v2/${pushed.repository}/manifests/${pushed.digest}`).catch(
        () => undefined,
      )
      pushes.deleted += 1
    })
  }
  await new Promise((resolve) => setTimeout(resolve, random.between(60, 240)))
}

function choose({ ledger, random }: Client): Pushed {
  const kind = random.next()
  // The same image again: bytes that may be set aside at this moment, the manifest's own included.
  if (kind < 0.25 && ledger.known.length > 0) return random.pick(ledger.known)
  const repository = random.pick(repositories)
  if (kind < 0.4) {
    const images = ledger.owed().filter((one) => one.repository === repository && one.children.length === 0)
    if (images.length > 0) return newIndex(repository, random.some(images, 1, 2))
  }
  return newImage(repository, random)
}

function newImage(repository: string, random: Random): Pushed {
  const own = random.chance(0.3) ? [Buffer.from(`layer ${random.next()}`)] : []
  const layers = [...random.some(sharedLayers, 1, 3), ...own]
  const config = Buffer.from(JSON.stringify({ os: 'linux', architecture: 'amd64', build: random.next() }))
  const describe = (mediaType: string, bytes: Buffer): object => ({
    mediaType,
    digest: sha256(bytes),
    size: bytes.length,
  })
  const document = {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: describe(types.config, config),
    layers: layers.map((layer) => describe(types.layer, layer)),
  }
  const blobs = new Map([config, ...layers].map((bytes) => [sha256(bytes), bytes]))
  return written(repository, document, blobs, [])
}

function newIndex(repository: string, images: readonly Pushed[]): Pushed {
  const manifests = images.map(({ mediaType, digest, bytes }) => ({ mediaType, digest, size: bytes.length }))
  const document = { schemaVersion: 2, mediaType: types.index, manifests }
  const children = images.map(({ digest }) => digest)
  return written(repository, document, new Map(), children)
}

function written(
  repository: string,
  document: { readonly mediaType: string },
  blobs: ReadonlyMap<string, Buffer>,
  children: readonly string[],
): Pushed {
  const bytes = Buffer.from(JSON.stringify(document))
  return { repository, digest: sha256(bytes), mediaType: document.mediaType, bytes, blobs, children }
}

/** Undefined when the registry accepted all of it, or why not. */
async function attempt(client: Client, pushed: Pushed): Promise<string | undefined> {
  const { repository, bytes, mediaType, digest } = pushed
  try {
    for (const [blob, content] of pushed.blobs) await bring(client, repository, blob, content)
    const reference = client.random.chance(0.5) ? digest : `t${client.random.between(1, 40)}`
    await pushManifest(client.url(), repository, bytes, mediaType, reference)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

async function bring(client: Client, repository: string, digest: string, content: Buffer): Promise<void> {
  const { random, pushes } = client
  const head = await registryRequest(client.url(), 'HEAD', `/v2/${repository}/blobs/${digest}`)
  if (head.ok) {
    pushes.skipped += 1
    return
  }
  const from = random.pick(repositories)
  if (from !== repository && random.chance(0.5)) {
    const query = `mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(from)}`
    const path = `/v2/${repository}/blobs/uploads/?${query}`
    const mounted = await registryRequest(client.url(), 'POST', path)
    await mounted.arrayBuffer()
    if (mounted.status === 201) {
      pushes.mounted += 1
      return
    }
  }
  await pushBlob(client.url(), repository, content)
  pushes.uploaded += 1
}
