/** One container of the scripted Azure Blob Storage; azure-blob-server.ts says where its behaviour is from. */
import { createHash } from 'node:crypto'

export interface AzureCall {
  readonly method: string
  readonly query: URLSearchParams
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
}

export interface AzureAnswer {
  readonly status: number
  readonly body?: string | Buffer
  readonly headers?: Readonly<Record<string, string | number>>
}

interface Blob {
  readonly name: string
  readonly bytes: Buffer
  readonly etag: string
  readonly modified: Date
  readonly versionId: string | undefined
  readonly metadata: readonly (readonly [string, string])[]
  state: 'live' | 'older' | 'deleted'
}

interface Keeping {
  readonly versioning?: boolean
  readonly softDeleteDays?: number
}

export class AzureContainerState {
  readonly #keeping: Keeping
  readonly #blobs = new Map<string, Blob[]>()
  #count = 0

  constructor(keeping: Keeping) {
    this.#keeping = keeping
  }

  answer(name: string, call: AzureCall): AzureAnswer {
    const { method, query, headers } = call
    if (method === 'PUT' && query.get('comp') === 'undelete') return this.#undelete(name)
    if (method === 'PUT') {
      const source = headers.get('x-ms-copy-source')
      return source === undefined ? this.#upload(name, call) : this.#copy(name, source, call)
    }
    const versionId = query.get('versionid')
    const blob = versionId === null ? this.#live(name) : this.#version(name, versionId)
    if (blob === undefined) return refusal(404, 'BlobNotFound')
    if (method === 'DELETE') return this.#delete(blob, versionId !== null, headers.get('if-match'))
    return this.#describe(blob, method === 'GET')
  }

  list(query: URLSearchParams): AzureAnswer {
    const prefix = query.get('prefix') ?? ''
    const delimiter = query.get('delimiter')
    const isDeletedToo = query.get('include')?.split(',').includes('deleted') === true
    const entries = new Map<string, string>()
    for (const [name, blobs] of this.#blobs) {
      if (!name.startsWith(prefix)) continue
      const shown = blobs.filter(({ state }) => state === 'live' || (isDeletedToo && state === 'deleted'))
      if (shown.length === 0) continue
      const end = delimiter === null ? -1 : name.indexOf(delimiter, prefix.length)
      const folder = name.slice(0, end + 1)
      if (end >= 0) entries.set(folder, `<BlobPrefix><Name>${xml(folder)}</Name></BlobPrefix>`)
      else entries.set(name, shown.map((blob) => this.#entry(blob)).join(''))
    }
    const all = [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1))
    const start = Number(query.get('marker') ?? 0)
    const end = start + Math.min(Number(query.get('maxresults') ?? 5000), 5000)
    const page = all.slice(start, end).map(([, entry]) => entry)
    const next = end < all.length ? String(end) : ''
    const body = `<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="http://localhost/" ContainerName="c"><Blobs>${page.join('')}</Blobs><NextMarker>${next}</NextMarker></EnumerationResults>`
    return { status: 200, body, headers: { 'content-type': 'application/xml' } }
  }

  #entry({ name, bytes, etag, modified, metadata, state }: Blob): string {
    const deleted =
      state === 'deleted'
        ? `<RemainingRetentionDays>${this.#keeping.softDeleteDays ?? 0}</RemainingRetentionDays>`
        : ''
    const kept = metadata.map(([key, value]) => `<${key}>${xml(value)}</${key}>`).join('')
    return `<Blob><Name>${xml(name)}</Name>${state === 'deleted' ? '<Deleted>true</Deleted>' : ''}<Properties><Last-Modified>${modified.toUTCString()}</Last-Modified><Etag>${etag}</Etag><Content-Length>${bytes.length}</Content-Length><Content-MD5>${md5Of(bytes)}</Content-MD5><BlobType>BlockBlob</BlobType>${deleted}</Properties><Metadata>${kept}</Metadata></Blob>`
  }

  #live(name: string): Blob | undefined {
    return this.#blobs.get(name)?.find(({ state }) => state === 'live')
  }

  #version(name: string, versionId: string): Blob | undefined {
    return this.#blobs.get(name)?.find((blob) => blob.versionId === versionId && blob.state !== 'deleted')
  }

  #put(name: string, bytes: Buffer, metadata: Blob['metadata']): AzureAnswer {
    const live = this.#live(name)
    if (live !== undefined) this.#retire(live)
    this.#count += 1
    const modified = new Date()
    const etag = `0x${this.#count.toString(16).toUpperCase().padStart(8, '0')}`
    const stamp = `${modified.toISOString().slice(0, -1)}${String(this.#count % 10_000).padStart(4, '0')}Z`
    const versionId = this.#keeping.versioning === true ? stamp : undefined
    const blob: Blob = { name, bytes, etag, modified, versionId, metadata, state: 'live' }
    this.#blobs.set(name, [...(this.#blobs.get(name) ?? []), blob])
    return { status: 201, headers: this.#headers(blob) }
  }

  #retire(blob: Blob): void {
    const { versioning = false, softDeleteDays = 0 } = this.#keeping
    if (versioning && blob.state === 'live') blob.state = 'older'
    else if (softDeleteDays > 0) blob.state = 'deleted'
    else {
      const rest = this.#blobs.get(blob.name)?.filter((each) => each !== blob) ?? []
      if (rest.length > 0) this.#blobs.set(blob.name, rest)
      else this.#blobs.delete(blob.name)
    }
  }

  #upload(name: string, { headers, body }: AzureCall): AzureAnswer {
    if (headers.get('if-none-match') === '*' && this.#live(name)) return refusal(409, 'BlobAlreadyExists')
    const told = headers.get('x-ms-blob-content-md5')
    if (told !== undefined && told !== md5Of(body)) return refusal(400, 'Md5Mismatch')
    const metadata = [...headers].flatMap(([key, value]) => {
      const [, kept] = /^x-ms-meta-(.+)$/.exec(key) ?? []
      return kept === undefined ? [] : [[kept, value] as const]
    })
    return this.#put(name, body, metadata)
  }

  #copy(name: string, from: string, { headers }: AzureCall): AzureAnswer {
    const url = new URL(from)
    const source = url.pathname
      .split('/')
      .slice(3)
      .map((part) => decodeURIComponent(part))
      .join('/')
    const versionId = url.searchParams.get('versionid')
    const blob = versionId === null ? this.#live(source) : this.#version(source, versionId)
    if (blob === undefined) return refusal(404, 'BlobNotFound')
    const wanted = headers.get('x-ms-source-if-match')
    if (wanted !== undefined && wanted.replaceAll('"', '') !== blob.etag) {
      return refusal(412, 'SourceConditionNotMet')
    }
    if (headers.get('if-none-match') === '*' && this.#live(name)) return refusal(409, 'BlobAlreadyExists')
    const put = this.#put(name, blob.bytes, blob.metadata)
    return { status: 202, headers: { ...put.headers, 'x-ms-copy-id': 'c', 'x-ms-copy-status': 'success' } }
  }

  #delete(blob: Blob, isVersion: boolean, wanted: string | undefined): AzureAnswer {
    if (isVersion && blob.state === 'live') return refusal(403, 'OperationNotAllowedOnRootBlob')
    if (wanted !== undefined && wanted.replaceAll('"', '') !== blob.etag)
      return refusal(412, 'ConditionNotMet')
    this.#retire(blob)
    return { status: 202 }
  }

  #undelete(name: string): AzureAnswer {
    const blobs = this.#blobs.get(name) ?? []
    if (blobs.length === 0) return refusal(404, 'BlobNotFound')
    // The newest deletion is that of the blob itself; whatever else was deleted comes back as snapshots, unseen here.
    const deleted =
      this.#live(name) === undefined ? blobs.findLast(({ state }) => state === 'deleted') : undefined
    if (deleted !== undefined) deleted.state = 'live'
    return { status: 200 }
  }

  #describe(blob: Blob, hasBody: boolean): AzureAnswer {
    const headers = {
      ...this.#headers(blob),
      'x-ms-blob-type': 'BlockBlob',
      'content-length': blob.bytes.length,
    }
    const kept = Object.fromEntries(blob.metadata.map(([key, value]) => [`x-ms-meta-${key}`, value]))
    const all = { ...headers, ...kept, 'content-md5': md5Of(blob.bytes) }
    return hasBody ? { status: 200, body: blob.bytes, headers: all } : { status: 200, headers: all }
  }

  #headers({ etag, modified, versionId, state }: Blob): Readonly<Record<string, string>> {
    return {
      etag: `"${etag}"`,
      'last-modified': modified.toUTCString(),
      ...(versionId === undefined ? {} : { 'x-ms-version-id': versionId }),
      ...(versionId === undefined || state !== 'live' ? {} : { 'x-ms-is-current-version': 'true' }),
    }
  }
}

function xml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

export function refusal(status: number, code: string): AzureAnswer {
  const body = `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>Refused.</Message></Error>`
  return { status, body, headers: { 'x-ms-error-code': code, 'content-type': 'application/xml' } }
}

function md5Of(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('base64')
}
