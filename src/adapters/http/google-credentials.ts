/**
 * Tokens by Google's own library: a service account's key, workload identity, the metadata server, or gcloud's login, as
 * it finds them. The library is loaded when the first token is wanted.
 *
 * It keeps a token until it runs out. One that was refused is not asked for again from the client who gave it, but a
 * token that is newer than the refused one is handed out first, so that a thousand repositories cost one new token.
 */
import type { CredentialSource } from './credentials.ts'
import { CredentialUnavailableError } from './http-errors.ts'
import { Redactor } from './redact.ts'

export interface GoogleTokenSettings {
  /** OAuth scopes. */
  readonly scopes: readonly string[]
  /** What a token is for, in messages: `Google Cloud Storage`. */
  readonly purpose: string
}

interface TokenClient {
  getAccessToken(): Promise<string | null | undefined>
}

/** How the library says that there is nothing, as opposed to something that does not work. */
const NOTHING_FOUND = /^Could not load the default credentials/

const defaultsName = 'Google’s application default credentials'
const defaultsHint =
  'Set GOOGLE_APPLICATION_CREDENTIALS to a service account’s key file, run where workload identity gives Winnow an account, or log in with gcloud auth application-default login.'

/**
 * Application default credentials.
 *
 * @param environment where GOOGLE_APPLICATION_CREDENTIALS is read; the library itself reads the process’s
 * @param ifNone whether having none is an error (CredentialUnavailableError) or an answer. @default 'fail'
 */
export function googleCredentials(
  settings: GoogleTokenSettings,
  environment: Readonly<Record<string, string | undefined>>,
  ifNone: 'fail' | 'answer' = 'fail',
): CredentialSource {
  const keyFile = environment['GOOGLE_APPLICATION_CREDENTIALS']
  const open = async (): Promise<TokenClient> => {
    const { GoogleAuth } = await import('google-auth-library')
    return new GoogleAuth({
      scopes: [...settings.scopes],
      ...(keyFile === undefined || keyFile === '' ? {} : { keyFilename: keyFile }),
    })
  }
  const failed = (error: unknown): CredentialUnavailableError | undefined =>
    ifNone === 'answer' && error instanceof Error && NOTHING_FOUND.test(error.message)
      ? undefined
      : unavailable(settings.purpose, error, defaultsHint)
  return tokensOf(defaultsName, open, failed)
}

/**
 * Tokens for a service account, from the text of its key file.
 *
 * @param origin where the key stands, for messages
 * @throws CredentialUnavailableError when it is no such key; its text is never quoted
 */
export function serviceAccountCredentials(
  settings: GoogleTokenSettings,
  key: string,
  origin: string,
): CredentialSource {
  const hint = 'Use the JSON key file of a service account as it was downloaded, or its text in base64.'
  const account = parsedKey(key)
  if (account === undefined) {
    throw new CredentialUnavailableError(
      `The key from ${origin} is not that of a Google service account.`,
      hint,
    )
  }
  const open = async (): Promise<TokenClient> => {
    const { JWT } = await import('google-auth-library')
    const client = new JWT({
      email: account.email,
      key: account.privateKey,
      scopes: [...settings.scopes],
      ...(account.keyId !== undefined && { keyId: account.keyId }),
    })
    return { getAccessToken: async () => (await client.getAccessToken()).token }
  }
  return tokensOf(origin, open, (error) => unavailable(settings.purpose, error, hint))
}

function tokensOf(
  name: string,
  open: () => Promise<TokenClient>,
  /** The error to throw; undefined where there is nothing to log in with. */
  failed: (error: unknown) => CredentialUnavailableError | undefined,
): CredentialSource {
  let client: Promise<TokenClient> | undefined
  let current: string | undefined
  /** Who was given `current`. */
  const holders = new Set<string>()
  return {
    name,
    get: async ({ host, path }, options) => {
      const holder = `${host}/${path}`
      if (options?.refresh === true && holders.has(holder)) {
        client = undefined
        holders.clear()
      }
      try {
        client ??= open()
        const token = await (await client).getAccessToken()
        if (typeof token !== 'string' || token === '') throw new Error('it gave no token')
        if (token !== current) holders.clear()
        current = token
        holders.add(holder)
        return { kind: 'bearer', token, origin: name }
      } catch (error) {
        client = undefined
        const failure = failed(error)
        if (failure === undefined) return undefined
        throw failure
      }
    },
  }
}

interface ServiceAccount {
  readonly email: string
  readonly privateKey: string
  readonly keyId: string | undefined
}

function parsedKey(key: string): ServiceAccount | undefined {
  try {
    const fields = new Map<string, unknown>(Object.entries(JSON.parse(key) as object))
    const [email, privateKey, keyId] = ['client_email', 'private_key', 'private_key_id'].map((name) =>
      fields.get(name),
    )
    if (fields.get('type') !== 'service_account') return undefined
    if (typeof email !== 'string' || typeof privateKey !== 'string') return undefined
    return { email, privateKey, keyId: typeof keyId === 'string' ? keyId : undefined }
  } catch {
    // The parser's message would quote the key.
    return undefined
  }
}

function unavailable(purpose: string, error: unknown, hint: string): CredentialUnavailableError {
  const cause = new Redactor().cause(error)
  return new CredentialUnavailableError(
    `Could not get a token for ${purpose}: ${cause.message.replace(/[.\s]+$/, '')}.`,
    hint,
    { cause },
  )
}
