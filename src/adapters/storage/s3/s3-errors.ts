/**
 * What an object store says when it refuses, in the words of the ports.
 *
 * The vendor's errors hold the whole exchange, signatures and session tokens in it, so only their name, status and
 * request number are kept.
 */
import { OperationalError } from '../../../core/errors/errors.ts'
import { StorageWriteError, type StorageWriteObstacle } from '../../../ports/mutable-blob-store.ts'
import { StorageUnreadableError } from '../../../ports/readable-blob-store.ts'

interface Refusal {
  /** The server's code (`NoSuchKey`), or the name of what went wrong on the way. */
  readonly name: string
  readonly status: number | undefined
}

const CREDENTIALS =
  'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or give this machine or service account a role.'
const RIGHTS = 'Grant the rights that docs/storage-s3.md lists for this bucket and prefix.'
const NETWORK = 'Check the endpoint in winnow.yaml, and that it can be reached from here.'
const REGION = 'Set the region in which the bucket lies.'

interface Explanation {
  readonly why: string
  readonly hint: string
  readonly obstacle?: StorageWriteObstacle
}

const explanations: Readonly<Record<string, Explanation>> = {
  NoSuchBucket: {
    why: 'there is no such bucket',
    hint: 'Correct the name of the bucket, the region or the endpoint.',
  },
  AccessDenied: { why: 'access is denied', hint: RIGHTS, obstacle: 'forbidden' },
  Forbidden: { why: 'access is denied', hint: RIGHTS, obstacle: 'forbidden' },
  AllAccessDisabled: { why: 'access is disabled', hint: RIGHTS, obstacle: 'forbidden' },
  InvalidAccessKeyId: { why: 'the access key is unknown there', hint: CREDENTIALS, obstacle: 'forbidden' },
  SignatureDoesNotMatch: {
    why: 'the secret key does not belong to the access key',
    hint: CREDENTIALS,
    obstacle: 'forbidden',
  },
  ExpiredToken: { why: 'the credentials have expired', hint: CREDENTIALS, obstacle: 'forbidden' },
  InvalidToken: { why: 'the session token is not valid', hint: CREDENTIALS, obstacle: 'forbidden' },
  CredentialsProviderError: { why: 'no credentials were found', hint: CREDENTIALS, obstacle: 'forbidden' },
  RequestTimeTooSkewed: {
    why: 'the clock of this machine is wrong',
    hint: 'Set the clock, for instance by NTP.',
  },
  PermanentRedirect: { why: 'the bucket lies in another region', hint: REGION },
  AuthorizationHeaderMalformed: { why: 'the bucket lies in another region', hint: REGION },
  'Region is missing': { why: 'no region is known', hint: REGION },
  InvalidObjectState: {
    why: 'the object is archived',
    hint: 'Restore archived objects first, or keep the registry out of archive classes.',
  },
  ENOTFOUND: { why: 'its name cannot be resolved', hint: NETWORK },
  ECONNREFUSED: { why: 'no server listens there', hint: NETWORK },
  SlowDown: { why: 'it goes on asking for patience', hint: 'Run the same command again later.' },
}

export function unreadable(where: string, error: unknown): OperationalError {
  if (error instanceof OperationalError) return error
  const { why, hint } = explain(error)
  return new StorageUnreadableError(where, why, { hint, cause: briefly(error) })
}

export function notWritable(where: string, error: unknown): OperationalError {
  if (error instanceof OperationalError) return error
  const { why, hint, obstacle = 'other' } = explain(error)
  return new StorageWriteError(where, obstacle, why, { hint, cause: briefly(error) })
}

/** For an answer about one key in a batch. */
export function refusedByCode(where: string, code: string): StorageWriteError {
  const { why, hint, obstacle = 'other' } = explanations[code] ?? unknownTo({ name: code, status: undefined })
  return new StorageWriteError(where, obstacle, why, { hint })
}

/** "Not there", said about an object or a version of one. */
export function isAbsent(error: unknown): boolean {
  return ['NoSuchKey', 'NoSuchVersion', 'NotFound'].includes(refusalOf(error).name)
}

export function isBucketAbsent(error: unknown): boolean {
  return refusalOf(error).name === 'NoSuchBucket'
}

/** A condition of ours (`If-Match`, `If-None-Match`) did not hold. */
export function isConditionFailed(error: unknown): boolean {
  return refusalOf(error).status === 412
}

/** Another conditional write to the same key is under way. */
export function isConflict(error: unknown): boolean {
  return refusalOf(error).status === 409
}

/** The server does not know the request, or what it was asked to consider. */
export function isNotImplemented(error: unknown): boolean {
  const { name, status } = refusalOf(error)
  return status === 501 || status === 405 || name === 'NotImplemented'
}

/** How often the client sent it before it gave up. */
export function attemptsOf(error: unknown): number {
  return metadataOf(error).attempts ?? 1
}

function explain(error: unknown): Explanation {
  const refusal = refusalOf(error)
  const known = explanations[refusal.name]
  if (known !== undefined) return known
  if (refusal.status === 403 || refusal.status === 401) {
    return { why: `access is denied (${refusal.name})`, hint: RIGHTS, obstacle: 'forbidden' }
  }
  return unknownTo(refusal)
}

function unknownTo({ name, status }: Refusal): Explanation {
  return {
    why: status === undefined ? `the request failed (${name})` : `the server answers ${status} ${name}`,
    hint: 'Check that the server is well, then run the same command again; what was begun is settled then.',
  }
}

function refusalOf(error: unknown): Refusal {
  const status = metadataOf(error).httpStatusCode
  if (!(error instanceof Error)) return { name: 'unknown', status }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  const name = error.message === 'Region is missing' ? error.message : (code ?? error.name)
  // Foreign text: a code is a word, and nothing else is shown.
  return { name: /^[A-Za-z0-9 _.-]{1,60}$/.test(name) ? name : 'unknown', status }
}

function metadataOf(error: unknown): { readonly httpStatusCode?: number; readonly attempts?: number } {
  const holder = error as {
    readonly $metadata?: { readonly httpStatusCode?: number; readonly attempts?: number }
  }
  return holder?.$metadata ?? {}
}

function briefly(error: unknown): Error {
  const { name, status } = refusalOf(error)
  return new Error(status === undefined ? name : `${status} ${name}`)
}
