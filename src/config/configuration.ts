/**
 * winnow.yaml as used: defaults filled in, durations in milliseconds, paths absolute. `resolve.ts` makes it; nothing
 * after it looks at the file again, save messages that name a line.
 */
import type { GitName } from '../core/git/git-history.ts'
import type { RegistryName } from '../core/image/names.ts'
import type { PolicySet } from '../core/policy/policy.ts'
import type { AlertMatcherSettings } from './alert-matcher.ts'
import type { Diagnostic } from './diagnostics.ts'
import type { WrittenFile } from './schema.ts'
import type { RegistryKind, StorageLayout } from './schema-registry.ts'
import type { YamlSource } from './yaml-source.ts'

export interface Configuration {
  readonly registries: ReadonlyMap<RegistryName, RegistrySettings>
  readonly evidence: EvidenceSettings
  readonly git: ReadonlyMap<GitName, GitRepositorySettings>
  readonly policySet: PolicySet
  /** The path it was read from, as given. */
  readonly file: string
  /** Canonical JSON of all that bears on decisions: not of comments, order of keys, names of files or credentials. */
  readonly fingerprintText: string
  /** What a person should know and may ignore. */
  readonly warnings: readonly Diagnostic[]
  /** As written, for `lintConfiguration`. */
  readonly written: WrittenFile
  readonly source: YamlSource
}

export interface RegistrySettings {
  readonly name: RegistryName
  /** Where it stands in the file. */
  readonly line: number
  /** Without a slash at its end; undefined when there is storage alone. */
  readonly url: string | undefined
  readonly kind: RegistryKind
  /** `host[:port][/prefix]`, as written. */
  readonly aliases: readonly string[]
  readonly auth: AuthSettings | undefined
  /** The product's own API, where it is not found from `url`. */
  readonly api: { readonly url: string | undefined; readonly auth: AuthSettings | undefined }
  readonly aws: {
    readonly region: string | undefined
    readonly profile: string | undefined
    readonly roleArn: string | undefined
  }
  readonly concurrency: number
  readonly insecure: boolean
  readonly tls: TlsSettings
  readonly proxy: string | undefined
  readonly allowPrivateRealm: boolean
  readonly storage: StorageSettings | undefined
  readonly sweep: SweepSettings
}

/** Where credentials come from; never a secret itself. */
export type AuthSettings =
  | { readonly kind: 'basic'; readonly username: UsernameSource; readonly password: SecretSource }
  | { readonly kind: 'token'; readonly token: SecretSource }

export type UsernameSource =
  { readonly kind: 'literal'; readonly value: string } | { readonly kind: 'env'; readonly variable: string }

export type SecretSource =
  { readonly kind: 'file'; readonly path: string } | { readonly kind: 'env'; readonly variable: string }

export interface TlsSettings {
  readonly caFile: string | undefined
  readonly certFile: string | undefined
  readonly keyFile: string | undefined
  readonly insecureSkipVerify: boolean
}

export interface StorageSettings {
  readonly layout: StorageLayout
  readonly store: StoreSettings
  /** `auto`, `none`, `inmemory`, or a redis URL. */
  readonly cache: string
}

export type StoreSettings =
  | { readonly kind: 'filesystem'; readonly path: string }
  | {
      readonly kind: 's3'
      readonly bucket: string
      readonly prefix: string
      readonly region: string | undefined
      readonly endpoint: string | undefined
    }
  | {
      readonly kind: 'gcs'
      readonly bucket: string
      readonly prefix: string
      readonly endpoint: string | undefined
    }
  | {
      readonly kind: 'azure'
      readonly container: string
      readonly prefix: string
      readonly account: string | undefined
      readonly endpoint: string | undefined
    }

export interface SweepSettings {
  readonly mode: 'online' | 'maintenance'
  readonly graceMs: number
  readonly quarantineMs: number
  /** How long a request of a push may take; what a shorter quarantine makes of it: core/sweep/settling.ts. */
  readonly settleMs: number
  /** Addresses of the replicas that share the registry's `url`; empty where it is one. */
  readonly replicas: readonly string[]
  /** Addresses of metrics, one for each replica. */
  readonly metrics: readonly string[]
  /** The repository that canaries are pushed to. */
  readonly canary: string
  /** Where the credentials of a Redis cache are; all undefined without any. */
  readonly cacheAuth: CacheAuthSettings
  readonly maintenance: MaintenanceSettings | undefined
}

export interface CacheAuthSettings {
  readonly usernameEnv: string | undefined
  readonly passwordEnv: string | undefined
  readonly passwordFile: string | undefined
}

export interface MaintenanceSettings {
  /** `stop`: out by stopping, back by starting. `read-only`: out by refusing pushes, back by taking them. */
  readonly kind: 'stop' | 'read-only'
  /** argv; no shell. */
  readonly out: readonly string[]
  readonly back: readonly string[]
  readonly health: string | undefined
  readonly downtime: DowntimeSettings
}

export interface DowntimeSettings {
  readonly icinga2:
    | (MonitoringSettings & { readonly host: string; readonly service: string; readonly durationMs: number })
    | undefined
  readonly alertmanager:
    | (MonitoringSettings & {
        readonly matchers: readonly AlertMatcherSettings[]
        readonly durationMs: number
      })
    | undefined
  readonly webhook: Omit<MonitoringSettings, 'auth'> | undefined
}

export interface MonitoringSettings {
  /** Without a slash at its end, save that of a webhook. */
  readonly url: string
  /** Undefined: no login. */
  readonly auth: AuthSettings | undefined
  readonly tls: TlsSettings
}

/** How a Git repository is reached. What it means for images is in `PolicySet.git`. */
export interface GitRepositorySettings {
  readonly name: GitName
  readonly place:
    | { readonly kind: 'clone'; readonly path: string; readonly fetch: boolean }
    | { readonly kind: 'address'; readonly address: string }
  /** As it stands in winnow.yaml. */
  readonly written: string
  readonly auth: AuthSettings | undefined
  /** Undefined: references alone tell of pull requests. */
  readonly forge:
    | {
        readonly kind: 'github' | 'gitlab' | 'gitea'
        /** Without a slash at its end; undefined: the public one. */
        readonly url: string | undefined
        readonly auth: AuthSettings | undefined
      }
    | undefined
  /** Files with links from images to commits. */
  readonly links: readonly { readonly path: string; readonly written: string }[]
}

export interface EvidenceSettings {
  readonly kubernetes: readonly ClusterSettings[]
  readonly helm: HelmSettings
  readonly references: readonly ReferenceFileSettings[]
}

export interface ClusterReading {
  readonly exclude: readonly { readonly resource: string; readonly reason: string }[]
  /** Undefined: the whole cluster. */
  readonly namespaces: readonly string[] | undefined
  readonly allowEmpty: boolean
  readonly strict: boolean
}

export type ClusterSettings = {
  readonly name: string
  readonly line: number
  readonly reading: ClusterReading
} & (
  | {
      readonly kind: 'kubeconfig'
      readonly kubeconfig: string | undefined
      readonly context: string | undefined
    }
  | { readonly kind: 'in-cluster' }
  | { readonly kind: 'dump'; readonly path: string }
)

export type HelmSettings =
  | { readonly kind: 'all' }
  | { readonly kind: 'newest'; readonly revisions: number }
  | { readonly kind: 'off'; readonly reason: string }

export interface ReferenceFileSettings {
  readonly name: string
  readonly path: string
  /** The path as it stands in winnow.yaml, which is how plans name it: they do not depend on where they are made. */
  readonly written: string
  readonly line: number
}
