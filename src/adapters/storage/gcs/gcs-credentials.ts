/** Tokens for Google Cloud Storage, with no more rights than the run needs. */
import type { CredentialSource } from '../../http/credentials.ts'
import { googleCredentials } from '../../http/google-credentials.ts'

const SCOPES = {
  read: 'https://www.googleapis.com/auth/devstorage.read_only',
  write: 'https://www.googleapis.com/auth/devstorage.read_write',
} as const

export type GcsAccess = keyof typeof SCOPES

/** @param environment where GOOGLE_APPLICATION_CREDENTIALS is read; the library itself reads the process’s */
export function gcsCredentials(
  access: GcsAccess,
  environment: Readonly<Record<string, string | undefined>>,
): CredentialSource {
  return googleCredentials({ scopes: [SCOPES[access]], purpose: 'Google Cloud Storage' }, environment)
}
