/**
 * The tasks of Nexus that free space: first those that delete what no component refers to, then those that compact the blob
 * stores. Tasks that an administrator made are run, one after the other; none is made, changed or stopped.
 *
 * A run is told from the one before by the time of the last run, which must have changed; nothing else says that a task that
 * rests has run since.
 */
import { InterruptedError, type OperationalError } from '../../../core/errors/errors.ts'
import type {
  CollectorLook,
  CollectorRun,
  CollectorState,
  CollectorStep,
  RegistryCollector,
} from '../../../ports/registry-collector.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { CollectorRefusedError, passingTrouble } from '../collector-errors.ts'
import { saidByProduct, type ProductApi } from '../product-api.ts'
import { freeingTasks, isRunning, listTasks, type NexusTask, type TaskType } from './tasks.ts'

const SEEN_RUNNING = ''

export class NexusCollector implements RegistryCollector {
  readonly product: string
  readonly #openApi: () => ProductApi
  #api: ProductApi

  /** @param openApi makes another conversation over the same connections */
  constructor(openApi: () => ProductApi) {
    this.#openApi = openApi
    this.#api = openApi()
    this.product = this.#api.product
  }

  async look(options?: RunOptions): Promise<CollectorLook> {
    const steps: CollectorStep[] = []
    for (const type of freeingTasks) {
      const tasks = await listTasks(this.#api, type, options)
      // Deleting without compacting frees nothing, and compacting alone only what was deleted before.
      if (tasks.length === 0) throw missing(this.#api.name, type)
      steps.push(...tasks.map((task) => stepOf(type, task)))
    }
    return {
      steps,
      warnings: [
        'What the tasks delete cannot be put back: from then on winnow undo no longer works for the images that went. Layers younger than the task’s deploy offset (24 hours, unless an administrator set another) stay for the next run.',
      ],
    }
  }

  async begin(step: CollectorStep, options?: RunOptions): Promise<CollectorRun> {
    const before = await this.#taskOf(step.id, options)
    if (isRunning(before)) {
      const late = `${step.name} was begun by somebody else: what was deleted since then may be left to its next run.`
      // It was seen running, so once it rests it has ended, whenever Nexus writes the time of the run down.
      return { step, key: SEEN_RUNNING, wasRunning: true, warnings: [late] }
    }
    const run: CollectorRun = { step, key: keyOf(before), wasRunning: false, warnings: [] }
    try {
      await this.#post(step, options)
      return run
    } catch (error) {
      if (passingTrouble(error) === undefined) throw error
      // The answer was lost, and the request perhaps not.
      const after = await this.#taskOf(step.id, options)
      if (isRunning(after) || keyOf(after) !== run.key) return run
      throw error
    }
  }

  async follow({ step, key }: CollectorRun, options?: RunOptions): Promise<CollectorState> {
    try {
      const task = await this.#taskOf(step.id, options)
      if (isRunning(task)) return { kind: 'running', said: task.state }
      if (keyOf(task) === key) return { kind: 'resting', said: task.state }
      return endOf(task)
    } catch (error) {
      const why = error instanceof InterruptedError ? undefined : passingTrouble(error)
      if (why === undefined) throw error
      // A conversation gives up after some failures; a task may outlast them.
      this.#api = this.#openApi()
      return { kind: 'silent', why }
    }
  }

  async #post({ id, name }: CollectorStep, options?: RunOptions): Promise<void> {
    const url = this.#api.url(`/tasks/${encodeURIComponent(taskId(id))}/run`)
    const response = await this.#api.send({ method: 'POST', url, idempotent: false }, options)
    if (response.status === 200 || response.status === 204) return
    const refusal = this.#refusal(name, response.status, saidByProduct(response))
    throw refusal ?? this.#api.unexpected(`Running ${name}`, response)
  }

  #refusal(name: string, status: number, saidText: string): OperationalError | undefined {
    const said = saidText === '' ? `status ${status}` : saidText
    if (status === 401 || status === 403)
      return new CollectorRefusedError(
        this.#api.name,
        `these credentials may not run ${name} (${said})`,
        'Give the user the privilege nx-tasks-run, or have an administrator run it (System, Tasks).',
      )
    // It was listed a moment ago, so what is not found or not allowed is its running.
    if (status === 404 || status === 405)
      return new CollectorRefusedError(
        this.#api.name,
        `Nexus does not run ${name} (${said}): it is probably disabled`,
        'Have an administrator enable it: System, Tasks, Task enabled.',
      )
    return undefined
  }

  /** A task as it stands now. @throws CollectorRefusedError when it is there no longer */
  async #taskOf(stepId: string, options?: RunOptions): Promise<NexusTask> {
    const type = freeingTasks.find((each) => stepId.startsWith(`${each.type}/`)) ?? freeingTasks[0]
    const found = (await listTasks(this.#api, type, options)).find(({ id }) => id === taskId(stepId))
    if (found !== undefined) return found
    throw new CollectorRefusedError(
      this.#api.name,
      `the task ${taskId(stepId)} (${type.name}) is no longer there`,
      'Somebody removed it meanwhile. Run the command again.',
    )
  }
}

function stepOf(type: TaskType, task: NexusTask): CollectorStep {
  return {
    id: `${type.type}/${task.id}`,
    name: `the task “${task.name}” (${type.name})`,
    asks: isRunning(task)
      ? 'nothing: it runs already, and would be followed'
      : `POST /service/rest/v1/tasks/${task.id}/run`,
  }
}

/** The id behind the type, which has no slash. */
function taskId(stepId: string): string {
  return stepId.slice(stepId.indexOf('/') + 1)
}

function keyOf({ lastRun }: NexusTask): string {
  return lastRun ?? 'never'
}

function endOf({ lastResult }: NexusTask): CollectorState {
  // Nexus tells nowhere how much a task freed.
  const freed = {}
  const result = lastResult?.toUpperCase()
  if (result === 'OK') return { kind: 'ended', how: 'done', text: '', freed }
  if (result === 'FAILED') return { kind: 'ended', how: 'failed', text: '', freed }
  const said = lastResult === undefined ? 'it tells no result' : `its result is ${lastResult}`
  return { kind: 'ended', how: 'stopped', text: said, freed }
}

function missing(registry: string, { type, name }: TaskType): CollectorRefusedError {
  const settings =
    type === 'repository.docker.gc'
      ? 'choose the repository (or all of them) and how young layers may be that stay (deploy offset, 24 hours)'
      : 'choose the blob store of the repository'
  return new CollectorRefusedError(
    registry,
    `Nexus has no task “${name}” (${type}), so nothing it deletes frees space`,
    `Have an administrator make it, because Nexus lets nobody make tasks over its API: System, Tasks, Create task, “${name}”; ${settings}; as its frequency, Manual will do. Then run the command again.`,
  )
}
