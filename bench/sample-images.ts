/**
 * Fills a registry with what the inventory benchmark reads: 2,000 tags over eight repositories of different sizes, each
 * tag an image of its own, every tenth one for two platforms with an attestation beside each.
 */
import { inParallel } from '../src/app/in-parallel.ts'
import { pushImage, pushMultiPlatform } from '../test/servers/push.ts'

const REPOSITORIES = 8
const UPLOADS_AT_ONCE = 12

interface Sample {
  readonly repository: string
  readonly tag: string
  readonly isMultiPlatform: boolean
}

/** What lies in the registry, as the requests that read it. */
export interface SampleImages {
  readonly tags: readonly { readonly repository: string; readonly tag: string }[]
  readonly manifests: readonly { readonly repository: string; readonly digest: string }[]
  readonly configs: readonly { readonly repository: string; readonly digest: string }[]
}

export async function pushSampleImages(registryUrl: string, count: number): Promise<SampleImages> {
  const samples = Array.from({ length: count }, (_, n): Sample => {
    // 3 % to 22 % each: real registries are uneven, and the last repository must not be read alone for long.
    const repository = `team/app-${Math.floor(REPOSITORIES * Math.sqrt(n / count))}`
    return { repository, tag: `v1.${Math.floor(n / 100)}.${n % 100}`, isMultiPlatform: n % 10 === 0 }
  })
  const found = {
    tags: samples.map(({ repository, tag }) => ({ repository, tag })),
    manifests: [] as { repository: string; digest: string }[],
    configs: [] as { repository: string; digest: string }[],
  }
  await inParallel(samples, UPLOADS_AT_ONCE, async (sample) => {
    const { repository, tag } = sample
    const options = {
      tags: [tag],
      created: '2026-03-01T12:00:00Z',
      labels: { 'org.opencontainers.image.version': tag },
    }
    const image = sample.isMultiPlatform
      ? await pushMultiPlatform(registryUrl, repository, options)
      : await pushImage(registryUrl, repository, options)
    const images = 'children' in image ? image.children : [image]
    const attestations = 'children' in image ? image.attestations : []
    const manifests = 'children' in image ? [image, ...images, ...attestations] : images
    for (const { digest } of manifests) found.manifests.push({ repository, digest })
    for (const { configDigest } of images) found.configs.push({ repository, digest: configDigest })
    for (const { bytes } of attestations) {
      const { config } = JSON.parse(bytes.toString('utf8')) as { config: { digest: string } }
      found.configs.push({ repository, digest: config.digest })
    }
  })
  return found
}
