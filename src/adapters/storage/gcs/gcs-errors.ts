/** What Google Cloud Storage or the way to it refuses, in the words of the ports. */
import { InterruptedError, OperationalError } from '../../../core/errors/errors.ts'
import { StorageWriteError } from '../../../ports/mutable-blob-store.ts'
import { StorageUnreadableError } from '../../../ports/readable-blob-store.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import { ResponseTooLargeError } from '../../http/http-errors.ts'

/** What was being done, and to what: `gs://bucket/key`. */
export interface Attempt {
  readonly where: string
  readonly changes: boolean
  /** The limit that a body longer than it breaks. */
  readonly bytesMax?: number
}

/** An answer that is no outcome. */
export function refused(attempt: Attempt, response: HttpResponse): OperationalError {
  const isForbidden = response.status === 401 || response.status === 403
  const why = `${isForbidden ? 'permission denied' : 'the store refused'} (status ${response.status}${reasonOf(response)})`
  if (attempt.changes) return new StorageWriteError(attempt.where, isForbidden ? 'forbidden' : 'other', why)
  return new StorageUnreadableError(attempt.where, why, {
    hint: isForbidden
      ? 'Give Winnow’s account the rights that docs/storage-gcs.md names, on this bucket.'
      : 'Check the bucket and the endpoint in winnow.yaml; run the same command again when the store is well.',
  })
}

/** What the HTTP client threw. */
export function failed(attempt: Attempt, error: unknown): unknown {
  if (!(error instanceof OperationalError) || error instanceof InterruptedError || isOurs(error)) return error
  if (error instanceof ResponseTooLargeError && attempt.bytesMax !== undefined) {
    return tooLong(attempt.where, attempt.bytesMax)
  }
  const why = error.message.replace(/[.\s]+$/, '')
  return attempt.changes
    ? new StorageWriteError(attempt.where, 'other', why, { cause: error })
    : new StorageUnreadableError(attempt.where, why, { cause: error, hint: error.hint })
}

export function tooLong(where: string, bytesMax: number): StorageUnreadableError {
  return new StorageUnreadableError(where, `it is longer than the ${bytesMax} bytes allowed`)
}

export function noBucket(where: string): StorageUnreadableError {
  return new StorageUnreadableError(where, 'there is no such bucket', {
    hint: 'Correct the name of the bucket in winnow.yaml, or the project that Winnow’s account belongs to.',
  })
}

function isOurs(error: OperationalError): boolean {
  return error instanceof StorageUnreadableError || error instanceof StorageWriteError
}

/** Google’s one-word reason; its sentences name accounts and are left out. */
function reasonOf(response: HttpResponse): string {
  const [, reason] = /"reason":\s*"([A-Za-z]{1,60})"/.exec(response.text()) ?? []
  return reason === undefined ? '' : `, ${reason}`
}
