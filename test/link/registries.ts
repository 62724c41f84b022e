/** The registries that links are recorded in by tests: with the referrers API and without, and what they then list. */
import { startCraneRegistry } from '../servers/crane-registry.ts'
import { startDockerRegistry } from '../servers/docker-registry.ts'
import { registryRequest } from '../servers/registry-request.ts'
import type { BinaryName } from '../servers/find.ts'

export interface LinkTestRegistry {
  readonly url: string
  readonly host: string
  readonly stop: () => Promise<void>
}

export const linkRegistries: readonly {
  readonly name: string
  readonly binary: BinaryName
  readonly hasReferrersApi: boolean
  readonly start: () => Promise<LinkTestRegistry>
}[] = [
  {
    name: 'Distribution 2.8',
    binary: 'docker-registry',
    hasReferrersApi: false,
    start: () => startDockerRegistry({ binary: 'debian' }),
  },
  {
    name: 'Distribution 3',
    binary: 'registry3',
    hasReferrersApi: false,
    start: () => startDockerRegistry({ binary: 'v3' }),
  },
  {
    name: 'a registry with the referrers API',
    binary: 'crane-registry',
    hasReferrersApi: true,
    start: startCraneRegistry,
  },
]

const manifestTypes = 'application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json'

export async function tagsOf(url: string, repository: string): Promise<readonly string[]> {
  const answer = await registryRequest(url, 'GET', `/v2/${repository}/tags/list`)
  return ((await answer.json()) as { tags: string[] | null }).tags ?? []
}

export interface ListedReferrer {
  readonly digest: string
  readonly artifactType?: string
  readonly annotations?: Readonly<Record<string, string>>
}

/** What stands in an index of referrers: the registry's own, or the one under the fallback tag. */
export async function referrersAt(
  url: string,
  repository: string,
  digest: string,
  from: 'api' | 'tag',
): Promise<readonly ListedReferrer[]> {
  const path =
    from === 'api'
      ? `/v2/${repository}/referrers/${digest}`
      : `/v2/${repository}/manifests/${digest.replace(':', '-')}`
  const answer = await registryRequest(url, 'GET', path, { headers: { accept: manifestTypes } })
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`)
  return ((await answer.json()) as { manifests: ListedReferrer[] }).manifests
}

export async function manifestAt(url: string, repository: string, reference: string): Promise<unknown> {
  const path = `/v2/${repository}/manifests/${reference}`
  const answer = await registryRequest(url, 'GET', path, { headers: { accept: manifestTypes } })
  return answer.status === 200 ? answer.json() : undefined
}
