/**
 * Azure Blob Storage, as far as the store uses it: one account, containers, blobs by ETag, versions, soft deletion, copies,
 * batches, paging, and a shared key.
 *
 * All of it is from the public documentation; none was compared with the real service, and logins are told apart by the key
 * alone. From there: with versioning a removed blob becomes an older version under the id it had, and the current version
 * cannot be removed by its id; without it, and with soft deletion, a removed blob is listed as deleted, cannot be read, and
 * comes back by Undelete, which does nothing to a blob that is there.
 */
import { createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { AzureContainerState, refusal, type AzureAnswer, type AzureCall } from './azure-container-state.ts'

export interface AzureBlobServerOptions {
  readonly account: string
  readonly key: string
  readonly versioning?: boolean
  readonly softDeleteDays?: number
  /** @default true */
  readonly hasBatches?: boolean
}

export interface AzureBlobServer {
  /** http://127.0.0.1:PORT/ACCOUNT */
  readonly url: string
  readonly stop: () => Promise<void>
}

export async function startAzureBlobServer(options: AzureBlobServerOptions): Promise<AzureBlobServer> {
  const containers = new Map<string, AzureContainerState>()
  const server = createServer((request, response) => {
    const answering = readCall(request).then((call) => {
      const answer = isKnown(options, call)
        ? answerTo(options, containers, call)
        : refusal(403, 'AuthenticationFailed')
      const body = answer.body ?? ''
      const isHead = call.method === 'HEAD'
      const headers = { 'content-length': Buffer.byteLength(body), ...answer.headers }
      response.writeHead(answer.status, headers)
      response.end(isHead ? undefined : body)
    })
    answering.catch((error: unknown) => response.destroy(error as Error))
  })
  const port = await listen(server)
  return {
    url: `http://127.0.0.1:${port}/${options.account}`,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('A TCP server has no port.')
  return address.port
}

interface SentCall extends AzureCall {
  readonly path: string
}

async function readCall(request: IncomingMessage): Promise<SentCall> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const url = new URL(request.url ?? '/', 'http://localhost')
  const headers = new Map(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join() : (value ?? ''),
    ]),
  )
  const { pathname: path, searchParams: query } = url
  return { method: request.method ?? 'GET', path, query, headers, body: Buffer.concat(chunks) }
}

function answerTo(
  options: AzureBlobServerOptions,
  containers: Map<string, AzureContainerState>,
  call: SentCall,
): AzureAnswer {
  const [, , name = '', ...rest] = call.path.split('/')
  const container = containers.get(name)
  const blob = rest.map((part) => decodeURIComponent(part)).join('/')
  if (blob === '' && call.method === 'PUT' && call.query.get('restype') === 'container') {
    containers.set(name, new AzureContainerState(options))
    return { status: 201 }
  }
  if (container === undefined) return refusal(404, 'ContainerNotFound')
  if (call.query.get('comp') === 'batch') {
    return options.hasBatches === false
      ? refusal(400, 'InvalidInput')
      : answerBatch(options, containers, call)
  }
  return blob === '' ? container.list(call.query) : container.answer(blob, call)
}

/** Each part of a batch is a request of its own, with a login of its own. */
function answerBatch(
  options: AzureBlobServerOptions,
  containers: Map<string, AzureContainerState>,
  call: SentCall,
): AzureAnswer {
  const [, boundary = ''] = /boundary=([^;]+)/.exec(call.headers.get('content-type') ?? '') ?? []
  const parts = call.body.toString().split(`--${boundary}\r\n`).slice(1)
  if (parts.length > 256) return refusal(400, 'InvalidInput')
  const answers = parts.map((part, i) => {
    const [, method = '', target = ''] = /^(DELETE) (\S+) HTTP\/1\.1/m.exec(part) ?? []
    const headers = new Map(
      [...part.matchAll(/^([\w-]+): (.*?)\r?$/gm)].map(([, name = '', value = '']) => [
        name.toLowerCase(),
        value,
      ]),
    )
    const url = new URL(target, 'http://localhost')
    // The library gives the path without the account in front, where the address has one.
    const path = url.pathname.startsWith(`/${options.account}/`)
      ? url.pathname
      : `/${options.account}${url.pathname}`
    const answer = answerTo(options, containers, {
      ...{ method, path, query: url.searchParams, headers, body: Buffer.alloc(0) },
    })
    const lines = Object.entries(answer.headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`)
    return `--answers\r\nContent-Type: application/http\r\nContent-ID: ${i}\r\n\r\nHTTP/1.1 ${answer.status} Said\r\n${lines.join('')}\r\n${String(answer.body ?? '')}\r\n`
  })
  return {
    status: 202,
    body: `${answers.join('')}--answers--\r\n`,
    headers: { 'content-type': 'multipart/mixed; boundary=answers' },
  }
}

/** The signature of a shared key, over what the documentation of "Authorize with Shared Key" says. */
function isKnown({ account, key }: AzureBlobServerOptions, call: SentCall): boolean {
  const header = (name: string): string => call.headers.get(name) ?? ''
  const length = header('content-length')
  const standard = [
    ...['content-encoding', 'content-language'].map(header),
    length === '0' ? '' : length,
    ...['content-md5', 'content-type', 'date', 'if-modified-since', 'if-match', 'if-none-match'].map(header),
    ...['if-unmodified-since', 'range'].map(header),
  ]
  const own = [...call.headers]
    .filter(([name]) => name.startsWith('x-ms-'))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}:${value}`)
  const queries = [...new Set(call.query.keys())]
    .toSorted()
    .map((name) => `${name.toLowerCase()}:${call.query.getAll(name).join()}`)
  const resource = [`/${account}${call.path}`, ...queries]
  const text = [call.method, ...standard, ...own, ...resource].join('\n')
  const signature = createHmac('sha256', Buffer.from(key, 'base64')).update(text, 'utf8').digest('base64')
  return header('authorization') === `SharedKey ${account}:${signature}`
}
