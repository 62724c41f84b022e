/** What a registry really holds, asked for by the tests' own requests and never by the product. */
import { pullWhole } from '../servers/pull-whole.ts'
import { fail, registryRequest } from '../servers/registry-request.ts'
import type { PushedSpec } from './images.ts'

const ACCEPT = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

/** `repository:tag` → digest, for every tag of these repositories. */
export async function allTags(
  url: string,
  repositories: Iterable<string>,
): Promise<ReadonlyMap<string, string>> {
  const tags = new Map<string, string>()
  for (const repository of [...new Set(repositories)].toSorted()) {
    const listed = await registryRequest(url, 'GET', `/v2/${repository}/tags/list`)
    if (!listed.ok) await fail(repository, listed)
    const names = ((await listed.json()) as { readonly tags: readonly string[] | null }).tags ?? []
    for (const name of names.toSorted()) {
      const digest = await digestOf(url, repository, name)
      if (digest !== undefined) tags.set(`${repository}:${name}`, digest)
    }
  }
  return tags
}

/** The digest behind a tag or digest; undefined when it is not there. */
export async function digestOf(
  url: string,
  repository: string,
  reference: string,
): Promise<string | undefined> {
  const path = `/v2/${repository}/manifests/${reference}`
  const response = await registryRequest(url, 'HEAD', path, { headers: { accept: ACCEPT } })
  if (response.status === 404) return undefined
  if (!response.ok) await fail(path, response)
  return response.headers.get('docker-content-digest') ?? undefined
}

/** Pulls an image, by its digest and each of its tags, with everything below and beside it; throws at the first loss. */
export async function pullEverything(url: string, image: PushedSpec): Promise<void> {
  const { repository, digest, tags, company, attachedTags } = image
  for (const reference of [digest, ...tags, ...company, ...attachedTags])
    await pullWhole(url, repository, reference)
}
