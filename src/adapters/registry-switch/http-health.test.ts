/** 200 and 401 are well, everything else is not, and nothing makes it throw. */
import { afterEach, describe, expect, it } from 'vitest'
import { answer, startFaultServer, type FaultServer, type Script } from '../../../test/http/fault-server.ts'
import { createHttpClient } from '../http/client.ts'
import { createHttpHealth, healthHttp } from './http-health.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

async function ask(script: Script): Promise<{ isWell: boolean; said: string; server: FaultServer }> {
  const server = await startFaultServer(script)
  const http = createHttpClient({ ...healthHttp, base: server.url })
  open.push(http, server)
  return { ...(await createHttpHealth(`${server.url}/v2/`, http).ask()), server }
}

describe('a registry that answers', () => {
  it.each([
    { status: 200, isWell: true },
    { status: 401, isWell: true },
    { status: 204, isWell: false },
    { status: 403, isWell: false },
    { status: 404, isWell: false },
    { status: 429, isWell: false },
    { status: 500, isWell: false },
    { status: 503, isWell: false },
  ])('$status: well is $isWell, after one request', async ({ status, isWell }) => {
    const { server, ...said } = await ask((_, response) => {
      const headers = { 'www-authenticate': 'Bearer realm="http://127.0.0.1:9/token"' }
      answer(response, status, 'x', headers)
    })
    expect(said.isWell).toBe(isWell)
    expect(said.said).toContain(`status ${status}`)
    expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual(['GET /v2/'])
    expect(server.requests[0]?.headers.authorization).toBeUndefined()
  })

  it('is not well when it hangs up, or is not there', async () => {
    const { isWell, server } = await ask((_, response) => response.destroy())
    expect(isWell).toBe(false)
    await server.close()
    const http = createHttpClient({ ...healthHttp, base: server.url })
    open.push(http)
    expect(await createHttpHealth(server.url, http).ask()).toMatchObject({ isWell: false })
  })
})
