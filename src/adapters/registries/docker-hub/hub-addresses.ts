/**
 * Where Docker Hub answers: manifests at registry-1.docker.io, lists and times at hub.docker.com; tokens come from
 * auth.docker.io, which the registry names itself. Anything else is one address for all of it, unless `api: {url}` says more.
 */

const hubNames: ReadonlySet<string> = new Set([
  'docker.io',
  'www.docker.io',
  'index.docker.io',
  'registry-1.docker.io',
  'registry.hub.docker.com',
  'hub.docker.com',
])

export interface HubAddresses {
  /** `/v2/` of the distribution API follows it. */
  readonly registry: string
  /** The product's own API, with its `/v2` and without a slash at its end. */
  readonly api: string
}

/** @param baseUrl as configured; docker.io and its other names are all Docker Hub */
export function hubAddresses(baseUrl: string, apiUrl: string | undefined): HubAddresses {
  const isHub = hubNames.has(new URL(baseUrl).hostname)
  const registry = isHub ? 'https://registry-1.docker.io' : baseUrl.replace(/\/+$/, '')
  const api = apiUrl ?? (isHub ? 'https://hub.docker.com' : new URL(baseUrl).origin)
  return { registry, api: `${api.replace(/\/+$/, '').replace(/\/v2$/, '')}/v2` }
}
