/**
 * Credentials that the configuration names: a user with a password, or a token, each from a variable or a file.
 *
 * There is no place for a secret itself, and none is ever quoted. A variable or file that is named but not there is
 * an error of configuration, said by its name; going on anonymously would look like lost access. Files are read again
 * on refresh, so a rotated secret is found without a restart.
 */
import { readFile } from 'node:fs/promises'
import type { Credential, CredentialSource } from './credentials.ts'
import { CredentialUnavailableError } from './http-errors.ts'
import { errorCode } from './redact.ts'

/** One of: a user (`username` or `usernameEnv`) with `passwordEnv` or `passwordFile`; `tokenEnv`; `tokenFile`. */
export interface ConfiguredAuth {
  readonly username?: string | undefined
  readonly usernameEnv?: string | undefined
  readonly passwordEnv?: string | undefined
  readonly passwordFile?: string | undefined
  readonly tokenEnv?: string | undefined
  readonly tokenFile?: string | undefined
}

/**
 * @param environment where variables are read. @default process.env
 * @throws CredentialUnavailableError when the parts do not make up one way to log in
 */
export function configuredCredentials(
  auth: ConfiguredAuth,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): CredentialSource {
  requireOneWay(auth)
  return {
    name: nameOf(auth),
    get: async () => await readCredential(auth, environment),
  }
}

async function readCredential(
  auth: ConfiguredAuth,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Credential> {
  const origin = nameOf(auth)
  if (auth.tokenEnv !== undefined)
    return { kind: 'bearer', token: fromVariable(auth.tokenEnv, environment), origin }
  if (auth.tokenFile !== undefined) return { kind: 'bearer', token: await fromFile(auth.tokenFile), origin }
  const username =
    auth.usernameEnv === undefined ? (auth.username ?? '') : fromVariable(auth.usernameEnv, environment)
  const password =
    auth.passwordFile === undefined
      ? fromVariable(auth.passwordEnv ?? '', environment)
      : await fromFile(auth.passwordFile)
  return { kind: 'basic', username, password, origin }
}

function fromVariable(name: string, environment: Readonly<Record<string, string | undefined>>): string {
  const value = environment[name]
  if (value !== undefined && value !== '') return value
  throw new CredentialUnavailableError(
    `The environment variable ${name}, which the configuration names for credentials, is ${value === undefined ? 'not set' : 'empty'}.`,
    `Set ${name}, or correct \`auth\` in the configuration.`,
  )
}

async function fromFile(path: string): Promise<string> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const why =
      errorCode(error) === 'ENOENT'
        ? 'does not exist'
        : `cannot be read (${errorCode(error) ?? 'unknown error'})`
    throw new CredentialUnavailableError(
      `The file ${path}, which the configuration names for credentials, ${why}.`,
      'Create it, give this user the right to read it, or correct `auth` in the configuration.',
      { cause: error },
    )
  }
  // Editors and `echo` end files with a newline; no password ends with one.
  const secret = text.replace(/[\r\n]+$/, '')
  if (secret !== '') return secret
  throw new CredentialUnavailableError(
    `The file ${path}, which the configuration names for credentials, is empty.`,
    'Write the secret into it, or correct `auth` in the configuration.',
  )
}

function requireOneWay(auth: ConfiguredAuth): void {
  const tokens = count(auth.tokenEnv, auth.tokenFile)
  const users = count(auth.username, auth.usernameEnv)
  const passwords = count(auth.passwordEnv, auth.passwordFile)
  if ((tokens === 1 && users + passwords === 0) || (tokens === 0 && users === 1 && passwords === 1)) return
  throw new CredentialUnavailableError(
    'The credentials in the configuration do not make up one way to log in.',
    'Give `username` or `usernameEnv` with `passwordEnv` or `passwordFile`; or `tokenEnv`; or `tokenFile`.',
  )
}

function count(...values: readonly (string | undefined)[]): number {
  return values.filter((value) => value !== undefined).length
}

function nameOf(auth: ConfiguredAuth): string {
  if (auth.tokenEnv !== undefined) return `the variable ${auth.tokenEnv}`
  if (auth.tokenFile !== undefined) return `the file ${auth.tokenFile}`
  return auth.passwordFile === undefined
    ? `the variable ${auth.passwordEnv ?? ''}`
    : `the file ${auth.passwordFile}`
}
