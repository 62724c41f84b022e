/**
 * Google Cloud Storage's JSON API, as far as the store uses it: objects by generation, preconditions, versioning, soft
 * deletion, paging, and a login.
 *
 * All of it is from the public documentation; none was compared with the real service. From there: a removal in a bucket with
 * versioning makes the object noncurrent, one by `generation` removes it for good, and with a soft delete policy what is
 * removed for good stays as softly deleted. Softly deleted objects are listed and described with `softDeleted=true` only,
 * cannot be read, and are restored as a new generation while the softly deleted one remains.
 */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

export interface GcsServerOptions {
  readonly bucket: string
  readonly versioning?: boolean
  readonly softDeleteSeconds?: number
  /** When set, requests without it are refused with 401. */
  readonly token?: string
  /** Answers in place of the server where it gives one. */
  readonly interfere?: (request: { method: string; url: URL }) => number | undefined
  /** Whether a request is carried out and then answered with 503. */
  readonly losesAnswer?: (request: { method: string; url: URL }) => boolean
}

export interface GcsServer {
  readonly url: string
  readonly stop: () => Promise<void>
}

interface Stored {
  readonly name: string
  readonly generation: number
  readonly bytes: Buffer
  readonly updated: string
  state: 'live' | 'noncurrent' | 'soft-deleted'
}

interface Call {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly body: Buffer
}

interface Answer {
  readonly status: number
  readonly json?: unknown
  readonly bytes?: Buffer
  readonly headers?: Readonly<Record<string, string>>
}

const notFound: Answer = { status: 404, json: { error: { code: 404, errors: [{ reason: 'notFound' }] } } }
const notMet: Answer = {
  status: 412,
  json: { error: { code: 412, errors: [{ reason: 'conditionNotMet' }] } },
}

export async function startGcsServer(options: GcsServerOptions): Promise<GcsServer> {
  const bucket = new Bucket(options)
  const server = createServer((request, response) => {
    respond(bucket, options, request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('A TCP server has no port.')
  return {
    url: `http://127.0.0.1:${address.port}`,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}

async function respond(
  bucket: Bucket,
  { token, interfere, losesAnswer }: GcsServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const method = request.method ?? 'GET'
  const url = new URL(request.url ?? '/', 'http://localhost')
  const status = interfere?.({ method, url })
  const isRefused = token !== undefined && request.headers.authorization !== `Bearer ${token}`
  const call = { method, path: url.pathname, query: url.searchParams, body: Buffer.concat(chunks) }
  const answer =
    status !== undefined ? { status, json: {} } : isRefused ? { status: 401, json: {} } : bucket.answer(call)
  if (losesAnswer?.({ method, url }) === true) {
    response.writeHead(503).end()
    return
  }
  const body = answer.bytes ?? (answer.json === undefined ? '' : JSON.stringify(answer.json))
  response.writeHead(answer.status, { 'content-length': Buffer.byteLength(body), ...answer.headers })
  response.end(body)
}

class Bucket {
  readonly #options: GcsServerOptions
  readonly #objects = new Map<string, Stored[]>()
  #generation = 1_700_000_000_000_000

  constructor(options: GcsServerOptions) {
    this.#options = options
  }

  answer({ method, path, query, body }: Call): Answer {
    const base = `/b/${this.#options.bucket}`
    const rest = path.replace(/^(?:\/upload)?\/storage\/v1/, '')
    if (rest === base) return { status: 200, json: this.#describe() }
    if (rest === `${base}/o`) return method === 'GET' ? this.#list(query) : this.#upload(query, body)
    const [, name, then = ''] = new RegExp(`^${base}/o/([^/]+)(?:/(.+))?$`).exec(rest) ?? []
    if (name === undefined) return notFound
    const object = decodeURIComponent(name)
    if (method === 'GET') return this.#get(object, query)
    if (method === 'DELETE') return this.#remove(object, query)
    if (then === 'restore') return this.#restore(object, query)
    const [, target] = new RegExp(`^rewriteTo${base}/o/([^/]+)$`).exec(then) ?? []
    return target === undefined ? notFound : this.#rewrite(object, decodeURIComponent(target), query)
  }

  #describe(): unknown {
    const { versioning = false, softDeleteSeconds = 0 } = this.#options
    return {
      versioning: { enabled: versioning },
      softDeletePolicy: { retentionDurationSeconds: String(softDeleteSeconds) },
    }
  }

  #find(name: string, state: Stored['state'] | undefined, generation: string | null): Stored | undefined {
    return this.#objects
      .get(name)
      ?.find(
        (each) =>
          (generation === null || String(each.generation) === generation) &&
          (state === undefined ? each.state !== 'soft-deleted' : each.state === state),
      )
  }

  #isMet(name: string, query: URLSearchParams): boolean {
    const wanted = query.get('ifGenerationMatch')
    return wanted === null || wanted === String(this.#find(name, 'live', null)?.generation ?? 0)
  }

  /** What happens to a live object when it goes: by itself, or because a newer one takes its name. */
  #retire(object: Stored, forGood: boolean): void {
    const { versioning = false, softDeleteSeconds = 0 } = this.#options
    if (versioning && !forGood) object.state = 'noncurrent'
    else if (softDeleteSeconds > 0) object.state = 'soft-deleted'
    else {
      const rest = this.#objects.get(object.name)?.filter((each) => each !== object) ?? []
      if (rest.length > 0) this.#objects.set(object.name, rest)
      else this.#objects.delete(object.name)
    }
  }

  #put(name: string, bytes: Buffer): Stored {
    const live = this.#find(name, 'live', null)
    if (live !== undefined) this.#retire(live, false)
    this.#generation += 1
    const updated = new Date().toISOString()
    const stored: Stored = { name, generation: this.#generation, bytes, updated, state: 'live' }
    this.#objects.set(name, [...(this.#objects.get(name) ?? []), stored])
    return stored
  }

  #list(query: URLSearchParams): Answer {
    const prefix = query.get('prefix') ?? ''
    const delimiter = query.get('delimiter')
    const names = new Map<string, Stored | undefined>()
    for (const name of this.#objects.keys()) {
      const live = name.startsWith(prefix) ? this.#find(name, 'live', null) : undefined
      if (live === undefined) continue
      const end = delimiter === null ? -1 : name.indexOf(delimiter, prefix.length)
      if (end >= 0) names.set(name.slice(0, end + 1), undefined)
      else names.set(name, live)
    }
    // Names and prefixes count alike, in one order.
    const all = [...names].toSorted(([a], [b]) => (a < b ? -1 : 1))
    const start = Number(query.get('pageToken') ?? 0)
    const end = start + Math.min(Number(query.get('maxResults') ?? 1000), 1000)
    const page = all.slice(start, end)
    const json = {
      items: page.flatMap(([, object]) => (object === undefined ? [] : [resource(object)])),
      prefixes: page.flatMap(([name, object]) => (object === undefined ? [name] : [])),
      ...(end < all.length ? { nextPageToken: String(end) } : {}),
    }
    return { status: 200, json }
  }

  #get(name: string, query: URLSearchParams): Answer {
    const generation = query.get('generation')
    const isSoft = query.get('softDeleted') === 'true'
    const usual = generation === null ? 'live' : undefined
    const object = this.#find(name, isSoft ? 'soft-deleted' : usual, generation)
    if (object === undefined) return notFound
    if (query.get('alt') !== 'media') return { status: 200, json: resource(object) }
    if (object.state === 'soft-deleted') return { status: 400, json: {} }
    return {
      status: 200,
      bytes: object.bytes,
      headers: { 'last-modified': new Date(object.updated).toUTCString() },
    }
  }

  #upload(query: URLSearchParams, body: Buffer): Answer {
    const name = query.get('name') ?? ''
    if (!this.#isMet(name, query)) return notMet
    return { status: 200, json: resource(this.#put(name, body)) }
  }

  #remove(name: string, query: URLSearchParams): Answer {
    const generation = query.get('generation')
    const object = this.#find(name, generation === null ? 'live' : undefined, generation)
    if (object === undefined) return notFound
    if (!this.#isMet(name, query)) return notMet
    this.#retire(object, generation !== null)
    return { status: 204 }
  }

  #rewrite(name: string, target: string, query: URLSearchParams): Answer {
    const generation = query.get('sourceGeneration')
    const source = this.#find(name, generation === null ? 'live' : undefined, generation)
    if (source === undefined) return notFound
    if (!this.#isMet(target, query)) return notMet
    // Big ones in two calls, as between classes of storage.
    if (source.bytes.length > 50_000 && query.get('rewriteToken') === null) {
      return { status: 200, json: { done: false, rewriteToken: 'more' } }
    }
    return { status: 200, json: { done: true, resource: resource(this.#put(target, source.bytes)) } }
  }

  #restore(name: string, query: URLSearchParams): Answer {
    const object = this.#find(name, 'soft-deleted', query.get('generation'))
    if (object === undefined) return notFound
    if (!this.#isMet(name, query)) return notMet
    return { status: 200, json: resource(this.#put(name, object.bytes)) }
  }
}

function resource({ name, generation, bytes, updated, state }: Stored): unknown {
  return {
    name,
    generation: String(generation),
    size: String(bytes.length),
    updated,
    md5Hash: createHash('md5').update(bytes).digest('base64'),
    ...(state === 'noncurrent' ? { timeDeleted: updated } : {}),
  }
}
