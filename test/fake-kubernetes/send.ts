/** The wire of a fake API server: whole answers, and the ways in which one can arrive damaged. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import type { FakeAnswer } from './answers.ts'
import type { Fault } from './faults.ts'

// Below this the real server does not compress.
const GZIP_BYTES_MIN = 128 * 1024

export async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

export function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: FakeAnswer,
  fault: Fault | undefined,
): void {
  if (fault?.kind === 'stall') return
  if (fault?.kind === 'reset') {
    response.socket?.destroy()
    return
  }
  const { body } = answer
  const whole = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const zipped = whole.length > GZIP_BYTES_MIN && String(request.headers['accept-encoding']).includes('gzip')
  const sent = zipped ? gzipSync(whole, { level: 1 }) : whole
  const half = fault?.kind === 'half-json' ? sent.subarray(0, sent.length / 2) : sent
  response.writeHead(answer.status, {
    'content-type': typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json',
    'audit-id': randomUUID(),
    'content-length': half.length,
    ...(zipped && { 'content-encoding': 'gzip' }),
    ...answer.headers,
  })
  if (fault?.kind !== 'truncate' && fault?.kind !== 'stall-in-body') {
    response.end(half)
    return
  }
  response.write(half.subarray(0, half.length / 2), () => {
    if (fault.kind === 'truncate') response.socket?.destroy()
  })
}
