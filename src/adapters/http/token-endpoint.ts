/**
 * Asks a registry's token server for a token, in both of its forms: GET with Basic credentials or none (distribution
 * token specification), and OAuth2 POST with a refresh token for stored identity tokens. A server that lacks the POST
 * form (404, 405) is asked by GET.
 *
 * It follows no redirect: the realm was checked, another place was not.
 */
import type { Credential } from './credentials.ts'
import { UnreadableResponseError } from './http-errors.ts'
import type { HttpRequest, HttpResponse } from './http-types.ts'
import { redactUrl } from './redact.ts'

export interface TokenAsk {
  /** Already checked by realm.ts. */
  readonly realm: URL
  readonly service: string | undefined
  readonly scopes: readonly string[]
  readonly credential: Credential | undefined
}

export interface IssuedToken {
  readonly token: string
  readonly lifetimeMs: number
}

/** The token server's no: status 400, 401 or 403, with its own words, not yet redacted. */
export class TokenRefusal extends Error {
  override readonly name = 'TokenRefusal'
  readonly status: number

  constructor(status: number, words: string) {
    super(words)
    this.status = status
  }
}

/** The token specification's lifetime where none is given. */
const LIFETIME_DEFAULT_S = 60
const WORDS_LENGTH_MAX = 200
const CLIENT_ID = 'winnow'

/** @throws TokenRefusal, UnreadableResponseError, and what `send` throws */
export async function requestToken(
  ask: TokenAsk,
  send: (request: HttpRequest) => Promise<HttpResponse>,
): Promise<IssuedToken> {
  if (ask.credential?.kind === 'identity-token') {
    const answer = await send(postForm(ask, ask.credential.token))
    if (answer.status !== 404 && answer.status !== 405) return readToken(answer, ask)
  }
  return readToken(await send(getForm(ask)), ask)
}

function getForm(ask: TokenAsk): HttpRequest {
  const url = new URL(ask.realm)
  if (ask.service !== undefined) url.searchParams.set('service', ask.service)
  for (const scope of ask.scopes) url.searchParams.append('scope', scope)
  const basic = basicOf(ask.credential)
  const headers: Record<string, string> = { accept: 'application/json' }
  if (basic !== undefined) headers['authorization'] = basic
  return { method: 'GET', url: url.href, headers }
}

function basicOf(credential: Credential | undefined): string | undefined {
  if (credential?.kind === 'basic') return basicHeader(credential.username, credential.password)
  // Docker's name for "the password is an identity token".
  if (credential?.kind === 'identity-token') return basicHeader('<token>', credential.token)
  return undefined
}

/** RFC 7617, in UTF-8. */
export function basicHeader(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`
}

function postForm(ask: TokenAsk, refreshToken: string): HttpRequest {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: CLIENT_ID,
    refresh_token: refreshToken,
  })
  if (ask.service !== undefined) form.set('service', ask.service)
  if (ask.scopes.length > 0) form.set('scope', ask.scopes.join(' '))
  return {
    method: 'POST',
    url: ask.realm.href,
    headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
    // Asking twice for a token gives two tokens, which harms nobody.
    idempotent: true,
  }
}

function readToken(answer: HttpResponse, ask: TokenAsk): IssuedToken {
  const shown = redactUrl(ask.realm.href)
  if (answer.status === 400 || answer.status === 401 || answer.status === 403) {
    throw new TokenRefusal(answer.status, wordsOf(answer))
  }
  if (answer.status !== 200) {
    throw new UnreadableResponseError(
      shown,
      answer.status,
      'a token server answers with status 200 and a token',
    )
  }
  const fields = answer.json()
  const token = stringField(fields, 'token') ?? stringField(fields, 'access_token')
  if (token === undefined) throw new UnreadableResponseError(shown, answer.status, 'it holds no token')
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new UnreadableResponseError(
      shown,
      answer.status,
      'its token has characters that no header can carry',
    )
  }
  return { token, lifetimeMs: lifetimeSeconds(fields) * 1000 }
}

function lifetimeSeconds(fields: unknown): number {
  const value = field(fields, 'expires_in')
  const seconds = typeof value === 'string' ? Number(value) : value
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0 ? seconds : LIFETIME_DEFAULT_S
}

/** What the server says about its refusal: `{"details": …}` (Docker Hub), the OCI error form, or OAuth2's. */
function wordsOf(answer: HttpResponse): string {
  let fields: unknown
  try {
    fields = JSON.parse(answer.text())
  } catch {
    // A page of HTML says nothing to a user; the status has to do.
    return ''
  }
  const errors = field(fields, 'errors')
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined
  const words =
    stringField(fields, 'details') ??
    stringField(first, 'message') ??
    stringField(fields, 'error_description') ??
    stringField(fields, 'error') ??
    stringField(fields, 'message') ??
    ''
  return words.replaceAll(/\s+/g, ' ').slice(0, WORDS_LENGTH_MAX)
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return new Map<string, unknown>(Object.entries(value)).get(name)
}

function stringField(value: unknown, name: string): string | undefined {
  const text = field(value, name)
  return typeof text === 'string' && text !== '' ? text : undefined
}
