/** One registry, from as written to as used. Called for what passed every check. */
import type { RegistryName } from '../core/image/names.ts'
import { invariant } from '../core/errors/invariant.ts'
import { parseMatcher, type AlertMatcherSettings } from './alert-matcher.ts'
import type {
  AuthSettings,
  DowntimeSettings,
  MaintenanceSettings,
  MonitoringSettings,
  RegistrySettings,
  StorageSettings,
  StoreSettings,
  SweepSettings,
  TlsSettings,
} from './configuration.ts'
import type { Resolving } from './resolving.ts'
import { durationMs } from './resolving.ts'
import type { WrittenRegistry } from './schema-registry.ts'

const defaultConcurrency = 16
const defaultGrace = '24h'
const defaultQuarantine = '7d'
const defaultSettle = '10m'
const defaultCanary = 'winnow/canary'

export function resolveRegistry(
  name: string,
  written: WrittenRegistry,
  resolving: Resolving,
): RegistrySettings {
  const { absolute } = resolving
  return {
    // The schema has checked the name.
    name: name as RegistryName,
    line: resolving.source.lineOf(['registries', name]),
    url: written.url?.replace(/\/+$/, ''),
    kind: written.kind ?? 'auto',
    aliases: written.aliases ?? [],
    auth: resolveAuth(written.auth, absolute),
    api: {
      url: written.api?.url?.replace(/\/+$/, ''),
      auth: resolveAuth(written.api?.auth, absolute),
    },
    aws: {
      region: written.aws?.region,
      profile: written.aws?.profile,
      roleArn: written.aws?.roleArn,
    },
    concurrency: written.concurrency ?? defaultConcurrency,
    insecure: written.insecure ?? false,
    tls: resolveTls(written.tls, absolute),
    proxy: written.proxy,
    allowPrivateRealm: written.allowPrivateRealm ?? false,
    storage: resolveStorage(written.storage, absolute),
    sweep: resolveSweep(written, absolute),
  }
}

type Absolute = Resolving['absolute']

function resolveTls(tls: NonNullable<WrittenRegistry['tls']> | undefined, absolute: Absolute): TlsSettings {
  const optional = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : absolute(path)
  return {
    caFile: optional(tls?.caFile),
    certFile: optional(tls?.certFile),
    keyFile: optional(tls?.keyFile),
    insecureSkipVerify: tls?.insecureSkipVerify ?? false,
  }
}

/** Where credentials come from. */
export function resolveAuth(auth: WrittenRegistry['auth'], absolute: Absolute): AuthSettings | undefined {
  if (!auth) return undefined
  const secret = (file: string | undefined, variable: string | undefined) =>
    file === undefined
      ? ({ kind: 'env', variable: variable ?? '' } as const)
      : ({ kind: 'file', path: absolute(file) } as const)
  if (auth.tokenFile !== undefined || auth.tokenEnv !== undefined) {
    return { kind: 'token', token: secret(auth.tokenFile, auth.tokenEnv) }
  }
  const username =
    auth.username === undefined
      ? ({ kind: 'env', variable: auth.usernameEnv ?? '' } as const)
      : ({ kind: 'literal', value: auth.username } as const)
  return { kind: 'basic', username, password: secret(auth.passwordFile, auth.passwordEnv) }
}

function resolveStorage(
  storage: WrittenRegistry['storage'],
  absolute: Absolute,
): StorageSettings | undefined {
  if (!storage) return undefined
  return { layout: storage.layout, store: resolveStore(storage, absolute), cache: storage.cache ?? 'auto' }
}

function resolveStore(storage: NonNullable<WrittenRegistry['storage']>, absolute: Absolute): StoreSettings {
  const { filesystem, s3, gcs, azure } = storage
  if (s3)
    return {
      kind: 's3',
      bucket: s3.bucket,
      prefix: s3.prefix ?? '',
      region: s3.region,
      endpoint: s3.endpoint,
    }
  if (gcs) return { kind: 'gcs', bucket: gcs.bucket, prefix: gcs.prefix ?? '', endpoint: gcs.endpoint }
  if (azure)
    return {
      kind: 'azure',
      container: azure.container,
      prefix: azure.prefix ?? '',
      account: azure.account,
      endpoint: azure.endpoint,
    }
  return { kind: 'filesystem', path: absolute(filesystem ?? '') }
}

function resolveSweep({ sweep, storage }: WrittenRegistry, absolute: Absolute): SweepSettings {
  return {
    mode: sweep?.mode ?? 'online',
    graceMs: durationMs(sweep?.grace ?? defaultGrace),
    quarantineMs: durationMs(sweep?.quarantine ?? defaultQuarantine),
    settleMs: durationMs(sweep?.settle ?? defaultSettle),
    replicas: (sweep?.replicas ?? []).map((address) => address.replace(/\/+$/, '')),
    metrics: sweep?.metrics ?? [],
    canary: sweep?.canary ?? defaultCanary,
    cacheAuth: {
      usernameEnv: storage?.cacheUsernameEnv,
      passwordEnv: storage?.cachePasswordEnv,
      passwordFile:
        storage?.cachePasswordFile === undefined ? undefined : absolute(storage.cachePasswordFile),
    },
    maintenance: resolveMaintenance(sweep?.maintenance, absolute),
  }
}

function resolveMaintenance(
  written: NonNullable<WrittenRegistry['sweep']>['maintenance'],
  absolute: Absolute,
): MaintenanceSettings | undefined {
  if (!written) return undefined
  const rest = { health: written.health, downtime: resolveDowntime(written.downtime, absolute) }
  return written.stop
    ? { kind: 'stop', out: written.stop, back: written.start ?? [], ...rest }
    : { kind: 'read-only', out: written.readOnly ?? [], back: written.readWrite ?? [], ...rest }
}

type WrittenDowntime = NonNullable<
  NonNullable<NonNullable<WrittenRegistry['sweep']>['maintenance']>['downtime']
>

function resolveDowntime(written: WrittenDowntime | undefined, absolute: Absolute): DowntimeSettings {
  const { icinga2, alertmanager, webhook } = written ?? {}
  const [host = '', service = ''] = icinga2?.service.split('!') ?? []
  return {
    icinga2: icinga2 && {
      ...resolveMonitoring(icinga2, absolute),
      host,
      service,
      durationMs: durationMs(icinga2.duration),
    },
    alertmanager: alertmanager && {
      ...resolveMonitoring(alertmanager, absolute),
      matchers: alertmanager.matchers.map(resolveMatcher),
      durationMs: durationMs(alertmanager.duration),
    },
    webhook: webhook && { url: webhook.url, tls: resolveTls(webhook, absolute) },
  }
}

function resolveMonitoring(
  written: NonNullable<WrittenDowntime['icinga2'] | WrittenDowntime['alertmanager']>,
  absolute: Absolute,
): MonitoringSettings {
  const { username, usernameEnv } = written
  const hasLogin = username !== undefined || usernameEnv !== undefined
  return {
    url: written.url.replace(/\/+$/, ''),
    auth: hasLogin ? resolveAuth(written, absolute) : undefined,
    tls: resolveTls(written, absolute),
  }
}

function resolveMatcher(text: string): AlertMatcherSettings {
  const parsed = parseMatcher(text)
  invariant('name' in parsed, `the matcher ${text} passed the schema`)
  return parsed
}
