/**
 * Downtimes in Icinga 2, by its API (Icinga 2 documentation, "Icinga 2 API", actions).
 *
 * A downtime counts as begun only when Icinga says of exactly the service asked for that it was scheduled. Names reach the
 * filter as variables, never as part of its text, so that no name can change what it means.
 */
import type { BegunDowntime, Downtime, MaintenanceWindow } from '../../ports/monitoring.ts'
import { MonitoringRefusedError } from '../../ports/monitoring.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import type { HttpClient, HttpResponse } from '../http/http-types.ts'
import { askMonitoring, isRecord, jsonOf, quote } from './monitoring-server.ts'

export interface Icinga2Settings {
  /** Without a slash at its end: `https://icinga.example.com:5665`. */
  readonly url: string
  readonly host: string
  /** The name of the service on that host. */
  readonly service: string
  readonly durationMs: number
  /** Made with `monitoringHttp`. */
  readonly http: HttpClient
}

export function createIcinga2Downtime(settings: Icinga2Settings): Downtime {
  return {
    name: 'icinga2',
    begin: (window, options = {}) => begin(settings, window, options),
    end: (begun, _window, options = {}) => end(settings, begun, options),
  }
}

async function begin(
  settings: Icinga2Settings,
  window: MaintenanceWindow,
  options: RunOptions,
): Promise<BegunDowntime> {
  const from = Math.floor(window.beganAt / 1000)
  const until = from + Math.ceil(settings.durationMs / 1000)
  const response = await act(
    settings,
    'schedule-downtime',
    {
      type: 'Service',
      filter: 'host.name == winnow_host && service.name == winnow_service',
      filter_vars: { winnow_host: settings.host, winnow_service: settings.service },
      author: 'winnow',
      comment: `Winnow sweeps the registry ${window.registry} (run ${window.run})`,
      start_time: from,
      end_time: until,
      fixed: true,
    },
    // A second sending after a lost answer would leave a downtime that nobody ends.
    false,
    options,
  )
  const results = requireResults(settings, response)
  const name = results.map((result) => result['name']).find((each) => typeof each === 'string') ?? ''
  return { id: name, what: `downtime of "${settings.host}!${settings.service}"`, until: until * 1000 }
}

async function end(settings: Icinga2Settings, { id }: BegunDowntime, options: RunOptions): Promise<void> {
  if (id === '') throw new MonitoringRefusedError('Icinga gave the downtime no name.', 'It ends by itself.')
  const response = await act(settings, 'remove-downtime', { downtime: id }, true, options)
  if (response.status === 404) {
    // Icinga answers the same to both, and only one of them ends the downtime.
    throw new MonitoringRefusedError(
      `Icinga finds no downtime ${id}: it has run out, or this API user may not remove it.`,
      'The API user needs the permission "actions/remove-downtime".',
    )
  }
  requireResults(settings, response)
}

async function act(
  { url, http }: Icinga2Settings,
  action: string,
  body: object,
  idempotent: boolean,
  options: RunOptions,
): Promise<HttpResponse> {
  return await askMonitoring(
    { name: 'Icinga', http },
    { method: 'POST', url: `${url}/v1/actions/${action}`, body, idempotent },
    options,
  )
}

/** One result with a code for each object that was acted on; none means that the filter found nothing. */
function requireResults(
  settings: Icinga2Settings,
  response: HttpResponse,
): readonly Readonly<Record<string, unknown>>[] {
  const { results } = jsonOf(response)
  // 2.13 says so with status 500 and an empty list, others with 404.
  const isNothingFound =
    (Array.isArray(results) && results.length === 0) || (results === undefined && response.status === 404)
  if (isNothingFound) throw noSuchService(settings, response)
  const found = Array.isArray(results) ? results.filter(isRecord) : []
  const refused = found.find(({ code }) => typeof code !== 'number' || code < 200 || code >= 300)
  if (found.length > 0 && refused === undefined && response.status < 300) return found
  throw refusal(response, refused)
}

function noSuchService(
  { host, service, url }: Icinga2Settings,
  response: HttpResponse,
): MonitoringRefusedError {
  const isPlain = response.status === 404 && !/no objects found/i.test(response.text())
  return isPlain
    ? new MonitoringRefusedError(
        `${url} knows no downtimes (status 404).`,
        'Check that this is the address of the Icinga 2 API, https://HOST:5665 as a rule.',
      )
    : new MonitoringRefusedError(
        `Icinga has no service "${host}!${service}", or this API user may not see it.`,
        'Write `service: "host!service"` with the names of the objects, not with what the web page displays.',
      )
}

function refusal(
  response: HttpResponse,
  refused: Readonly<Record<string, unknown>> | undefined,
): MonitoringRefusedError {
  const status = refused?.['status']
  const said = typeof status === 'string' ? status : quote(response)
  const code = typeof refused?.['code'] === 'number' ? refused['code'] : response.status
  return new MonitoringRefusedError(
    `Icinga refused it (${code}): ${said}`,
    'The API user needs the permissions "actions/schedule-downtime" and "actions/remove-downtime".',
  )
}
