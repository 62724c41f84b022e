/**
 * An OCI 1.1 registry over HTTP whose manners are chosen: how it pages, what it leaves out, how it fails. Real bytes and
 * digests; the store is the one of the registry in memory.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { RegistryStore, type StoredRepository } from '../../src/adapters/registries/memory/store.ts'
import { parseDigest, type Digest } from '../../src/core/image/digest.ts'
import { ociIndexType } from '../../src/core/image/media-types.ts'
import { parseRepositoryName, parseTagName, type RepositoryName } from '../../src/core/image/names.ts'

export interface OciServerOptions {
  /** @default true */
  readonly referrersApi?: boolean
  /** The most names or referrers on a page. @default 1000 */
  readonly pageMax?: number
  /**
   * How the next page is named: by a relative or absolute URL, with parameters of the server's own, on another host, back
   * to the first page, or not at all. @default 'relative'
   */
  readonly links?: 'relative' | 'absolute' | 'opaque' | 'other-host' | 'circular' | 'none'
  /** Whether HEAD tells the digest, leaves it out, or is refused. @default 'digest' */
  readonly head?: 'digest' | 'no-digest' | 'refused'
  /** Answers in place of the registry; undefined lets the registry answer. */
  readonly intercept?: (request: SeenRequest) => Reply | undefined
}

interface SeenRequest {
  readonly method: string
  /** Path and query. */
  readonly url: string
  /** How often this method and URL came before. */
  readonly before: number
}

export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

export interface OciServer {
  readonly url: string
  readonly store: RegistryStore
  readonly requests: readonly string[]
  stop(): Promise<void>
}

export async function startOciServer(options: OciServerOptions = {}): Promise<OciServer> {
  const store = new RegistryStore()
  const requests: string[] = []
  const seen = new Map<string, number>()
  const server = createServer((request, response) => {
    const reply = async (): Promise<void> => {
      const body = await read(request)
      const { method = '', url = '' } = request
      const before = seen.get(`${method} ${url}`) ?? 0
      seen.set(`${method} ${url}`, before + 1)
      requests.push(`${method} ${url}`)
      send(
        request,
        response,
        options.intercept?.({ method, url, before }) ?? answerOci(store, options, request, body),
      )
    }
    reply().catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    store,
    requests,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => {
          resolve()
        })
      }),
  }
}

const route = /^\/v2\/(.+)\/(tags\/list|manifests\/[^/]+|blobs\/[^/]+|blobs\/uploads\/.*|referrers\/[^/]+)$/

/** What the distribution API answers from `store`; fakes of products answer `/v2/` with it. */
export function answerOci(
  store: RegistryStore,
  options: OciServerOptions,
  request: Pick<IncomingMessage, 'url' | 'method' | 'headers'>,
  body: Buffer,
): Reply {
  const url = new URL(request.url ?? '', `http://${request.headers.host ?? ''}`)
  if (url.pathname === '/v2/') return json(200, {})
  if (url.pathname === '/v2/_catalog')
    return page(url, options, 'repositories', [...store.repositories.keys()].toSorted())
  const [, name = '', rest = ''] = route.exec(url.pathname) ?? []
  const repository = parseRepositoryName(name)
  if (repository === undefined)
    return { status: 404, headers: { 'content-type': 'text/html' }, body: '<h1>Not found</h1>' }
  const [what = '', reference = ''] = rest.split(/\/(.*)/)
  if (what === 'blobs') return blobs(store, repository, request, reference, url, body)
  if (what === 'manifests' && request.method === 'PUT')
    return putManifest(store, repository, request, reference, body)
  const held = store.repositories.get(repository)
  if (held === undefined) return failure(404, 'NAME_UNKNOWN')
  if (what === 'tags') return page(url, options, 'tags', [...held.tags.keys()].toSorted())
  if (what === 'referrers') return referrers(held, options, url, reference)
  return request.method === 'DELETE'
    ? deleteManifest(held, reference)
    : getManifest(held, options, request, reference)
}

function blobs(
  store: RegistryStore,
  repository: RepositoryName,
  { method }: Pick<IncomingMessage, 'method'>,
  reference: string,
  url: URL,
  body: Buffer,
): Reply {
  if (method === 'POST')
    return { status: 202, headers: { location: `/v2/${repository}/blobs/uploads/one?state=x` } }
  if (method === 'PUT') {
    const digest = store.repository(repository).putBlob(body)
    return digest === url.searchParams.get('digest') ? { status: 201 } : failure(400, 'DIGEST_INVALID')
  }
  const digest = parseDigest(reference)
  const bytes = digest && store.repositories.get(repository)?.blobs.get(digest)
  return bytes === undefined ? failure(404, 'BLOB_UNKNOWN') : { status: 200, body: bytes }
}

function putManifest(
  store: RegistryStore,
  name: RepositoryName,
  request: Pick<IncomingMessage, 'headers'>,
  reference: string,
  body: Buffer,
): Reply {
  const repository = store.repository(name)
  const like = parseDigest(reference)
  const tag = like === undefined ? parseTagName(reference) : undefined
  const wasThere = new Set(repository.manifests.keys())
  const digest = repository.putManifest(
    body,
    request.headers['content-type'] ?? '',
    undefined,
    Date.now(),
    like,
  )
  const facts = repository.manifests.get(digest)?.facts
  const missing = facts === undefined ? [] : repository.missingFor(facts)
  if (missing.length > 0) {
    if (!wasThere.has(digest)) repository.remove(digest)
    const errors = missing.map((detail) => ({
      code: 'MANIFEST_BLOB_UNKNOWN',
      message: 'blob unknown',
      detail,
    }))
    return json(400, { errors })
  }
  if (tag !== undefined) repository.tags.set(tag, { digest, pushedAt: Date.now() })
  const subject = facts?.subject
  return {
    status: 201,
    headers: { 'docker-content-digest': digest, ...(subject !== undefined && { 'oci-subject': subject }) },
  }
}

function getManifest(
  repository: StoredRepository,
  { head = 'digest' }: OciServerOptions,
  { method }: Pick<IncomingMessage, 'method'>,
  reference: string,
): Reply {
  if (method === 'HEAD' && head === 'refused') return { status: 405 }
  const digest = digestFor(repository, reference)
  const found = digest && repository.manifests.get(digest)
  if (found === undefined) return failure(404, 'MANIFEST_UNKNOWN')
  const tellsDigest = method !== 'HEAD' || head === 'digest'
  return {
    status: 200,
    headers: {
      'content-type': found.facts.mediaType,
      ...(tellsDigest && { 'docker-content-digest': found.facts.digest }),
    },
    body: found.bytes,
  }
}

function deleteManifest(repository: StoredRepository, reference: string): Reply {
  const tag = parseTagName(reference)
  const digest = parseDigest(reference)
  const isGone =
    digest === undefined ? tag !== undefined && repository.tags.delete(tag) : repository.remove(digest)
  return isGone ? { status: 202 } : failure(404, 'MANIFEST_UNKNOWN')
}

function digestFor(repository: StoredRepository, reference: string): Digest | undefined {
  const tag = parseTagName(reference)
  return parseDigest(reference) ?? (tag && repository.tags.get(tag)?.digest)
}

function referrers(
  repository: StoredRepository,
  options: OciServerOptions,
  url: URL,
  reference: string,
): Reply {
  if (options.referrersApi === false)
    return { status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found' }
  const digest = parseDigest(reference)
  if (digest === undefined) return failure(400, 'DIGEST_INVALID')
  const { names, headers } = cut(url, options, repository.referrersOf(digest).toSorted())
  const manifests = names.flatMap((name) => {
    const found = repository.manifests.get(name)
    return found === undefined
      ? []
      : [{ mediaType: found.facts.mediaType, digest: name, size: found.bytes.length }]
  })
  return {
    status: 200,
    headers: { ...headers, 'content-type': ociIndexType },
    body: JSON.stringify({ schemaVersion: 2, mediaType: ociIndexType, manifests }),
  }
}

function page(url: URL, options: OciServerOptions, field: string, all: readonly string[]): Reply {
  const { names, headers } = cut(url, options, all)
  return {
    status: 200,
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'x', [field]: names }),
  }
}

function cut<T extends string>(
  url: URL,
  { pageMax = 1000, links = 'relative' }: OciServerOptions,
  all: readonly T[],
): { readonly names: readonly T[]; readonly headers: Readonly<Record<string, string>> } {
  const last = url.searchParams.get('last') ?? url.searchParams.get('cursor')
  const asked = Number(url.searchParams.get('n') ?? pageMax)
  const start = last === null ? 0 : all.findIndex((name) => name > last)
  const names = start < 0 ? [] : all.slice(start, start + Math.min(asked, pageMax))
  const isEnd = start < 0 || start + names.length >= all.length
  if (isEnd || links === 'none') return { names, headers: {} }
  const next = new URL(url)
  next.search =
    links === 'opaque'
      ? `?cursor=${names.at(-1) ?? ''}&session=a%2Cb`
      : `?n=${asked}&last=${names.at(-1) ?? ''}`
  if (links === 'other-host') next.host = 'elsewhere.example.com'
  if (links === 'circular') next.search = url.search
  const target = links === 'relative' ? `${next.pathname}${next.search}` : next.href
  return { names, headers: { link: `<${target}>; rel="next"` } }
}

function json(status: number, body: unknown): Reply {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

function failure(status: number, code: string): Reply {
  return json(status, { errors: [{ code, message: code.toLowerCase().replaceAll('_', ' ') }] })
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body = '' }: Reply,
): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
  response.end(request.method === 'HEAD' ? undefined : body)
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
