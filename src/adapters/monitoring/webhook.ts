/**
 * Telling any other system: one call before the window, one after it. Whatever is not a 2xx is a no.
 *
 * Addresses of webhooks are often secrets themselves, so messages show the server alone.
 */
import type { BegunDowntime, Downtime, MaintenanceWindow } from '../../ports/monitoring.ts'
import { MonitoringRefusedError } from '../../ports/monitoring.ts'
import { OperationalError } from '../../core/errors/errors.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import type { HttpClient, HttpResponse } from '../http/http-types.ts'
import { askMonitoring, quote } from './monitoring-server.ts'

export interface WebhookSettings {
  readonly url: string
  /** Made with `monitoringHttp`. */
  readonly http: HttpClient
  /** Milliseconds since the epoch. @default the machine's */
  readonly now?: () => number
}

export function createWebhookDowntime(settings: WebhookSettings): Downtime {
  return {
    name: 'webhook',
    async begin(window, options = {}): Promise<BegunDowntime> {
      await call(settings, 'begin', window, options)
      return { id: '', what: `call of ${originOf(settings)}`, until: undefined }
    },
    async end(_begun, window, options = {}) {
      await call(settings, 'end', window, options)
    },
  }
}

async function call(
  settings: WebhookSettings,
  event: 'begin' | 'end',
  { registry, run, beganAt }: MaintenanceWindow,
  options: RunOptions,
): Promise<void> {
  const now = settings.now ?? Date.now
  const body = {
    event,
    registry,
    run,
    at: new Date(event === 'begin' ? beganAt : now()).toISOString(),
    ...(event === 'end' && { beganAt: new Date(beganAt).toISOString() }),
  }
  const response = await send(settings, body, options)
  if (response.status >= 200 && response.status < 300) return
  throw new MonitoringRefusedError(
    `The webhook at ${originOf(settings)} answered with status ${response.status}: ${quote(response)}`,
    'A webhook agrees with a status from 200 to 299; look into its log for what it wants.',
  )
}

async function send(
  { url, http }: WebhookSettings,
  body: object,
  options: RunOptions,
): Promise<HttpResponse> {
  const server = { name: 'The webhook', http }
  try {
    return await askMonitoring(server, { method: 'POST', url, body, idempotent: false }, options)
  } catch (error) {
    if (!(error instanceof OperationalError) || error.category === 'interrupted') throw error
    if (!error.message.includes(url)) throw error
    throw new MonitoringRefusedError(error.message.replaceAll(url, originOf({ url })), error.hint)
  }
}

function originOf({ url }: Pick<WebhookSettings, 'url'>): string {
  return new URL(url).origin
}
