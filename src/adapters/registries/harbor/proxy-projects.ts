/** Which projects of Harbor are caches of another registry: they name it in `registry_id`. Asked once for a run. */
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HarborApi } from './harbor-api.ts'

export class ProxyProjects {
  readonly #api: HarborApi
  #names: Promise<ReadonlySet<string>> | undefined

  constructor(api: HarborApi) {
    this.#api = api
  }

  names(options: RunOptions): Promise<ReadonlySet<string>> {
    this.#names ??= this.#read(options).catch((error: unknown) => {
      // A failure is not remembered: the next question may be answered.
      this.#names = undefined
      throw error
    })
    return this.#names
  }

  async #read(options: RunOptions): Promise<ReadonlySet<string>> {
    const rows = await this.#api.list('projects', 'with_detail=false', options)
    if (rows === undefined) throw this.#api.notHarbor('it says that it has no list of projects')
    return new Set(
      rows.flatMap(({ name, registry_id: source }) => {
        if (typeof name !== 'string') throw this.#api.notHarbor('its list of projects has one without a name')
        // 0 is no registry's id.
        return source === undefined || source === null || source === 0 ? [] : [name]
      }),
    )
  }
}
