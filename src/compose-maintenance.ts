/**
 * Maintenance windows, from configuration to ports: monitoring over HTTP, the registry by its commands.
 *
 * Each server gets a client of its own, so that no login reaches another one. Everything is made here and closed here.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createHttpClient } from './adapters/http/client.ts'
import { configuredCredentials } from './adapters/http/configured-credentials.ts'
import type { HttpClient, HttpSettings, HttpTls } from './adapters/http/http-types.ts'
import { createAlertmanagerDowntime } from './adapters/monitoring/alertmanager.ts'
import { createIcinga2Downtime } from './adapters/monitoring/icinga2.ts'
import { monitoringHttp } from './adapters/monitoring/monitoring-server.ts'
import { createWebhookDowntime } from './adapters/monitoring/webhook.ts'
import { createCommandSwitch } from './adapters/registry-switch/command-switch.ts'
import { createHttpHealth, healthHttp } from './adapters/registry-switch/http-health.ts'
import type { CommandLimits } from './adapters/registry-switch/run-command.ts'
import type { MaintenancePorts } from './app/sweep-maintenance.ts'
import type { MaintenanceClock, MaintenanceLine } from './app/sweep-maintenance-log.ts'
import type { AuthSettings, DowntimeSettings, RegistrySettings, TlsSettings } from './config/configuration.ts'
import { invariant } from './core/errors/invariant.ts'
import type { MaintenanceRecord } from './ports/maintenance-record.ts'
import type { Downtime } from './ports/monitoring.ts'

export interface MaintenanceComposing {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly version: string
  /** Reads the files that TLS settings name; `tlsOf` of compose.ts. */
  readonly readTls: (settings: { readonly tls: TlsSettings }) => Promise<HttpTls>
  /** Takes the lines of the log. */
  readonly onLine: (line: MaintenanceLine) => void
  /** @default 5 min, then 10 s from SIGTERM to SIGKILL */
  readonly limits?: CommandLimits
}

export interface ComposedMaintenance {
  readonly ports: MaintenancePorts
  close(): Promise<void>
}

/** What `runInMaintenance` needs for one registry, whose `sweep.maintenance` is there. */
export async function composeMaintenance(
  settings: RegistrySettings,
  record: MaintenanceRecord,
  composing: MaintenanceComposing,
): Promise<ComposedMaintenance> {
  const { maintenance } = settings.sweep
  invariant(maintenance !== undefined, `the registry ${settings.name} has no maintenance settings`)
  const clients: HttpClient[] = []
  const connect: Connect = async ({ url, auth, tls, proxy }, more) => {
    const http = createHttpClient({
      ...more,
      base: url,
      userAgent: `winnow/${composing.version}`,
      environment: composing.environment,
      tls: await composing.readTls({ tls }),
      // What is sent in the clear holds no credential: the configuration refuses that.
      insecure: auth === undefined,
      ...(auth !== undefined && { credentials: credentialsOf(auth, composing.environment) }),
      ...(proxy !== undefined && { proxy }),
    })
    clients.push(http)
    return http
  }
  const close = async (): Promise<void> => {
    for (const http of clients) await http.close()
  }
  try {
    const { kind, out, back, downtime } = maintenance
    const health = await composeHealth(settings, connect)
    const limits = composing.limits && { limits: composing.limits }
    const ports: MaintenancePorts = {
      downtimes: await composeDowntimes(downtime, connect),
      registrySwitch: createCommandSwitch({ kind, out, back, health, ...limits }),
      record,
      clock: machineClock,
      onLine: composing.onLine,
    }
    return { ports, close }
  } catch (error) {
    await close()
    throw error
  }
}

interface Place {
  readonly url: string
  readonly auth: AuthSettings | undefined
  readonly tls: TlsSettings
  readonly proxy?: string | undefined
}

type Connect = (place: Place, more: Partial<HttpSettings>) => Promise<HttpClient>

/** In the order in which they are told. */
async function composeDowntimes(
  { icinga2, alertmanager, webhook }: DowntimeSettings,
  connect: Connect,
): Promise<readonly Downtime[]> {
  const downtimes: Downtime[] = []
  if (icinga2) {
    const http = await connect(icinga2, monitoringHttp)
    downtimes.push(createIcinga2Downtime({ ...icinga2, http }))
  }
  if (alertmanager) {
    const http = await connect(alertmanager, monitoringHttp)
    downtimes.push(createAlertmanagerDowntime({ ...alertmanager, http }))
  }
  if (webhook) {
    const http = await connect({ ...webhook, auth: undefined }, monitoringHttp)
    downtimes.push(createWebhookDowntime({ url: webhook.url, http }))
  }
  return downtimes
}

/** Where nothing is configured, the registry's own address says whether it is well. */
async function composeHealth(
  { url: registryUrl, tls, proxy, sweep }: RegistrySettings,
  connect: Connect,
): Promise<ReturnType<typeof createHttpHealth> | undefined> {
  const url = sweep.maintenance?.health ?? (registryUrl === undefined ? undefined : `${registryUrl}/v2/`)
  if (url === undefined) return undefined
  return createHttpHealth(url, await connect({ url, auth: undefined, tls, proxy }, healthHttp))
}

function credentialsOf(
  auth: AuthSettings,
  environment: MaintenanceComposing['environment'],
): ReturnType<typeof configuredCredentials> {
  invariant(auth.kind === 'basic', 'monitoring is logged in to by user and password')
  const { username, password } = auth
  return configuredCredentials(
    {
      ...(username.kind === 'env' ? { usernameEnv: username.variable } : { username: username.value }),
      ...(password.kind === 'env' ? { passwordEnv: password.variable } : { passwordFile: password.path }),
    },
    environment,
  )
}

const machineClock: MaintenanceClock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  sleep: async (ms) => {
    await sleep(ms)
  },
}
