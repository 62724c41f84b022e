/**
 * Credentials of the configuration, handed to git: as variables of the one child that fetches, read by a credential helper
 * that is a line of shell among the words of the command. The words hold names only; the secret is in no word, no file and no
 * error.
 *
 * Git asks that helper for this scheme and host alone, so a redirect elsewhere gets nothing; every other helper is switched
 * off, so that what was configured here is what is used.
 */
import type { CredentialSource } from '../http/credentials.ts'
import type { GitAddress } from './address.ts'
import { GitReadError } from './git-errors.ts'
import { settings } from './git-environment.ts'
import type { Git, GitCommand } from './run-git.ts'

/** The user's name beside a token alone. GitHub, GitLab and Gitea take any; where another is wanted, `username:` gives it. */
const tokenUser = 'x-access-token'

const helper =
  '!f() { if test "$1" = get; then printf "username=%s\\npassword=%s\\n" "$WINNOW_GIT_USERNAME" "$WINNOW_GIT_PASSWORD"; fi; }; f'

/**
 * The words and the environment with which the address is asked.
 *
 * @throws GitReadError for credentials that the address cannot use; CredentialUnavailableError when they are not there
 */
export async function accessTo(
  address: GitAddress,
  credentials: CredentialSource | undefined,
  git: Git,
  signal: AbortSignal | undefined,
): Promise<Pick<GitCommand, 'words' | 'environment'>> {
  const allowed = { GIT_ALLOW_PROTOCOL: address.allowedProtocols }
  if (credentials === undefined) return { words: transportWords(address), environment: allowed }
  if (address.scheme !== 'https' && address.scheme !== 'http') throw useless(address)
  const target = { host: address.host, path: address.project }
  const credential = await credentials.get(target, signal === undefined ? {} : { signal })
  if (credential === undefined) return { words: transportWords(address), environment: allowed }
  const [username, password] =
    credential.kind === 'basic' ? [credential.username, credential.password] : [tokenUser, credential.token]
  git.redactor.register(password)
  // The protocol between git and its helpers is made of lines (git-credential(1)).
  if (/[\0\r\n]/.test(username + password)) throw broken(credential.origin)
  return {
    words: [
      ...transportWords(address),
      // An empty name forgets all helpers before it (gitcredentials(7)).
      ...settings({ 'credential.helper': '' }),
      ...settings({ [`credential.${address.scheme}://${address.host}.helper`]: helper }),
    ],
    environment: { ...allowed, WINNOW_GIT_USERNAME: username, WINNOW_GIT_PASSWORD: password },
  }
}

/** A plain http server may send us nowhere else; others only once, at the beginning, as git does by itself. */
function transportWords({ scheme }: GitAddress): readonly string[] {
  return settings({ 'http.followRedirects': scheme === 'http' ? 'false' : 'initial' })
}

function useless({ scheme }: GitAddress): GitReadError {
  return new GitReadError(
    'credentials',
    `A user with a password, or a token, is of no use for an address with ${scheme}.`,
    'Take `auth:` out, and let ssh use its agent and keys; or give the address with https.',
  )
}

function broken(origin: string | undefined): GitReadError {
  return new GitReadError(
    'credentials',
    `The credentials from ${origin ?? 'the configuration'} hold a line break, which no password has.`,
    'Write the secret alone on one line.',
  )
}
