/**
 * Turns a token of Microsoft Entra into a refresh token of one registry (Azure/acr, AAD-OAuth.md: POST
 * /oauth2/exchange). It is sent to the registry's own address and nowhere else.
 */
import type { RegistryName } from '../../../core/image/names.ts'
import { UnauthorizedError } from '../../http/http-errors.ts'
import type { HttpClient } from '../../http/http-types.ts'
import { Redactor } from '../../http/redact.ts'
import { isRecord, saidIn } from '../oci/answers.ts'
import { RegistryAnswerError, RegistryContentError } from '../oci/errors.ts'

export interface Exchange {
  readonly name: RegistryName
  /** The registry's address, without a slash at its end. */
  readonly baseUrl: string
  /** Without credentials of its own. */
  readonly http: HttpClient
}

/** @throws UnauthorizedError where the registry knows this identity and lets it do nothing, or does not know it */
export async function exchangeToken(
  { name, baseUrl, http }: Exchange,
  accessToken: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { origin, host } = new URL(baseUrl)
  const redactor = new Redactor()
  redactor.register(accessToken)
  const form = new URLSearchParams({ grant_type: 'access_token', service: host, access_token: accessToken })
  const request = {
    method: 'POST',
    url: `${origin}/oauth2/exchange`,
    headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
    // Two exchanges give two tokens, which harms nobody.
    idempotent: true,
  } as const
  const response = await http.request(request, signal && { signal }).catch((error: unknown) => {
    throw error instanceof UnauthorizedError ? notTaken(origin, '') : error
  })
  const said = redactor.text(saidIn(response))
  if (response.status === 400 || response.status === 403) throw notTaken(origin, said)
  if (response.status !== 200)
    throw new RegistryAnswerError(name, 'Logging in with the Azure login', response.status, said)
  const body = response.json()
  const token = isRecord(body) ? body['refresh_token'] : undefined
  if (typeof token === 'string' && token !== '') return token
  throw new RegistryContentError(name, 'what came for the Azure login holds no refresh_token')
}

function notTaken(origin: string, said: string): UnauthorizedError {
  const words = said === '' ? '' : `: ${said}`
  return new UnauthorizedError(origin, `it does not take this Azure login${words}`, {
    used: 'the Azure login (environment, managed identity or az login)',
    searched: undefined,
  })
}
