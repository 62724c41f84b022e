/**
 * Requests to one bucket over the JSON API, by the HTTP client of this program: its retries, limits and redaction.
 *
 * A 404 says the same for an object that is not there and for a bucket that is not; so the bucket is asked for once, before
 * anything is believed to be absent.
 */
import { throwIfAborted } from '../objects/parallel.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { createHttpClient } from '../../http/client.ts'
import type { CredentialSource } from '../../http/credentials.ts'
import type { HttpClient, HttpMethod, HttpResponse, HttpRetry } from '../../http/http-types.ts'
import { gcsCredentials, type GcsAccess } from './gcs-credentials.ts'
import { failed, noBucket, refused, tooLong, type Attempt } from './gcs-errors.ts'

const GOOGLE = 'https://storage.googleapis.com'
const CONCURRENCY_DEFAULT = 32
const REFUSAL_BYTES_MAX = 64 * 1024

export interface GcsSettings {
  readonly bucket: string
  /** Where the registry's files begin in the bucket; with or without slashes at its ends. */
  readonly prefix: string
  /** @default STORAGE_EMULATOR_HOST, which is asked without a login; else Google's own */
  readonly endpoint?: string | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
  /** How long what is set aside must be kept; soft deletion that ends sooner is not used. @default 7 days */
  readonly quarantineMs?: number | undefined
  /** Where the bucket softly deletes: up to this size, files that are set aside can be read. @default 8 MiB */
  readonly readableBytesMax?: number
  /** Objects a page. @default 1000, which is the most there is */
  readonly pageSize?: number
  /** @default gcsCredentials() */
  readonly credentials?: CredentialSource
  readonly retry?: HttpRetry
}

export interface GcsRequest extends Attempt {
  readonly method: HttpMethod
  /** From `/b/BUCKET`; `upload` goes to the other end-point for those. */
  readonly path: string
  readonly upload?: boolean
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly body?: Uint8Array | string
  /** Statuses that are outcomes. */
  readonly accepts: readonly number[]
}

export interface GcsRequests {
  readonly send: (request: GcsRequest, options?: RunOptions) => Promise<HttpResponse>
}

export function gcsRequests(settings: GcsSettings, access: GcsAccess): GcsRequests {
  const { base, http } = openClient(settings, access)
  const send = async (request: GcsRequest, options?: RunOptions): Promise<HttpResponse> => {
    throwIfAborted(options)
    const { method, path, query, body, bytesMax } = request
    const url = new URL(`${base}${request.upload === true ? '/upload' : ''}/storage/v1${path}`)
    for (const [name, value] of Object.entries(query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, value)
    }
    // A refusal has a body as well, which may be longer than the file that was asked for.
    const limits = bytesMax === undefined ? {} : { bodyBytesMax: Math.max(bytesMax, REFUSAL_BYTES_MAX) }
    const content =
      body === undefined ? {} : { body, headers: { 'content-type': 'application/octet-stream' } }
    try {
      // Every POST here is safe to repeat: writes that must not come twice carry a precondition.
      const sent = { method, url: url.href, idempotent: true, ...limits, ...content }
      const response = await http.request(sent, options)
      if (!request.accepts.includes(response.status)) throw refused(request, response)
      const isTooLong = bytesMax !== undefined && response.status === 200 && response.body.length > bytesMax
      if (isTooLong) throw tooLong(request.where, bytesMax)
      return response
    } catch (error) {
      throw failed(request, error)
    }
  }
  const bucketOnce = rememberBucket(settings, send)
  return {
    send: async (request, options) => {
      await bucketOnce(request.changes, options)
      return send(request, options)
    },
  }
}

function openClient(settings: GcsSettings, access: GcsAccess): { base: string; http: HttpClient } {
  const { environment } = settings
  const emulator = environment['STORAGE_EMULATOR_HOST']
  const isEmulated = settings.endpoint === undefined && emulator !== undefined && emulator !== ''
  const written = isEmulated ? emulator : (settings.endpoint ?? GOOGLE)
  const base = (written.includes('://') ? written : `http://${written}`).replace(/\/+$/, '')
  const credentials = settings.credentials ?? (isEmulated ? undefined : gcsCredentials(access, environment))
  const http = createHttpClient({
    base,
    concurrency: CONCURRENCY_DEFAULT,
    authorization: 'static',
    environment,
    // Nothing secret is sent to an emulator.
    insecure: isEmulated,
    ...(credentials === undefined ? {} : { credentials }),
    ...(settings.retry === undefined ? {} : { retry: settings.retry }),
  })
  return { base, http }
}

function rememberBucket(
  { bucket }: GcsSettings,
  send: GcsRequests['send'],
): (changes: boolean, options: RunOptions | undefined) => Promise<void> {
  const where = `gs://${bucket}`
  let isThere = false
  return async (changes, options) => {
    if (isThere) return
    const path = `/b/${encodeURIComponent(bucket)}/o`
    const query = { maxResults: '1', fields: 'kind' }
    const response = await send({ method: 'GET', path, query, where, changes, accepts: [200, 404] }, options)
    if (response.status === 404) throw noBucket(where)
    isThere = true
  }
}
