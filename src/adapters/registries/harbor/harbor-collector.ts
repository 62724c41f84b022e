/**
 * Harbor's own garbage collection, asked for once and followed.
 *
 * It is always asked to leave artifacts without a tag alone, in so many words: Harbor takes a parameter that is missing for
 * `true`, and what is unused is for Winnow's plans to decide. Its schedule is never touched.
 */
import { InterruptedError, OperationalError } from '../../../core/errors/errors.ts'
import type {
  CollectorLook,
  CollectorRun,
  CollectorState,
  CollectorStep,
  Freed,
  RegistryCollector,
} from '../../../ports/registry-collector.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import { CollectorRefusedError, passingTrouble } from '../collector-errors.ts'
import { endOf, errorInLog, freedInLog, jobOf, newestJob, type GcJob } from './gc-jobs.ts'
import { conflict, forbidden, refusalOf, warningsOf } from './gc-refusals.ts'
import type { HarborApi } from './harbor-api.ts'

const product = 'Harbor'
const parameters = { delete_untagged: false, dry_run: false } as const
const step: CollectorStep = {
  id: 'garbage-collection',
  name: 'garbage collection',
  asks: 'POST /api/v2.0/system/gc/schedule: once (type: Manual), with delete_untagged: false',
}

export class HarborCollector implements RegistryCollector {
  readonly product = product
  readonly #openApi: () => HarborApi
  #api: HarborApi

  /** @param openApi makes another conversation over the same connections */
  constructor(openApi: () => HarborApi) {
    this.#openApi = openApi
    this.#api = openApi()
  }

  async look(options?: RunOptions): Promise<CollectorLook> {
    await this.#requireRights(options)
    const newest = await newestJob(this.#api, options)
    const isBusy = newest !== undefined && endOf(newest) === undefined
    const warnings = [
      'What Harbor frees cannot be put back: winnow undo works for what was deleted less than about two hours before (GC_TIME_WINDOW_HOURS), and no longer for the rest.',
    ]
    if (!isBusy) return { steps: [step], warnings }
    const asks = `nothing: it runs already (run ${newest.id}, ${newest.kind}), and would be followed`
    return { steps: [{ ...step, asks }], warnings: [...warnings, ...warningsOf(newest)] }
  }

  async begin(asked: CollectorStep, options?: RunOptions): Promise<CollectorRun> {
    await this.#requireRights(options)
    const before = await newestJob(this.#api, options)
    if (before !== undefined && endOf(before) === undefined) return this.#running(asked, before)
    const begun = await this.#post(before?.id ?? 0, options)
    return typeof begun === 'number'
      ? { step: asked, key: `${begun}`, wasRunning: false, warnings: [] }
      : this.#running(asked, begun)
  }

  async follow({ key }: CollectorRun, options?: RunOptions): Promise<CollectorState> {
    try {
      const response = await this.#api.get(`system/gc/${key}`, options)
      if (response.status !== 200) throw this.#api.unexpected(`GET /api/v2.0/system/gc/${key}`, response)
      const job = jobOf(this.#api, response.json())
      const how = endOf(job)
      if (how === undefined) return { kind: 'running', said: job.status }
      return { kind: 'ended', how, ...(await this.#told(job, how, options)) }
    } catch (error) {
      const why = passingTrouble(error)
      if (why === undefined) throw error
      // A conversation gives up after some failures; the collector may outlast a restart of Harbor.
      this.#api = this.#openApi()
      return { kind: 'silent', why }
    }
  }

  /** Who may not list the runs may not start one either; told before anything is asked. */
  async #requireRights(options?: RunOptions): Promise<void> {
    const response = await this.#api.get('system/gc?page=1&page_size=1', options)
    if (response.status === 401 || response.status === 403) throw forbidden(this.#api, response)
    if (response.status !== 200) throw this.#api.unexpected('GET /api/v2.0/system/gc', response)
  }

  /** @returns the id of the run that began, or the run of somebody else that stands in the way */
  async #post(newestBefore: number, options?: RunOptions): Promise<number | GcJob> {
    let response: HttpResponse
    try {
      response = await this.#api.post(
        'system/gc/schedule',
        { schedule: { type: 'Manual' }, parameters },
        options,
      )
    } catch (error) {
      if (!(error instanceof OperationalError) || error instanceof InterruptedError) throw error
      // The answer was lost, and the request perhaps not.
      const began = await newestJob(this.#api, options)
      if (began === undefined || began.id <= newestBefore || began.deletesUntagged) throw error
      return began.id
    }
    if (response.status === 401 || response.status === 403)
      throw await refusalOf(this.#api, response, options)
    const newest = await newestJob(this.#api, options)
    const isNew = newest !== undefined && newest.id > newestBefore
    if (response.status === 409) {
      if (isNew && endOf(newest) === undefined) return newest
      throw conflict(this.#api, response)
    }
    if (response.status !== 200 && response.status !== 201)
      throw this.#api.unexpected('POST /api/v2.0/system/gc/schedule', response)
    const [, located] = /\/system\/gc\/(\d+)$/.exec(response.headers.get('location') ?? '') ?? []
    if (located !== undefined) return Number(located)
    if (isNew) return newest.id
    throw this.#api.notHarbor('its garbage collection was begun, and no run of it is listed')
  }

  #running(asked: CollectorStep, job: GcJob): CollectorRun {
    if (job.isDryRun)
      throw new CollectorRefusedError(
        this.#api.name,
        `a dry run of Harbor’s garbage collection is under way (run ${job.id}), which frees nothing`,
        'Wait for it to end, then run the command again.',
      )
    return { step: asked, key: `${job.id}`, wasRunning: true, warnings: warningsOf(job) }
  }

  /** What is told of a run that ended; a log that cannot be read only tells less. */
  async #told(
    job: GcJob,
    how: 'done' | 'failed' | 'stopped',
    options?: RunOptions,
  ): Promise<{ readonly text: string; readonly freed: Freed }> {
    const isTold = job.freed.bytes !== undefined
    if (how === 'done' && isTold) return { text: '', freed: job.freed }
    const log = await this.#log(job.id, options)
    const freed = isTold ? job.freed : freedInLog(log)
    return { text: how === 'failed' ? errorInLog(log) : '', freed }
  }

  async #log(id: number, options?: RunOptions): Promise<string> {
    try {
      const response = await this.#api.get(`system/gc/${id}/log`, options)
      return response.status === 200 ? response.text() : ''
    } catch (error) {
      if (!(error instanceof OperationalError) || error instanceof InterruptedError) throw error
      return ''
    }
  }
}
