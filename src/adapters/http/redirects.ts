/**
 * What a redirect leads to, and which headers may go there; pure.
 *
 * Off the base's own origin (scheme, host and port) only headers from a short list are sent: a list of what is
 * harmless stays right when a registry invents another credential header, a list of credentials does not.
 */
import { RedirectRefusedError } from './http-errors.ts'
import type { HttpMethod } from './http-types.ts'
import { redactUrl } from './redact.ts'

const REDIRECTS_MAX = 5
const REDIRECTS = new Set([301, 302, 303, 307, 308])
const HARMLESS = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'content-encoding',
  'content-type',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'range',
  'user-agent',
])

/**
 * Where the answer sends us next; undefined when it is no redirect, or names no place.
 *
 * @param hops redirects followed so far
 * @throws RedirectRefusedError
 */
export function nextHop(
  method: HttpMethod,
  from: URL,
  answer: { readonly status: number; readonly headers: ReadonlyMap<string, string> },
  hops: number,
): URL | undefined {
  const location = answer.headers.get('location')
  if (!REDIRECTS.has(answer.status) || location === undefined) return undefined
  const shown = redactUrl(from.href)
  if (hops >= REDIRECTS_MAX)
    throw new RedirectRefusedError(shown, `it is the ${REDIRECTS_MAX + 1}th in a row`)
  if (!URL.canParse(location, from.href)) throw new RedirectRefusedError(shown, 'it names no valid address')
  const to = new URL(location, from)
  to.username = ''
  to.password = ''
  if (to.protocol !== 'https:' && to.protocol !== 'http:') {
    throw new RedirectRefusedError(shown, `it leads to ${to.protocol}, which is not HTTP`)
  }
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw new RedirectRefusedError(shown, `it leads from https to plain http at ${to.host}`)
  }
  const mayChangeMethod = answer.status !== 307 && answer.status !== 308
  // Clients disagree on whether 301 to 303 turn a change into a GET; neither guess is safe for a change.
  if (mayChangeMethod && method !== 'GET' && method !== 'HEAD') {
    throw new RedirectRefusedError(shown, `a ${method} may not be redirected with status ${answer.status}`)
  }
  // Logins post their secrets in the body, which no list of headers holds back.
  if (method === 'POST' && to.origin !== from.origin) {
    throw new RedirectRefusedError(shown, `it leads to ${to.host}, which may not see what was posted`)
  }
  return to
}

/** The headers that may go to an origin that is not the base's. */
export function harmlessHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => HARMLESS.has(name)))
}
