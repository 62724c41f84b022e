/** Why zot's files are left alone. */
import { OperationalError } from '../../../core/errors/errors.ts'

/**
 * zot rewrites index.json and its databases under a lock in its own memory, which nobody outside can take: what is removed
 * beneath it may be needed by a push that it is taking in.
 */
export class ZotRunningError extends OperationalError {
  readonly code = 'ZOT_RUNNING'
  readonly hint =
    'Stop zot for the sweep, or let it collect by itself: "gc": true with "gcDelay" and "gcInterval" under "storage" in its configuration.'

  constructor(place: string) {
    super(`zot is running on the storage at ${place}, so nothing may be removed from it.`)
  }
}
