/**
 * `kind: auto`: which registry this is, by its host name, else by a few harmless requests.
 *
 * What is not recognised is `generic`, which is trusted with the least.
 */
import type { RegistryName } from '../../core/image/names.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import type { HttpClient, HttpResponse } from '../http/http-types.ts'
import type { RegistryKind } from './index.ts'
import { contentType, isRecord } from './oci/answers.ts'
import { OciConnection } from './oci/connection.ts'

export interface RecognisedRegistry {
  readonly kind: RegistryKind
  /** What a person should know about it. */
  readonly note: string | undefined
}

/**
 * @throws InterruptedError, and what the HTTP client throws when the registry cannot be asked
 */
export async function recogniseRegistry(
  registry: { readonly name: RegistryName; readonly baseUrl: string; readonly http: HttpClient },
  options?: RunOptions,
): Promise<RecognisedRegistry> {
  const kind =
    kindOfHost(new URL(registry.baseUrl).hostname) ??
    (await kindOfAnswers(new OciConnection(registry), options))
  return { kind, note: undefined }
}

const hosts: readonly (readonly [RegExp, RegistryKind])[] = [
  [/\.dkr[.-]ecr(-fips)?\.[a-z0-9-]+\.(amazonaws\.com(\.cn)?|on\.aws)$/, 'ecr'],
  [/^public\.ecr\.aws$/, 'ecr'],
  [/(^|\.)gcr\.io$|-docker\.pkg\.dev$/, 'artifact-registry'],
  [/\.azurecr\.(io|cn|us)$/, 'acr'],
  [/(^|\.)docker\.io$|^hub\.docker\.com$/, 'docker-hub'],
  [/^ghcr\.io$/, 'ghcr'],
  [/^registry\.gitlab\.com$/, 'gitlab'],
  [/^quay\.io$/, 'quay'],
  [/\.jfrog\.io$/, 'artifactory'],
]

export function kindOfHost(host: string): RegistryKind | undefined {
  return hosts.find(([pattern]) => pattern.test(host.toLowerCase()))?.[1]
}

async function kindOfAnswers(
  connection: OciConnection,
  options: RunOptions | undefined,
): Promise<RegistryKind> {
  const root = await connection.get('', [], 'application/json', options)
  const named = kindOfHeaders(root)
  if (named !== undefined) return named
  const extensions = await connection.get('_oci/ext/discover', [], 'application/json', options)
  if (isZot(extensions)) return 'zot'
  // Distribution has no such route at all, whatever the repository: Go's own 404 page answers.
  const referrers = await connection.get(`winnow/referrers/sha256:${'0'.repeat(64)}`, [], '*/*', options)
  const isGoPage = referrers.status === 404 && contentType(referrers) === 'text/plain'
  return isGoPage && root.headers.get('docker-distribution-api-version') === 'registry/2.0'
    ? 'distribution'
    : 'generic'
}

function kindOfHeaders({ headers }: HttpResponse): RegistryKind | undefined {
  if (headers.has('x-jfrog-version') || headers.has('x-artifactory-id')) return 'artifactory'
  if (headers.has('gitlab-container-registry-version')) return 'gitlab'
  return /^nexus/i.test(headers.get('server') ?? '') ? 'nexus' : undefined
}

function isZot(response: HttpResponse): boolean {
  if (response.status !== 200 || contentType(response) !== 'application/json') return false
  const body = response.json()
  const extensions = isRecord(body) ? body['extensions'] : undefined
  return Array.isArray(extensions) && extensions.some((each) => isRecord(each) && each['name'] === '_zot')
}
