/**
 * F8: a running registry that remembers blobs. An image is deleted, a collector runs beside the registry, and the same image
 * is pushed again by a client that asks first what is there, as clients do.
 */
import {
  startDockerRegistry,
  type DistributionLine,
  type DockerRegistry,
} from '../servers/docker-registry.ts'
import { pullWhole, pushManifest, pushBlob, pushImage, type PushedImage } from '../servers/push.ts'
import { registryRequest } from '../servers/registry-request.ts'
import { deleteByDigest } from './real-trees.ts'

export interface PushedAgain {
  /** What the second push ended with; undefined when it went well. */
  readonly refused: string | undefined
  /** What keeps the image from being pulled right after; undefined when it is whole. */
  readonly broken: string | undefined
}

const repository = 'team/app'
const layer = Buffer.from('remembered by the registry')

export interface Remembering {
  readonly server: DockerRegistry
  readonly image: PushedImage
}

/** A registry that has a deleted image, and remembers its blobs. */
export async function rememberDeleted(
  line: DistributionLine,
  storageDir: string,
  cache: Parameters<typeof startDockerRegistry>[0] = { cache: 'inmemory' },
): Promise<Remembering> {
  const server = await startDockerRegistry({ binary: line, storageDir, ...cache })
  await pushImage(server.url, 'other/app', { tags: ['stays'] })
  const image = await pushImage(server.url, repository, { tags: ['1.0'], layers: [layer] })
  await pullWhole(server.url, repository, '1.0')
  await deleteByDigest(server.url, repository, image.digest)
  return { server, image }
}

/** As clients push: what the registry says it has is not uploaded. */
export async function pushAgain({ server: { url }, image }: Remembering): Promise<PushedAgain> {
  const refused = await said(async () => {
    for (const digest of image.layerDigests) {
      const head = await registryRequest(url, 'HEAD', `/v2/${repository}/blobs/${digest}`)
      if (!head.ok) await pushBlob(url, repository, layer)
    }
    const config = await registryRequest(url, 'HEAD', `/v2/${repository}/blobs/${image.configDigest}`)
    if (config.ok) await pushManifest(url, repository, image.bytes, image.mediaType, '1.0')
    else await pushImage(url, repository, { tags: ['1.0'], layers: [layer] })
  })
  return { refused, broken: await brokenIn({ server: { url } }) }
}

/** Why the image that was pushed again cannot be pulled. */
export async function brokenIn({
  server: { url },
}: {
  readonly server: Pick<DockerRegistry, 'url'>
}): Promise<string | undefined> {
  return said(async () => {
    await pullWhole(url, repository, '1.0')
  })
}

async function said(act: () => Promise<void>): Promise<string | undefined> {
  try {
    await act()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
