/** What Harbor means when it does not do as asked (its errors have the codes of the distribution API and some of its own). */
import type { ChangeOutcome } from '../../../ports/mutable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import { hasCode, isRecord, saidIn } from '../oci/answers.ts'
import { deleteRefusal, refused } from '../oci/refusals.ts'
import { saidOrStatus, type HarborApi } from './harbor-api.ts'

export const readOnlyCure =
  'Harbor is set to read-only. An administrator takes that back under Administration, Configuration, System Settings.'

const csrfText =
  'Harbor took the request for one of a browser, because something between adds a session cookie to it (CSRF token invalid). Give Winnow an address of Harbor where no proxy does that.'

/** @throws RegistryAnswerError, ProductMismatchError for an answer that is no refusal we know */
export async function harborRefusal(
  api: HarborApi,
  what: string,
  response: HttpResponse,
  options?: RunOptions,
): Promise<ChangeOutcome> {
  if (hasCode(response, 'VIOLATE_FOREIGN_KEY_CONSTRAINT'))
    return refused('referenced', `Harbor keeps it while an index has it (${saidIn(response)}).`)
  if (response.status === 403) {
    if (/csrf/i.test(saidIn(response))) return refused('forbidden', csrfText)
    if (hasCode(response, 'DENIED') && (await isReadOnly(api, options)))
      return refused('read-only', readOnlyCure)
    return refused('forbidden', `These credentials may not delete in Harbor (${saidOrStatus(response)}).`)
  }
  const refusal = deleteRefusal(response)
  if (refusal === undefined) throw api.unexpected(what, response)
  return refusal
}

/** What Harbor tells of itself; without a login that is little. */
export interface SystemFacts {
  readonly version: string | undefined
  readonly isReadOnly: boolean
}

/** @throws ProductMismatchError when this is not Harbor, RegistryAnswerError */
export async function readSystem(api: HarborApi, options?: RunOptions): Promise<SystemFacts> {
  const response = await api.get('systeminfo', options)
  if (response.status !== 200) throw api.unexpected('GET /api/v2.0/systeminfo', response)
  const body = response.headers.get('content-type')?.includes('json') === true ? response.json() : undefined
  if (
    !isRecord(body) ||
    (typeof body['auth_mode'] !== 'string' && typeof body['harbor_version'] !== 'string')
  )
    throw api.notHarbor('GET /api/v2.0/systeminfo does not say what Harbor says there')
  const version = body['harbor_version']
  return {
    version: typeof version === 'string' ? /^v?(\d+(?:\.\d+)*)/.exec(version)?.[1] : undefined,
    isReadOnly: body['read_only'] === true,
  }
}

export async function isReadOnly(api: HarborApi, options?: RunOptions): Promise<boolean> {
  return (await readSystem(api, options)).isReadOnly
}
