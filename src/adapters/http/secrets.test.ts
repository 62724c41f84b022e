/**
 * No secret in any text: whatever a server does with the credentials it was given, neither errors (message, hint,
 * cause, stack, as inspected and as JSON) nor events hold them; and no other origin ever receives them.
 */
import { inspect } from 'node:util'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { FaultServer, RecordedRequest } from '../../../test/http/fault-server.ts'
import { answer, cutShort, skippingClock, startFaultServer } from '../../../test/http/fault-server.ts'
import type { ServerResponse } from 'node:http'
import { OperationalError } from '../../core/errors/errors.ts'
import type { RunEvent } from '../../ports/run-options.ts'
import { createHttpClient } from './client.ts'
import type { Credential } from './credentials.ts'

type Misdeed = (response: ServerResponse, echo: string, here: string) => void

/** What a server may do once it knows the credentials; `echo` is what it was sent, decoded and raw. */
const MISDEEDS: Readonly<Record<string, Misdeed>> = {
  'refuses with an echo': (response, echo) => {
    answer(response, 401, echo, { 'www-authenticate': 'Basic realm="r"' })
  },
  'fails with an echo': (response, echo) => {
    answer(response, 500, echo)
  },
  'limits with an echo': (response, echo) => {
    answer(response, 429, echo, { 'retry-after': '9999', 'x-echo': headerSafe(echo) })
  },
  'redirects to an echo': (response, echo) => {
    answer(response, 302, '', { location: `ftp://${encodeURIComponent(echo)}` })
  },
  'redirects in circles': (response, echo, here) => {
    answer(response, 302, '', { location: `${here}/again?q=${encodeURIComponent(echo)}` })
  },
  'redirects to plain http': (response, echo) => {
    answer(response, 302, '', { location: `http://example.com/${encodeURIComponent(echo)}` })
  },
  'names a private realm with an echo': (response, echo) => {
    answer(response, 401, '', {
      'www-authenticate': `Bearer realm="https://10.0.0.1/${encodeURIComponent(echo)}"`,
    })
  },
  'names a realm that is an echo': (response, echo) => {
    answer(response, 401, '', { 'www-authenticate': `Bearer realm="${headerSafe(echo)}"` })
  },
  'names a token server that echoes': (response, echo, here) => {
    answer(response, 401, '', {
      'www-authenticate': `Bearer realm="${here}/token",service="${headerSafe(echo)}"`,
    })
  },
  'answers with an unknown encoding': (response, echo) => {
    answer(response, 200, 'x', { 'content-encoding': headerSafe(echo) })
  },
  'cuts short': (response) => {
    cutShort(response)
  },
  'hangs up': (response) => {
    response.socket?.destroy()
  },
  'talks nonsense': (response, echo) => response.socket?.end(`${echo}\r\n\r\n`),
  'answers with an echo that is no JSON': (response, echo) => {
    answer(response, 200, `{"${echo}`)
  },
}

function headerSafe(text: string): string {
  return text.replaceAll(/[^\x21-\x7e]|["\\,]/g, '')
}

let registry: FaultServer
let elsewhere: FaultServer
let misdeed: Misdeed = cutShort
beforeAll(async () => {
  elsewhere = await startFaultServer((_, response) => {
    answer(response, 200, 'ok')
  })
  registry = await startFaultServer((request, response) => {
    const echo = echoOf(request)
    if (request.url.startsWith('/token')) answer(response, 401, JSON.stringify({ details: echo }))
    else if (request.headers.authorization === undefined)
      answer(response, 401, '', { 'www-authenticate': 'Basic realm="r"' })
    else misdeed(response, echo, registry.url)
  })
})
afterAll(async () => {
  await registry.close()
  await elsewhere.close()
})

function echoOf(request: RecordedRequest): string {
  const [, value = ''] = (request.headers.authorization ?? '').split(' ')
  return `${Buffer.from(value, 'base64').toString('utf8')} ${value} ${request.body}`
}

function everyTextOf(error: unknown): string {
  const hint = error instanceof OperationalError ? error.hint : ''
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  return [
    String(error),
    hint,
    stack,
    inspect(error, { depth: 9, showHidden: true }),
    JSON.stringify(error),
  ].join('\n')
}

const secret = fc.stringMatching(/^[A-Za-z0-9!#$%&()*+./:;<=>?@^_{|}~-]{12,40}$/)

describe('secrets', () => {
  it.each(Object.keys(MISDEEDS))('stay out of every text when the server %s', async (name) => {
    await fc.assert(
      fc.asyncProperty(secret, async (password) => {
        const credential: Credential = { kind: 'basic', username: 'robot', password, origin: 'the test' }
        misdeed = MISDEEDS[name] ?? cutShort
        const http = createHttpClient({
          base: registry.url,
          clock: skippingClock(),
          credentials: { get: async () => credential },
          retry: { attemptsMax: 2 },
        })
        const events: RunEvent[] = []
        let error: unknown = new Error('nothing was thrown')
        try {
          const got = await http.request(
            { method: 'GET', url: `${registry.url}/v2/` },
            { onEvent: (event) => events.push(event) },
          )
          got.json()
        } catch (thrown) {
          error = thrown
        }
        await http.close()
        expect(error).toBeInstanceOf(OperationalError)
        const texts = everyTextOf(error) + JSON.stringify(events)
        expect(texts).not.toContain(password)
        expect(texts).not.toContain(Buffer.from(`robot:${password}`).toString('base64'))
        expect(texts).not.toContain(encodeURIComponent(password))
      }),
      { numRuns: 6 },
    )
  })

  it('arrive nowhere but at the registry, however it redirects', async () => {
    const bearer: Credential = { kind: 'bearer', token: 'secret-bearer-token' }
    for (const status of [301, 302, 303, 307, 308]) {
      misdeed = (response) => {
        answer(response, status, '', { location: `${elsewhere.url.replace('//', '//u:p@')}/blob` })
      }
      const http = createHttpClient({ base: registry.url, credentials: { get: async () => bearer } })
      await http.request({
        method: 'GET',
        url: `${registry.url}/v2/`,
        headers: { cookie: 'secret-cookie', 'x-api-key': 'secret-key' },
      })
      await http.close()
    }
    expect(elsewhere.requests).toHaveLength(5)
    expect(JSON.stringify(elsewhere.requests)).not.toContain('secret')
    for (const { headers } of elsewhere.requests) expect(headers.authorization).toBeUndefined()
  })
})
