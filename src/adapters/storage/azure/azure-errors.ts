/**
 * What Azure Blob Storage or the way to it refuses, in the words of the ports. The library's own errors hold requests with
 * their headers, so none of them is passed on: only its code and its message, redacted.
 */
import { InterruptedError, OperationalError } from '../../../core/errors/errors.ts'
import { StorageWriteError } from '../../../ports/mutable-blob-store.ts'
import { StorageUnreadableError } from '../../../ports/readable-blob-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { Redactor } from '../../http/redact.ts'
import { throwIfAborted } from '../objects/parallel.ts'

/** What was being done, and to what: `azure://account/container/key`. */
export interface Attempt {
  readonly where: string
  readonly changes: boolean
  readonly redactor: Redactor
}

/** Codes of Azure that are outcomes, and the outcome. */
export type Outcomes<T> = ReadonlyMap<string, T>

export function outcomes<T>(value: T, ...codes: readonly string[]): Outcomes<T> {
  return new Map(codes.map((code) => [code, value]))
}

/** An answer to HEAD has no body to say more in. */
export const NOT_THERE: readonly string[] = ['BlobNotFound', 'ResourceNotFound']
export const TAKEN: readonly string[] = ['BlobAlreadyExists', 'TargetConditionNotMet', 'ConditionNotMet']

export async function ask<T>(
  attempt: Attempt,
  options: RunOptions | undefined,
  work: () => Promise<T>,
  known?: Outcomes<T>,
): Promise<T> {
  throwIfAborted(options)
  try {
    return await work()
  } catch (error) {
    if (options?.signal?.aborted === true || error instanceof InterruptedError) throw new InterruptedError()
    const { code } = shapeOf(error)
    if (known?.has(code) === true) return known.get(code) as T
    throw failed(attempt, error)
  }
}

export function failed(attempt: Attempt, error: unknown): OperationalError {
  if (error instanceof StorageUnreadableError || error instanceof StorageWriteError) return error
  if (error instanceof OperationalError) {
    return new StorageUnreadableError(attempt.where, error.message.replace(/[.\s]+$/, ''), {
      hint: error.hint,
      cause: error,
    })
  }
  const { code, status } = shapeOf(error)
  const cause = attempt.redactor.cause(error)
  if (code === 'ContainerNotFound') return noContainer(attempt.where)
  const isForbidden = status === 401 || status === 403 || /Authenticat|CredentialUnavailable/.test(code)
  const known = code === '' ? attempt.redactor.text(cause.message).split('\n', 1)[0] : code
  const told = [...(status === undefined ? [] : [`status ${status}`]), known ?? ''].join(', ')
  const why = `${whyOf(isForbidden, status)} (${told.replace(/[.\s]+$/, '')})`
  if (attempt.changes)
    return new StorageWriteError(attempt.where, isForbidden ? 'forbidden' : 'other', why, { cause })
  return new StorageUnreadableError(attempt.where, why, { cause, hint: hintOf(isForbidden) })
}

export function tooLong(where: string, bytesMax: number): StorageUnreadableError {
  return new StorageUnreadableError(where, `it is longer than the ${bytesMax} bytes allowed`)
}

/** The code and status of an error of the library, or of the network below it. */
export function shapeOf(error: unknown): { readonly code: string; readonly status: number | undefined } {
  if (typeof error !== 'object' || error === null) return { code: '', status: undefined }
  const { code, statusCode, name, details } = error as Readonly<Record<string, unknown>>
  const told =
    typeof details === 'object' && details !== null && 'errorCode' in details ? details.errorCode : undefined
  const isIdentity = typeof name === 'string' && /Authentication|CredentialUnavailable/.test(name)
  const codes = [told, code, isIdentity ? name : undefined].filter((each) => typeof each === 'string')
  return { code: codes[0] ?? '', status: typeof statusCode === 'number' ? statusCode : undefined }
}

function whyOf(isForbidden: boolean, status: number | undefined): string {
  if (isForbidden) return 'permission denied'
  return status === undefined ? 'the store could not be reached' : 'the store refused'
}

function hintOf(isForbidden: boolean): string {
  return isForbidden
    ? 'Check the credentials that docs/storage-azure.md names, and give them rights on this container.'
    : 'Check the account, the container and the endpoint in winnow.yaml; run the same command again when the store is well.'
}

function noContainer(where: string): StorageUnreadableError {
  return new StorageUnreadableError(where, 'there is no such container', {
    hint: 'Correct the name of the container or of the account in winnow.yaml.',
  })
}
