/** What docs/registries/harbor.md asks of a Harbor beyond what is asked of every registry; for `winnow doctor`. */
import type { RunOptions } from '../../../ports/run-options.ts'
import type { DriverCheck } from '../driver.ts'
import { isRecord } from '../oci/answers.ts'
import { parsed } from './gc-jobs.ts'
import type { HarborApi } from './harbor-api.ts'
import { readOnlyCure, readSystem } from './harbor-refusals.ts'
import type { ProxyProjects } from './proxy-projects.ts'

/** Sends GETs only. @throws what HarborApi throws when Harbor gives no answer that is one */
export async function checkHarbor(
  api: HarborApi,
  proxies: ProxyProjects,
  options: RunOptions,
): Promise<readonly DriverCheck[]> {
  const { isReadOnly } = await readSystem(api, options)
  const writable: DriverCheck = isReadOnly
    ? { what: 'take changes', state: 'failed', text: 'Harbor is read-only', cure: readOnlyCure }
    : { what: 'take changes', state: 'ok', text: '' }
  const names = [...(await proxies.names(options))].toSorted()
  const caches: DriverCheck = {
    what: 'find proxy caches',
    state: 'ok',
    text: names.length === 0 ? 'none' : `what they hold stays: ${names.join(', ')}`,
  }
  return [writable, caches, await checkCollector(api, options)]
}

const what = "look at Harbor's own garbage collection"

/** It may delete what Winnow was told to keep: artifacts without a tag. */
async function checkCollector(api: HarborApi, options: RunOptions): Promise<DriverCheck> {
  const response = await api.get('system/gc/schedule', options)
  if (response.status === 401 || response.status === 403)
    return { what, state: 'ok', text: 'these credentials may not see its schedule' }
  if (response.status !== 200) throw api.unexpected('GET /api/v2.0/system/gc/schedule', response)
  const schedule = response.body.length === 0 ? undefined : response.json()
  const planned = isRecord(schedule) && isRecord(schedule['schedule']) ? schedule['schedule'] : {}
  const { type } = planned
  if (!isRecord(schedule) || typeof type !== 'string' || type === 'None' || type === '')
    return {
      what,
      state: 'warning',
      text: 'it is not scheduled, so deleting frees no bytes',
      cure: 'Have an administrator schedule it under Administration, Clean Up, Garbage Collection.',
    }
  if (!deletesUntagged(schedule))
    return { what, state: 'ok', text: `scheduled (${type}), and leaves artifacts without a tag` }
  return {
    what,
    state: 'warning',
    text: `it is scheduled (${type}) and deletes every artifact without a tag that no index holds`,
    cure: 'If images without a tag are to stay, have an administrator switch off "Allow garbage collection on untagged artifacts" there.',
  }
}

/** Harbor's default is true, also where the parameter is not said. */
function deletesUntagged(schedule: Readonly<Record<string, unknown>>): boolean {
  const said = isRecord(schedule['parameters']) ? schedule['parameters'] : parsed(schedule['job_parameters'])
  return said['delete_untagged'] !== false
}
