/** Tasks of a Nexus as its REST API tells them: which there are of a type, whether they run, how they last ended. */
import type { RunOptions } from '../../../ports/run-options.ts'
import { guardPages } from '../../http/link-header.ts'
import { CollectorRefusedError } from '../collector-errors.ts'
import { isRecord, quotable } from '../oci/answers.ts'
import { saidByProduct, type ProductApi } from '../product-api.ts'

/** The types that free space, in the order in which they do, by the names that the administration shows. */
export const freeingTasks = [
  { type: 'repository.docker.gc', name: 'Docker - Delete unused manifests and images' },
  { type: 'blobstore.compact', name: 'Admin - Compact blob store' },
] as const

export type TaskType = (typeof freeingTasks)[number]

export interface NexusTask {
  readonly id: string
  readonly name: string
  /** `WAITING`, `RUNNING`, and words around them. */
  readonly state: string
  /** `OK`, `FAILED`; undefined when it never ran. */
  readonly lastResult: string | undefined
  /** As it came; only ever compared. */
  readonly lastRun: string | undefined
}

/** A task that waits for its time, or ended; every other word is taken for one that is under way. */
const restingStates = new Set(['WAITING', 'OK', 'FAILED', 'CANCELED', 'INTERRUPTED'])

export function isRunning({ state }: NexusTask): boolean {
  return !restingStates.has(state.toUpperCase())
}

/** @throws CollectorRefusedError where these credentials may not see tasks, ProductMismatchError */
export async function listTasks(
  api: ProductApi,
  { type, name }: TaskType,
  options?: RunOptions,
): Promise<readonly NexusTask[]> {
  const what = `Listing the tasks “${name}”`
  const found: NexusTask[] = []
  const guard = guardPages()
  let token: string | undefined
  do {
    const query = new URLSearchParams({ type, ...(token !== undefined && { continuationToken: token }) })
    const url = api.url(`/tasks?${query.toString()}`)
    guard.enter(url)
    const response = await api.send({ method: 'GET', url }, options)
    if (response.status === 401 || response.status === 403)
      throw new CollectorRefusedError(
        api.name,
        `these credentials may not see the tasks of Nexus (${saidByProduct(response) || `status ${response.status}`})`,
        'Give the user the privileges nx-tasks-read and nx-tasks-run, or have an administrator run the tasks (System, Tasks).',
      )
    if (response.status !== 200) throw api.unexpected(what, response)
    const answer = api.jsonOf(what, response)
    const rows: unknown = isRecord(answer) ? answer['items'] : undefined
    const next: unknown = isRecord(answer) ? answer['continuationToken'] : undefined
    if (!Array.isArray(rows) || (typeof next !== 'string' && next !== null && next !== undefined))
      throw api.mismatch(`${what} was answered without items`)
    found.push(...rows.map((row: unknown) => taskOf(api, row)))
    token = next ?? undefined
  } while (token !== undefined)
  return found
}

function taskOf(api: ProductApi, row: unknown): NexusTask {
  const { id, name, currentState, lastRunResult, lastRun } = isRecord(row) ? row : {}
  if (typeof id !== 'string' || id === '' || typeof currentState !== 'string')
    throw api.content('the list of tasks has a row without id or currentState')
  return {
    id,
    name: quotable(typeof name === 'string' && name !== '' ? name : id),
    state: quotable(currentState),
    lastResult: typeof lastRunResult === 'string' ? quotable(lastRunResult) : undefined,
    lastRun: typeof lastRun === 'string' ? lastRun : undefined,
  }
}
