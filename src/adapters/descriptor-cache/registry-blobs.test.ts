import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { invariant } from '../../core/errors/invariant.ts'
import { parseDigest } from '../../core/image/digest.ts'
import { createHttpClient } from '../http/client.ts'
import { isDistribution2, knowsBlob, pushBlob, type RegistryAddress } from './registry-blobs.ts'

const digest = parseDigest(`sha256:${'a'.repeat(64)}`)
invariant(digest, 'a digest is one')
const blob = { repository: 'winnow/canary', digest, bytes: Buffer.from('a canary') }
const version = { 'docker-distribution-api-version': 'registry/2.0' }

let servers: Server[] = []
let addresses: RegistryAddress[] = []
afterEach(async () => {
  for (const { http } of addresses) await http.close()
  for (const server of servers) server.close()
  servers = []
  addresses = []
})

describe('knowsBlob', () => {
  it.each([
    { name: 'a blob that is there', status: 200, known: true },
    { name: 'a blob that is not', status: 404, known: false },
  ])('tells of $name', async ({ status, known }) => {
    const at = await serve((_, response) => response.writeHead(status, version).end())
    expect(await knowsBlob(at, blob)).toBe(known)
  })

  it('takes a redirect for knowledge, whatever the bucket says', async () => {
    const bucket = await serve((_, response) => response.writeHead(404, version).end())
    const location = `${bucket.baseUrl}/data`
    const at = await serve((_, response) => response.writeHead(307, { ...version, location }).end())
    expect(await knowsBlob(at, blob)).toBe(true)
  })

  it.each([
    { name: 'a 404 of whatever stands in front of the registry', status: 404, headers: {} },
    { name: 'a refusal', status: 403, headers: version },
  ])('takes nothing from $name', async ({ status, headers }) => {
    const at = await serve((_, response) => response.writeHead(status, headers).end())
    expect(await knowsBlob(at, blob)).toMatchObject({ kind: 'refused' })
  })

  it('asks over a connection of its own each time', async () => {
    const ports = new Set<number | undefined>()
    const at = await serve((request, response) => {
      ports.add(request.socket.remotePort)
      response.writeHead(200, version).end()
    })
    for (let ask = 0; ask < 3; ask++) await knowsBlob(at, blob)
    expect(ports.size).toBe(3)
  })
})

describe('pushBlob', () => {
  it('opens an upload and sends the whole content to where it is told', async () => {
    const seen: string[] = []
    const at = await serve((request, response) => {
      seen.push(`${request.method} ${request.url}`)
      if (request.method === 'POST') response.writeHead(202, { location: '/upload/1?_state=x' }).end()
      else response.writeHead(201).end()
    })
    expect(await pushBlob(at, blob)).toEqual({ kind: 'pushed' })
    expect(seen).toEqual([
      'POST /v2/winnow/canary/blobs/uploads/',
      `PUT /upload/1?_state=x&digest=${encodeURIComponent(digest)}`,
    ])
  })

  it.each([
    { name: 'no rights', status: 403, why: 'may not push' },
    { name: 'read-only', status: 405, why: 'read-only' },
    { name: 'no upload after all', status: 200, why: 'status 200' },
  ])('tells why a registry takes nothing: $name', async ({ status, why }) => {
    const at = await serve((_, response) => response.writeHead(status).end())
    expect(await pushBlob(at, blob)).toMatchObject({
      kind: 'refused',
      why: expect.stringContaining(why) as string,
    })
  })

  it('is refused where credentials are wanted and there are none', async () => {
    const headers = { 'www-authenticate': 'Basic realm="here"' }
    const at = await serve((_, response) => response.writeHead(401, headers).end())
    expect(await pushBlob(at, blob)).toMatchObject({ kind: 'refused' })
  })
})

describe('isDistribution2', () => {
  it.each([
    { name: 'Distribution 2', type: 'application/json; charset=utf-8', more: {}, is: true },
    { name: 'Distribution 3', type: 'application/json', more: {}, is: false },
    {
      name: 'GitLab',
      type: 'application/json; charset=utf-8',
      more: { 'gitlab-container-registry-version': '4.5.0' },
      is: false,
    },
  ])('is $is for $name', async ({ type, more, is }) => {
    const at = await serve((_, response) =>
      response.writeHead(200, { ...version, 'content-type': type, ...more }).end('{}'),
    )
    expect(await isDistribution2(at)).toBe(is)
  })
})

async function serve(
  answer: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<RegistryAddress> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => answer(request, response))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  servers.push(server)
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const address = { baseUrl, http: createHttpClient({ base: baseUrl, retry: { attemptsMax: 1 } }) }
  addresses.push(address)
  return address
}
