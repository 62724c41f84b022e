/**
 * The few requests to a registry that tests make themselves. Written apart from the product's own client on
 * purpose: a test that checks a client with that client would share its mistakes.
 */
import { createHash } from 'node:crypto'

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
}

/** `registryUrl` may hold user and password (http://user:password@host); fetch itself refuses such a URL. */
export async function registryRequest(
  registryUrl: string,
  method: string,
  path: string,
  options: RequestOptions = {},
): Promise<Response> {
  const base = new URL(registryUrl)
  const url = new URL(path, base)
  url.username = ''
  url.password = ''
  return fetch(url, {
    method,
    headers: { ...authorization(base), ...options.headers },
    ...(options.body !== undefined && { body: new Uint8Array(options.body) }),
  })
}

export async function fail(what: string, response: Response): Promise<never> {
  throw new Error(`${what}: HTTP ${response.status} ${(await response.text()).slice(0, 300)}`)
}

export function sha256(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

function authorization({ username, password }: URL): Record<string, string> {
  if (username === '') return {}
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}
