/**
 * What every fake of a registry is built on: a server on this machine that writes down every request with its headers,
 * answers after a chosen time, and fails where a test says so. The product's manners are in `answer`.
 */
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Reply } from './oci-server.ts'

export type { Reply } from './oci-server.ts'

export interface FakeRequest {
  readonly method: string
  /** Absolute. */
  readonly url: URL
  /** Path and query, as they came. */
  readonly target: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface Fault {
  readonly on: (request: FakeRequest) => boolean
  /** How many requests it concerns, after `after` of them that it passes over. @default Infinity */
  readonly times?: number
  /** @default 0 */
  readonly after?: number
  /** `reset` breaks the connection, `cut` ends it in the middle of the true answer. */
  readonly reply: Reply | 'reset' | 'cut'
}

export interface FakeServer {
  readonly url: string
  /** `127.0.0.1:port`. */
  readonly host: string
  readonly requests: readonly FakeRequest[]
  /** From now on, until the returned function is called. */
  inject(fault: Fault): () => void
  forgetRequests(): void
  stop(): Promise<void>
}

export interface FakeServerOptions {
  /** Before each answer. @default 0 */
  readonly latencyMs?: number
}

export async function startFakeServer(
  answer: (request: FakeRequest) => Reply | Promise<Reply>,
  { latencyMs = 0 }: FakeServerOptions = {},
): Promise<FakeServer> {
  const requests: FakeRequest[] = []
  const faults = new Set<{ readonly fault: Fault; seen: number }>()
  const server = createServer((incoming, outgoing) => {
    const respond = async (): Promise<void> => {
      const chunks: Buffer[] = []
      for await (const chunk of incoming) chunks.push(chunk as Buffer)
      const { method = '', url: target = '', headers } = incoming
      const url = new URL(target, `http://${headers.host ?? '127.0.0.1'}`)
      const request = { method, url, target, headers, body: Buffer.concat(chunks) }
      requests.push(request)
      if (latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, latencyMs))
      const fault = faultFor(request)
      if (fault === 'reset') {
        outgoing.destroy()
        return
      }
      const reply = fault === undefined || fault === 'cut' ? await answer(request) : fault
      const { status, headers: answered, body = '' } = reply
      const bytes = Buffer.from(body)
      outgoing.writeHead(status, { ...answered, 'content-length': bytes.length })
      if (fault === 'cut') {
        outgoing.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => outgoing.destroy())
        return
      }
      outgoing.end(method === 'HEAD' ? undefined : bytes)
    }
    respond().catch((error: unknown) => outgoing.destroy(error instanceof Error ? error : undefined))
  })
  const faultFor = (request: FakeRequest): Fault['reply'] | undefined => {
    for (const entry of faults) {
      const { on, times = Infinity, after = 0, reply } = entry.fault
      if (!on(request)) continue
      entry.seen += 1
      if (entry.seen > after && entry.seen <= after + times) return reply
    }
    return undefined
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: `http://${host}`,
    host,
    requests,
    inject: (fault) => {
      const entry = { fault, seen: 0 }
      faults.add(entry)
      return () => faults.delete(entry)
    },
    forgetRequests: () => {
      requests.length = 0
    },
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => {
          resolve()
        })
      }),
  }
}

/** An answer in JSON. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}
