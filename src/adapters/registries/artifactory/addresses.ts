/**
 * Where the parts of an Artifactory are, from the addresses in the configuration; pure.
 *
 * One repository key holds many images, and clients name it in one of three ways: as the first segment of the path
 * (`acme.jfrog.io/docker-local/team/app`), by a host of its own (`docker-local.acme.example.com/team/app`), or by a port.
 */
import { OperationalError, type ErrorCategory } from '../../../core/errors/errors.ts'
import type { RegistryName } from '../../../core/image/names.ts'

/** The repository key that the configuration means cannot be used, or cannot be found out. */
export class ArtifactoryKeyError extends OperationalError {
  readonly code = 'ARTIFACTORY_REPOSITORY'
  override readonly category: ErrorCategory = 'configuration'
  readonly hint: string

  constructor(registry: string, why: string, hint: string) {
    super(`${registry}: ${why}.`)
    this.hint = hint
  }
}

export interface ArtifactoryAddresses {
  /** `https://acme.jfrog.io/artifactory`. */
  readonly api: string
  /** What `/v2/` follows. */
  readonly oci: string
  /** The repository key that an address names; then images are called without it. */
  readonly key: string | undefined
  /** The host that images are pulled from, which may name the key. */
  readonly host: string
}

/**
 * @param baseUrl `https://acme.jfrog.io`, `https://acme.jfrog.io/docker-local`, `https://docker-local.acme.example.com`
 * @param apiUrl `https://acme.example.com/artifactory`; with `/api/docker/KEY` behind it, it names the key as well
 * @throws ArtifactoryKeyError when the path of an address is none of these
 */
export function artifactoryAddresses(
  name: RegistryName,
  baseUrl: string,
  apiUrl: string | undefined,
): ArtifactoryAddresses {
  const base = new URL(baseUrl)
  const inPath = keyInPath(name, base)
  const named = apiUrl === undefined ? undefined : /^(.*)\/api\/docker\/([^/]+)$/.exec(apiUrl)
  const api = named?.[1] ?? apiUrl?.replace(/\/api$/, '') ?? `${base.origin}/artifactory`
  return {
    api,
    // The REST alias answers whatever way of naming keys the proxy before Artifactory knows.
    oci: inPath === undefined ? base.origin : `${api}/api/docker/${inPath}`,
    key: inPath ?? named?.[2],
    host: base.hostname,
  }
}

function keyInPath(name: RegistryName, { pathname, origin }: URL): string | undefined {
  const rest = pathname.replace(/^\/artifactory(?=\/|$)/, '').replace(/^\/api\/docker(?=\/|$)/, '')
  const [key, ...more] = rest.split('/').filter((segment) => segment !== '' && segment !== 'v2')
  if (more.length === 0) return key
  throw new ArtifactoryKeyError(
    name,
    `the path ${pathname} of its url names more than a repository key`,
    `Write ${origin}/${key ?? 'docker-local'} and name the images in the policy: repositories: ["${more.join('/')}/**"].`,
  )
}

/** Whether a host is that of one repository: `docker-local.acme.example.com`, `acme-docker-local.jfrog.io`. */
export function isHostOf(key: string, host: string, api: string): boolean {
  const [label = ''] = host.split('.')
  const [server = ''] = new URL(api).hostname.split('.')
  return host.includes('.') && (label === key || label === `${server}-${key}`)
}
