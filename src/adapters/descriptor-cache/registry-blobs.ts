/**
 * The two requests of the distribution specification that a canary needs: pushing a small blob, and asking for one.
 *
 * Promises: what a registry refuses is an answer with a reason. A blob counts as known whenever the registry does not
 * plainly say 404: a redirect to a bucket means that the registry itself believes the blob is there.
 */
import { InterruptedError, OperationalError } from '../../core/errors/errors.ts'
import type { Digest } from '../../core/image/digest.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import type { HttpClient, HttpResponse } from '../http/http-types.ts'

/** One address of a registry: of all of it, or of one of its replicas. */
export interface RegistryAddress {
  /** Scheme, host and port, with a path where the registry lives below one; `/v2/` follows it. */
  readonly baseUrl: string
  /** For its own origin. */
  readonly http: HttpClient
}

/** A sentence's worth, beginning in the middle of it: `the registry refused … (status 403)`. */
export interface Refused {
  readonly kind: 'refused'
  readonly why: string
}

type Pushed = { readonly kind: 'pushed' } | Refused

const versionHeader = 'docker-distribution-api-version'

/** End-4a and end-6 of the specification: an upload is opened, and its content sent whole. */
export async function pushBlob(
  at: RegistryAddress,
  blob: { readonly repository: string; readonly digest: Digest; readonly bytes: Uint8Array },
  options: RunOptions = {},
): Promise<Pushed> {
  const scopes = [`repository:${blob.repository}:pull,push`]
  const url = urlOf(at, `${blob.repository}/blobs/uploads/`)
  return await orRefused(async () => {
    const opened = await at.http.request({ method: 'POST', url, scopes }, options)
    const location = opened.headers.get('location')
    if (opened.status !== 202 || location === undefined) return refusedPush(blob.repository, opened)
    const upload = new URL(location, opened.url)
    upload.searchParams.set('digest', blob.digest)
    const headers = { 'content-type': 'application/octet-stream' }
    const put = { method: 'PUT', url: upload.href, scopes, headers, body: blob.bytes } as const
    const stored = await at.http.request(put, options)
    return stored.status === 201 ? { kind: 'pushed' } : refusedPush(blob.repository, stored)
  })
}

/** Whether the registry says that it has a blob. Every call goes over a connection of its own. */
export async function knowsBlob(
  at: RegistryAddress,
  blob: { readonly repository: string; readonly digest: Digest },
  options: RunOptions = {},
): Promise<boolean | Refused> {
  const url = urlOf(at, `${blob.repository}/blobs/${blob.digest}`)
  const scopes = [`repository:${blob.repository}:pull`]
  return await orRefused(async () => {
    const answer = await at.http.request({ method: 'HEAD', url, scopes }, options)
    if (answer.url !== new URL(url).href || answer.status === 200) return true
    // A 404 of whatever stands in front of a registry that is just not there looks the same, but for this.
    const isItsOwn = answer.headers.get(versionHeader) === 'registry/2.0'
    if (answer.status === 404 && isItsOwn) return false
    const whose = isItsOwn ? '' : ', which is no answer of the registry itself'
    const why = `${at.baseUrl} answered with status ${answer.status} when asked for a blob${whose}`
    return { kind: 'refused', why }
  })
}

/**
 * Whether this is Distribution 2, whose cache in memory forgets nothing while it runs. Distribution 3 writes the type of
 * its greeting without a character set, and others are not asked for here.
 */
export async function isDistribution2(at: RegistryAddress, options: RunOptions = {}): Promise<boolean> {
  const said = await orRefused(() => at.http.request({ method: 'GET', url: urlOf(at, '') }, options))
  return (
    !('kind' in said) &&
    said.headers.get(versionHeader) === 'registry/2.0' &&
    said.headers.get('content-type') === 'application/json; charset=utf-8' &&
    !said.headers.has('gitlab-container-registry-version')
  )
}

function urlOf({ baseUrl }: RegistryAddress, path: string): string {
  return `${baseUrl.replace(/\/+$/, '')}/v2/${path}`
}

/** A registry that cannot be asked tells nothing, and nothing is what the gate makes of it; only interruptions pass. */
async function orRefused<T>(ask: () => Promise<T | Refused>): Promise<T | Refused> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof InterruptedError || !(error instanceof OperationalError)) throw error
    return { kind: 'refused', why: error.message.replace(/\.$/, '') }
  }
}

function refusedPush(repository: string, { status }: HttpResponse): Refused {
  const because: Readonly<Record<number, string>> = {
    401: 'it wants credentials',
    403: 'these credentials may not push there',
    405: 'it is read-only',
  }
  const why = because[status] ?? `it answered with status ${status}`
  return { kind: 'refused', why: `the registry took no push to ${repository}: ${why}` }
}
