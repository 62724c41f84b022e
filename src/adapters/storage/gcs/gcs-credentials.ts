/**
 * Tokens for Google Cloud Storage by Google's own library: a service account's key file, workload identity, the metadata
 * server, or gcloud's login, as it finds them. Loaded when the first token is wanted.
 */
import type { CredentialSource } from '../../http/credentials.ts'
import { CredentialUnavailableError } from '../../http/http-errors.ts'
import { Redactor } from '../../http/redact.ts'

const SCOPES = {
  read: 'https://www.googleapis.com/auth/devstorage.read_only',
  write: 'https://www.googleapis.com/auth/devstorage.read_write',
} as const

export type GcsAccess = keyof typeof SCOPES

/** @param environment where GOOGLE_APPLICATION_CREDENTIALS is read; the library itself reads the process’s */
export function googleCredentials(
  access: GcsAccess,
  environment: Readonly<Record<string, string | undefined>>,
): CredentialSource {
  const name = 'Google’s application default credentials'
  const keyFile = environment['GOOGLE_APPLICATION_CREDENTIALS']
  let source: Promise<{ getAccessToken(): Promise<string | null | undefined> }> | undefined
  return {
    name,
    get: async (_target, options) => {
      try {
        // A token that was refused is not asked for again from the one who gave it.
        if (options?.refresh === true) source = undefined
        source ??= openGoogleAuth(SCOPES[access], keyFile)
        const token = await (await source).getAccessToken()
        if (typeof token === 'string' && token !== '') return { kind: 'bearer', token, origin: name }
        throw new Error('it gave no token')
      } catch (error) {
        source = undefined
        throw unavailable(error)
      }
    },
  }
}

async function openGoogleAuth(
  scope: string,
  keyFile: string | undefined,
): Promise<{ getAccessToken(): Promise<string | null | undefined> }> {
  const { GoogleAuth } = await import('google-auth-library')
  return new GoogleAuth({
    scopes: [scope],
    ...(keyFile === undefined || keyFile === '' ? {} : { keyFilename: keyFile }),
  })
}

function unavailable(error: unknown): CredentialUnavailableError {
  const cause = new Redactor().cause(error)
  return new CredentialUnavailableError(
    `Could not get a token for Google Cloud Storage: ${cause.message.replace(/[.\s]+$/, '')}.`,
    'Set GOOGLE_APPLICATION_CREDENTIALS to a service account’s key file, run where workload identity gives Winnow an account, or log in with gcloud auth application-default login.',
    { cause },
  )
}
