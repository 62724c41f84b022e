/**
 * A server on loopback that answers as a script says, faults included, and records all it was asked.
 *
 * It keeps whole requests with all headers, because the tests' most important question is what did not arrive.
 */
import type { IncomingHttpHeaders, IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { ServerOptions } from 'node:https'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import type { HttpClock } from '../../src/adapters/http/client.ts'

export interface RecordedRequest {
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export type Script = (request: RecordedRequest, response: ServerResponse, index: number) => void

export interface FaultServer {
  /** Origin, e.g. `http://127.0.0.1:40123`. */
  readonly url: string
  readonly port: number
  readonly requests: readonly RecordedRequest[]
  close(): Promise<void>
}

/** Starts a server on 127.0.0.1; `tls` makes it https. */
export async function startFaultServer(script: Script, tls?: ServerOptions): Promise<FaultServer> {
  const requests: RecordedRequest[] = []
  const listener: RequestListener = (request, response) => {
    const respond = (body: string) => {
      const recorded = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body,
      }
      requests.push(recorded)
      script(recorded, response, requests.length - 1)
    }
    readAll(request).then(respond, (error: unknown) => {
      // A client that hangs up in the middle of its request is one of the faults.
      response.destroy(error instanceof Error ? error : undefined)
    })
  }
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  const port = await listen(server)
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    requests,
    close: async () => {
      await closeServer(server)
    },
  }
}

export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

export async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve()
    })
  })
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

/** A whole, ordinary answer. */
export function answer(
  response: ServerResponse,
  status: number,
  body = '',
  headers: Readonly<Record<string, string | readonly string[]>> = {},
): void {
  response.writeHead(status, headers as Record<string, string | string[]>)
  response.end(body)
}

export function answerJson(response: ServerResponse, value: unknown): void {
  answer(response, 200, JSON.stringify(value), { 'content-type': 'application/json' })
}

/** Announces more than it sends, then hangs up. */
export function cutShort(response: ServerResponse): void {
  response.writeHead(200, { 'content-length': '1000' })
  response.write('{"tags":["a"')
  setTimeout(() => response.socket?.destroy(), 5)
}

/** Ends a chunked body without its end. */
export function cutShortChunked(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.write('{"tags":["a"]}')
  setTimeout(() => response.socket?.destroy(), 5)
}

/** A few kilobytes that unpack to `bytes`. */
export function gzipBomb(response: ServerResponse, bytes: number): void {
  response.writeHead(200, { 'content-encoding': 'gzip' })
  response.end(gzipSync(Buffer.alloc(bytes)))
}

export interface FakeClock extends HttpClock {
  readonly sleeps: readonly number[]
}

/** The real time, but sleeping takes none of it: what was slept is added to `now`. */
export function skippingClock(): FakeClock {
  let skippedMs = 0
  const sleeps: number[] = []
  return {
    sleeps,
    now: () => Date.now() + skippedMs,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted()
      sleeps.push(ms)
      skippedMs += ms
    },
  }
}
