/**
 * Where Google's own library fetches tokens when it is told to: the metadata server of a machine of Google's, and the
 * token exchange of workload identity federation. Every answer is a new token; which of them still count is for the test.
 */
import { startFakeServer, json, type FakeRequest, type FakeServer, type Reply } from './fake-server.ts'

export interface GoogleTokenServer extends FakeServer {
  /** Tokens that are worth something now. */
  readonly valid: ReadonlySet<string>
  /** Makes every token that was given out worthless. */
  expire(): void
}

const metadata = { 'metadata-flavor': 'Google' }

export async function startGoogleTokens(): Promise<GoogleTokenServer> {
  const valid = new Set<string>()
  let count = 0
  const issue = (): string => {
    const token = `ya29.google-${(count += 1)}-${'s'.repeat(20)}`
    valid.add(token)
    return token
  }
  const answer = ({ method, url }: FakeRequest): Reply => {
    const { pathname } = url
    if (pathname === '/sts' && method === 'POST') {
      const issued_token_type = 'urn:ietf:params:oauth:token-type:access_token'
      return json(200, { access_token: issue(), issued_token_type, token_type: 'Bearer', expires_in: 3600 })
    }
    if (pathname.endsWith('/token'))
      return json(200, { access_token: issue(), expires_in: 3600, token_type: 'Bearer' }, metadata)
    if (pathname === '/' || pathname.startsWith('/computeMetadata/'))
      return { status: 200, headers: { ...metadata, 'content-type': 'text/plain' }, body: 'shop' }
    return { status: 404 }
  }
  const server = await startFakeServer(answer)
  return {
    ...server,
    valid,
    expire: () => {
      valid.clear()
    },
    // Spreading would copy the list that is there now.
    get requests() {
      return server.requests
    },
  }
}
