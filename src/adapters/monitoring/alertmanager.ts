/** Silences in Alertmanager, by its API v2 (api/v2/openapi.yaml there). They end by themselves at `endsAt`. */
import type { BegunDowntime, Downtime, MaintenanceWindow } from '../../ports/monitoring.ts'
import { MonitoringRefusedError } from '../../ports/monitoring.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import type { HttpClient } from '../http/http-types.ts'
import { askMonitoring, jsonOf, quote } from './monitoring-server.ts'

export interface AlertmanagerSettings {
  /** Without a slash at its end, with the path it is served under, if any. */
  readonly url: string
  readonly matchers: readonly AlertMatcher[]
  readonly durationMs: number
  /** Made with `monitoringHttp`. */
  readonly http: HttpClient
}

/** As Alertmanager has it: `=` is equal and no expression, `!~` the opposite of both. */
export interface AlertMatcher {
  readonly name: string
  readonly value: string
  readonly isEqual: boolean
  readonly isRegex: boolean
}

export function createAlertmanagerDowntime(settings: AlertmanagerSettings): Downtime {
  return {
    name: 'alertmanager',
    begin: (window, options = {}) => begin(settings, window, options),
    end: (begun, _window, options = {}) => end(settings, begun, options),
  }
}

async function begin(
  { url, matchers, durationMs, http }: AlertmanagerSettings,
  { registry, run, beganAt }: MaintenanceWindow,
  options: RunOptions,
): Promise<BegunDowntime> {
  const until = beganAt + durationMs
  const body = {
    matchers,
    startsAt: new Date(beganAt).toISOString(),
    endsAt: new Date(until).toISOString(),
    createdBy: 'winnow',
    comment: `Winnow sweeps the registry ${registry} (run ${run})`,
  }
  const server = { name: 'Alertmanager', http }
  // A second sending after a lost answer would leave a silence that nobody ends.
  const ask = { method: 'POST', url: `${url}/api/v2/silences`, body, idempotent: false } as const
  const response = await askMonitoring(server, ask, options)
  const { silenceID } = jsonOf(response)
  if (response.status < 200 || response.status >= 300 || typeof silenceID !== 'string' || silenceID === '') {
    throw new MonitoringRefusedError(
      `Alertmanager set no silence (status ${response.status}): ${quote(response)}`,
      'Check the address and the matchers; `amtool silence add` takes the same ones.',
    )
  }
  return { id: silenceID, what: `silence of ${matchers.map(matcherText).join(', ')}`, until }
}

async function end(
  { url, http }: AlertmanagerSettings,
  { id }: BegunDowntime,
  options: RunOptions,
): Promise<void> {
  const server = { name: 'Alertmanager', http }
  const at = `${url}/api/v2/silence/${encodeURIComponent(id)}`
  const response = await askMonitoring(server, { method: 'DELETE', url: at, idempotent: true }, options)
  // 404: it is long gone.
  if ((response.status >= 200 && response.status < 300) || response.status === 404) return
  throw new MonitoringRefusedError(
    `Alertmanager did not end the silence ${id} (status ${response.status}): ${quote(response)}`,
    `End it by hand, or wait for its end:\namtool silence expire ${id}`,
  )
}

function matcherText({ name, value, isEqual, isRegex }: AlertMatcher): string {
  return `${name}${isEqual ? '=' : '!'}${isRegex ? '~' : isEqual ? '' : '='}${JSON.stringify(value)}`
}
