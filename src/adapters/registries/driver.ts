/**
 * What a registry driver is given and what it gives.
 *
 * A driver is made once for a run and a registry. Its reader and its writer may share connections and tokens; whoever only
 * plans never calls `createWriter`. Every HTTP client comes from `openHttp`, which closes it, counts its requests, and
 * keeps credentials to the origin they are for.
 */
import type { RepositoryName } from '../../core/image/names.ts'
import type { Capabilities } from '../../core/inventory/inventory.ts'
import type { MutableRegistry } from '../../ports/mutable-registry.ts'
import type { ProofStore } from '../../ports/proofs.ts'
import type { ReadableRegistry } from '../../ports/readable-registry.ts'
import type { RegistryCollector } from '../../ports/registry-collector.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import type { CredentialSource } from '../http/credentials.ts'
import type { HttpClient, HttpRetry } from '../http/http-types.ts'
import type { OciReaderSettings } from './oci/reader.ts'

export interface RegistryDriver {
  /** How people call it. */
  readonly product: string
  open(settings: DriverSettings): OpenedDriver
}

/**
 * `baseUrl` and `http` are those of the registry's own address, with the credentials that the configuration or Docker's
 * files have for it.
 */
export interface DriverSettings extends Omit<OciReaderSettings, 'recognise' | 'listing' | 'capabilities'> {
  /** The source behind `http`, for drivers that log in elsewhere with the same credentials. */
  readonly credentials: CredentialSource
  /** Whether the configuration names credentials; else `credentials` looks into Docker's files. */
  readonly hasOwnCredentials: boolean
  /** Whether the configuration says the kind; else the host or its answers showed it, and whoever answers chooses those. */
  readonly kindIsWritten: boolean
  /** The product's own API, where the configuration names it: without a slash at its end. */
  readonly apiUrl: string | undefined
  /** Credentials of that API, where they are others. */
  readonly apiCredentials: CredentialSource | undefined
  /**
   * The first path segments of all repositories that policies can govern; undefined when they can be any. For products
   * that list the repositories of one owner or project at a time.
   * @default undefined
   */
  readonly namespaces?: readonly string[] | undefined
  readonly aws: AwsDriverSettings
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly openHttp: OpenHttp
  /** What was proved of deletions, for products that do not document them. */
  readonly proofs: ProofStore
}

export interface AwsDriverSettings {
  readonly region: string | undefined
  readonly profile: string | undefined
  readonly roleArn: string | undefined
}

/** Makes a client for one origin, with the certificates, proxy and limits of the registry; composition closes it. */
export type OpenHttp = (client: {
  /** Absolute; its origin is the only one that gets the credentials. */
  readonly base: string
  /** @default anonymous */
  readonly credentials?: CredentialSource
  /** `registry` answers challenges; `static` sends the credential with every request; `none` never. @default 'registry' */
  readonly authorization?: 'registry' | 'static' | 'none'
  /** @default that of the HTTP client */
  readonly retry?: HttpRetry
}) => HttpClient

export interface OpenedDriver {
  readonly reader: ReadableRegistry
  readonly createWriter: () => DriverWriter
  /** What a person should see to; told where the way it was recognised leaves nothing to tell. */
  readonly note?: string | undefined
  /**
   * The writer's `probe` pushes an image of its own and deletes it again, so it may only be asked of a repository that a
   * policy governs. @default false: it leaves everything as it is
   */
  readonly probePushes?: boolean
  /** For products that free bytes by a collector of their own which can be asked to run. */
  readonly createCollector?: () => RegistryCollector
  /** What the page of documentation demands beyond what is asked of every registry; for `winnow doctor`. Changes nothing. */
  readonly check?: (
    repository: RepositoryName | undefined,
    options: RunOptions,
  ) => Promise<readonly DriverCheck[]>
}

export interface DriverWriter extends MutableRegistry {
  /**
   * Finds out whether deletion is allowed, without deleting anything that it did not make itself. Planning never does this; `doctor` and
   * `apply` may.
   */
  probe(repository: RepositoryName, options?: RunOptions): Promise<DeletionProbe>
}

export interface DeletionProbe {
  readonly deletes: Capabilities['deletes']
  /** Whether a single tag could be deleted; undefined when that did not show. */
  readonly deleteByTag: boolean | undefined
  /** How it was found out, where that is worth telling. */
  readonly text?: string
}

export interface DriverCheck {
  /** `read times`, as in `winnow doctor`. */
  readonly what: string
  readonly state: 'ok' | 'warning' | 'failed'
  /** What was found; empty when there is nothing to say. */
  readonly text: string
  /** What to do, where it is not ok. */
  readonly cure?: string
}
