/** Why Harbor does not run its garbage collection for us, and what to know of a run that somebody else began. */
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import { CollectorRefusedError } from '../collector-errors.ts'
import { hasCode } from '../oci/answers.ts'
import type { GcJob } from './gc-jobs.ts'
import { saidOrStatus, type HarborApi } from './harbor-api.ts'
import { isReadOnly, readOnlyCure } from './harbor-refusals.ts'

const rightsCure =
  'Give Winnow a user who administers Harbor, or a robot account of the whole system with the permission garbage-collection: create, read, list. Or have an administrator run it: Administration, Clean Up, Garbage Collection, without “Allow garbage collection on untagged artifacts”.'

/** The error for a 401 or 403 to the request that begins it. */
export async function refusalOf(
  api: HarborApi,
  response: HttpResponse,
  options?: RunOptions,
): Promise<CollectorRefusedError> {
  if (hasCode(response, 'DENIED') && (await isReadOnly(api, options)))
    return new CollectorRefusedError(api.name, 'Harbor takes no changes just now', readOnlyCure)
  return forbidden(api, response)
}

export function forbidden(api: HarborApi, response: HttpResponse): CollectorRefusedError {
  const why = `these credentials may not run Harbor’s garbage collection (${saidOrStatus(response)})`
  return new CollectorRefusedError(api.name, why, rightsCure)
}

export function conflict(api: HarborApi, response: HttpResponse): CollectorRefusedError {
  return new CollectorRefusedError(
    api.name,
    `Harbor did not begin its garbage collection, because something stands in the way (${saidOrStatus(response)})`,
    'Winnow leaves the schedule of Harbor as it is. Look under Administration, Clean Up, Garbage Collection what is scheduled or runs there, and start it there by “GC Now”.',
  )
}

/** Of a run that somebody else began. */
export function warningsOf({ id, kind, deletesUntagged }: GcJob): readonly string[] {
  const late = `Run ${id} (${kind}) of Harbor’s garbage collection was begun by somebody else: what was deleted since then may be left to the next one.`
  return deletesUntagged
    ? [
        late,
        `Run ${id} also deletes every artifact without a tag that no index holds: it was not told delete_untagged: false.`,
      ]
    : [late]
}
