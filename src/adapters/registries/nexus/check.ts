/** What `winnow doctor` asks of a Nexus beyond what it asks of every registry; changes nothing, starts no task. */
import { OperationalError } from '../../../core/errors/errors.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { DriverCheck } from '../driver.ts'
import { isRecord, quotable } from '../oci/answers.ts'
import type { ProductApi } from '../product-api.ts'
import { freeingTasks, type TaskType } from './tasks.ts'

export async function checkNexus(
  api: ProductApi,
  repository: (options?: RunOptions) => Promise<string>,
  options: RunOptions,
): Promise<readonly DriverCheck[]> {
  const checks = [await checkRepository(repository, options)]
  for (const task of freeingTasks) checks.push(await checkTask(api, task, options))
  return checks
}

async function checkRepository(
  repository: (options?: RunOptions) => Promise<string>,
  options: RunOptions,
): Promise<DriverCheck> {
  const what = 'find the repository'
  try {
    return { what, state: 'ok', text: await repository(options) }
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error
    return { what, state: 'failed', text: error.message, cure: error.hint }
  }
}

/** Deleting components frees nothing; these two tasks do. */
async function checkTask(
  api: ProductApi,
  { type, name }: TaskType,
  options: RunOptions,
): Promise<DriverCheck> {
  const what = `find the task “${name}”`
  const url = api.url(`/tasks?type=${type}`)
  const response = await api.send({ method: 'GET', url }, options)
  if (response.status === 401 || response.status === 403) {
    const cure = 'Give the user the privilege nx-tasks-read, or look in the administration (System, Tasks).'
    return { what, state: 'warning', text: 'these credentials may not see the tasks', cure }
  }
  const answer = response.status === 200 ? api.jsonOf(what, response) : undefined
  const rows: unknown = isRecord(answer) ? answer['items'] : undefined
  if (!Array.isArray(rows)) throw api.unexpected(what, response)
  if (rows.length === 0) {
    const cure = `Have an administrator create it (System, Tasks): without it, what Winnow deletes frees no space.`
    return { what, state: 'warning', text: 'there is no such task', cure }
  }
  return { what, state: 'ok', text: rows.map((row: unknown) => taskText(row)).join('; ') }
}

function taskText(row: unknown): string {
  const { id, name, lastRun } = isRecord(row) ? row : {}
  const last = typeof lastRun === 'string' ? `last run ${quotable(lastRun)}` : 'never run'
  return `${shown(name)} (${shown(id)}), ${last}`
}

function shown(value: unknown): string {
  return typeof value === 'string' ? quotable(value) : 'unnamed'
}
