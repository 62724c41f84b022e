/** Whether the bucket keeps what is deleted. Asked once a run: switching it in the middle of one is not for a sweep to expect. */
import type { RunOptions } from '../../../ports/run-options.ts'
import type { Connection } from './connection.ts'
import { isNotImplemented } from './s3-errors.ts'

/** `suspended`: it was on once, and versions from then may be there; what is deleted now is not kept. */
export type Versioning = 'on' | 'suspended' | 'never'

export type VersioningLookup = (options: RunOptions | undefined) => Promise<Versioning>

export function versioningOf(connection: Connection): VersioningLookup {
  let known: Versioning | undefined
  return async (options) => (known ??= await askVersioning(connection, options))
}

async function askVersioning(connection: Connection, options: RunOptions | undefined): Promise<Versioning> {
  const status = await connection.ask('', options, async (s3, http) => {
    try {
      const answer = await s3.getBucketVersioning({ Bucket: connection.bucket }, http)
      return answer.Status ?? 'never'
    } catch (error) {
      // A server without versions may not know the question.
      if (isNotImplemented(error)) return 'never'
      throw error
    }
  })
  switch (status) {
    case 'Enabled':
      return 'on'
    case 'Suspended':
      return 'suspended'
    default:
      return 'never'
  }
}
