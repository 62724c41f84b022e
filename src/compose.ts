/**
 * The one place where adapters meet use cases: from a configuration to ports.
 *
 * Whoever plans gets a PlanningWorld, in which nothing can change a registry; only applying and undoing compose the
 * writers. Everything is made here and closed here; nothing registers itself.
 */
import { createHash, randomBytes } from 'node:crypto'
import { access, constants, readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import {
  createKubernetesSources,
  type KubernetesSettings,
} from './adapters/clusters/kubernetes/kubernetes-source.ts'
import { createHttpClient, type HttpSettings } from './adapters/http/client.ts'
import type { HttpClient, HttpTls } from './adapters/http/http-types.ts'
import { openState, type State } from './adapters/journal/open-state.ts'
import { createEvidenceFileSources } from './adapters/references/evidence-file-source.ts'
import { createReferenceFileSource, readReferenceFile } from './adapters/references/reference-file-source.ts'
import { registryDrivers, type RegistryKind } from './adapters/registries/index.ts'
import type { OpenedDriver, OpenHttp } from './adapters/registries/driver.ts'
import { recogniseRegistry } from './adapters/registries/recognise.ts'
import { createStorageReader } from './adapters/registries/storage-distribution/storage-reader.ts'
import { createStorageWriter } from './adapters/registries/storage-distribution/storage-writer.ts'
import { helmReleases } from './adapters/releases/helm/helm-releases.ts'
import { writeSampleFiles } from './adapters/storage/filesystem/write-sample.ts'
import type { ApplyPorts, RegistryPorts } from './app/apply.ts'
import type { OpenedRegistry } from './app/doctor.ts'
import { sampleWorld } from './app/demo/sample-world.ts'
import type { PlanPorts } from './app/plan.ts'
import { stateDirectoryOf, type ComposeOptions } from './compose-options.ts'
import { credentialsOf } from './compose-credentials.ts'
import { composeGit, isGitThere } from './compose-git.ts'
import { composeReadableStore, composeStore, storageOf } from './compose-storage.ts'
import type {
  ClusterSettings,
  Configuration,
  HelmSettings,
  RegistrySettings,
} from './config/configuration.ts'
import { managedPrefixes, type ManagedRegistry } from './core/evidence/managed-names.ts'
import { OperationalError } from './core/errors/errors.ts'
import { parseDigest, type Digest } from './core/image/digest.ts'
import { invariant } from './core/errors/invariant.ts'
import { asksGit } from './core/git/git-facts.ts'
import { parseRepositoryName, type RegistryName, type RepositoryName } from './core/image/names.ts'
import { needsConfigs } from './core/policy/needs-configs.ts'
import { newRunId } from './core/journal/run-id.ts'
import type { EvidenceSource } from './ports/evidence-source.ts'
import type { MutableRegistry } from './ports/mutable-registry.ts'
import type { ReadableRegistry } from './ports/readable-registry.ts'
import type { RunOptions } from './ports/run-options.ts'

export { stateDirectoryOf, type ComposeOptions }

export interface PlanningWorld {
  readonly ports: PlanPorts
  readonly readers: ReadonlyMap<RegistryName, ReadableRegistry>
  readonly state: State
  readonly managed: readonly ManagedRegistry[]
  /** What a person should know of how the registries were recognised. */
  readonly notes: readonly string[]
  /** Requests sent so far, over all registries. */
  requests(): number
  close(): Promise<void>
}

export interface ApplyingWorld extends PlanningWorld {
  readonly applyPorts: ApplyPorts
  /** `host:pid`, for whoever finds our lease. */
  readonly holder: string
}

/** The storage of a registry is of a layout that is swept, and not read for plans. */
export class StorageUnsupportedError extends OperationalError {
  readonly code = 'STORAGE_UNSUPPORTED'
  readonly hint =
    'Give the registry its `url:` beside `storage:`; then it is asked itself, and the storage is for `winnow sweep`.'
  override readonly category = 'configuration'

  constructor(registry: RegistryName, what: string) {
    super(`This version of Winnow cannot read the storage of ${registry}: ${what} is not built in.`)
  }
}

/** Everything a plan needs, and nothing that could change a registry. */
export async function composePlanning(
  configuration: Configuration,
  options: ComposeOptions,
  runOptions: RunOptions = {},
): Promise<PlanningWorld> {
  const world = await composeWorld(configuration, options, runOptions)
  return world.planning
}

/** Everything an apply or an undo needs. */
export async function composeApplying(
  configuration: Configuration,
  options: ComposeOptions,
  runOptions: RunOptions = {},
): Promise<ApplyingWorld> {
  const { planning, parts } = await composeWorld(configuration, options, runOptions)
  const registries = new Map<RegistryName, RegistryPorts>(
    parts.map((part) => [part.reader.name, { reader: part.reader, writer: part.createWriter() }]),
  )
  const { state } = planning
  return {
    ...planning,
    holder: `${hostname()}:${process.pid}`,
    applyPorts: {
      ...planning.ports,
      registries,
      journal: state.journal,
      leases: state.leases,
      newRunId: (at) => newRunId(at, randomBytes(2).toString('hex')),
    },
  }
}

/** Opens the state alone, for commands that only look back. */
export async function composeState(options: ComposeOptions): Promise<State> {
  return openState(stateDirectoryOf(options))
}

/**
 * Writes the sample world of `winnow demo` into an empty folder; with a Git repository where this machine has a git.
 *
 * @returns an image that Git keeps, for showing why; undefined without git
 */
export async function composeSampleWorld(
  folder: string,
  now: number,
  environment: ComposeOptions['environment'],
): Promise<string | undefined> {
  const { files, keptByGit } = sampleWorld(now, await isGitThere(environment))
  await writeSampleFiles(folder, files)
  return keptByGit
}

/** The names under which the world may know the configured registries. */
export function managedRegistriesOf(configuration: Configuration): readonly ManagedRegistry[] {
  return [...configuration.registries.values()].map((settings) => ({
    name: settings.name,
    prefixes: managedPrefixes(settings.url, settings.aliases),
  }))
}

/** SHA-256 over texts, one after the other. */
export function sha256(texts: Iterable<string>): Digest {
  const hash = createHash('sha256')
  for (const text of texts) hash.update(text)
  const digest = parseDigest(`sha256:${hash.digest('hex')}`)
  invariant(digest !== undefined, 'SHA-256 gave something that is no digest')
  return digest
}

/** The sources of evidence that the configuration names. */
export function composeSources(configuration: Configuration): readonly EvidenceSource[] {
  const { kubernetes, helm, references } = configuration.evidence
  return [
    ...kubernetes.flatMap((cluster) =>
      createKubernetesSources(kubernetesSettings(cluster, helm), helmReleases),
    ),
    ...references.map(({ name, path, written }) =>
      createReferenceFileSource({ name, path, shownAs: written }),
    ),
  ]
}

/** Sources that answer from evidence files; then they are all the evidence there is. */
export async function composeEvidenceFiles(
  paths: readonly string[],
  options: RunOptions,
): Promise<readonly EvidenceSource[]> {
  return createEvidenceFileSources(paths, options)
}

/** A reference file by itself, with the faults of its lines: `winnow evidence --references`. */
export { readReferenceFile }

/** How a cluster is read, from how it is configured. */
export function kubernetesSettings(cluster: ClusterSettings, helm: HelmSettings): KubernetesSettings {
  const { exclude, namespaces, allowEmpty, strict } = cluster.reading
  const common = {
    name: cluster.name,
    helm: helmRevisions(helm),
    exclude,
    allowEmpty,
    strict,
    ...(namespaces !== undefined && { scope: { namespaces } }),
  }
  switch (cluster.kind) {
    case 'kubeconfig':
      return {
        ...common,
        ...(cluster.kubeconfig !== undefined && { kubeconfig: cluster.kubeconfig }),
        ...(cluster.context !== undefined && { context: cluster.context }),
      }
    case 'in-cluster':
      return { ...common, inCluster: true }
    case 'dump':
      return { ...common, dump: cluster.path }
  }
}

function helmRevisions(helm: HelmSettings): KubernetesSettings['helm'] {
  switch (helm.kind) {
    case 'all':
      return { revisions: 'all' }
    case 'newest':
      return { revisions: helm.revisions }
    case 'off':
      return false
  }
}

export interface RegistryPart {
  readonly reader: ReadableRegistry
  readonly createWriter: () => MutableRegistry
  /** Finds out whether deletion is allowed, without deleting anything. */
  readonly probeDeletion: OpenedRegistry['probeDeletion']
  /** That question pushes an image of its own, and deletes it again. */
  readonly probePushes?: boolean
  readonly note: string | undefined
  /** What showed which product it is, where the configuration does not say: `told by its address`. */
  readonly recognisedBy?: string | undefined
  /** What this product needs beyond what every registry needs. */
  readonly check?: OpenedDriver['check']
  /** For whoever asks the registry's own collector; planners are handed readers alone. */
  readonly createCollector?: OpenedDriver['createCollector']
  /** What it turned out to be; undefined for a storage. */
  readonly driver: { readonly kind: RegistryKind; readonly product: string } | undefined
  readonly http: RegistryHttp | undefined
}

/** All that is sent to one registry. */
export interface RegistryHttp {
  /** Sent so far, to all of its addresses. */
  readonly requests: number
  close(): Promise<void>
}

async function composeWorld(
  configuration: Configuration,
  options: ComposeOptions,
  runOptions: RunOptions,
): Promise<{ readonly planning: PlanningWorld; readonly parts: readonly RegistryPart[] }> {
  const state = await openState(stateDirectoryOf(options))
  const parts: RegistryPart[] = []
  try {
    for (const settings of configuration.registries.values()) {
      const wanted = {
        repositories: namedRepositories(configuration, settings.name),
        namespaces: namedNamespaces(configuration, settings.name),
        readProvenance: configuration.policySet.policies.some(asksGit),
        readConfigs: options.readsAllConfigs === true || needsConfigs(configuration.policySet),
      }
      parts.push(await composeRegistry(settings, wanted, state, options, runOptions))
    }
  } catch (error) {
    await closeAll(parts, state)
    throw error
  }
  const readers = new Map(parts.map(({ reader }) => [reader.name, reader]))
  const now = (): number => Date.now()
  const planning: PlanningWorld = {
    ports: {
      readers: [...readers.values()],
      sources: composeSources(configuration),
      git: composeGit(configuration, options, state),
      memory: state.memory,
      now,
      hash: sha256,
    },
    readers,
    state,
    managed: managedRegistriesOf(configuration),
    notes: parts.flatMap(({ note }) => note ?? []),
    requests: () => parts.reduce((total, { http }) => total + (http?.requests ?? 0), 0),
    close: () => closeAll(parts, state),
  }
  return { planning, parts }
}

async function closeAll(parts: readonly RegistryPart[], state: State): Promise<void> {
  for (const { http } of parts) await http?.close()
  await state.close()
}

/** Repositories that policies name without wildcards: what can be read of a registry that lists nothing. */
export function namedRepositories(
  { policySet }: Configuration,
  registry: RegistryName,
): readonly RepositoryName[] {
  return policySet.policies
    .filter((policy) => policy.registry === undefined || policy.registry === registry)
    .flatMap((policy) =>
      policy.repositories.include.flatMap(({ source }) => parseRepositoryName(source) ?? []),
    )
}

/**
 * The first path segments of all repositories that policies can govern: `acme` of `acme/**`. Undefined when a pattern can
 * match any, or when there is no policy.
 */
export function namedNamespaces(
  { policySet }: Configuration,
  registry: RegistryName,
): readonly string[] | undefined {
  const names = policySet.policies
    .filter((policy) => policy.registry === undefined || policy.registry === registry)
    .flatMap(({ repositories: { include } }) =>
      // Only exclusions, or nothing at all: that is everything else.
      include.length === 0
        ? [undefined]
        : include.map(({ source }) => /^([a-z0-9][a-z0-9._-]*)\//.exec(source)?.[1]),
    )
  const known = names.filter((name) => name !== undefined)
  return known.length === 0 || known.length < names.length ? undefined : [...new Set(known)]
}

/** What is to be read of a registry. */
export interface WantedOfRegistry {
  /** All that can be read of one that lists nothing. */
  readonly repositories: readonly RepositoryName[]
  /** What `DriverSettings.namespaces` says. */
  readonly namespaces?: readonly string[] | undefined
  /** Whether attestations are read for the commits of images: only rules by Git history ask. */
  readonly readProvenance: boolean
  /** Whether configs are read even where the registry tells upload times. */
  readonly readConfigs: boolean
}

/** One registry, from how it is configured; whoever composes it closes its `http`. */
export async function composeRegistry(
  settings: RegistrySettings,
  wanted: WantedOfRegistry,
  state: Pick<State, 'cache' | 'proofs'>,
  options: ComposeOptions,
  runOptions: RunOptions,
): Promise<RegistryPart> {
  // Storage wins over an address: it knows upload times and untagged manifests, and needs no registry process.
  const { url, name, storage } = settings
  // A layout that only sweeps can read is no hindrance where the registry answers for itself.
  if (storage !== undefined && (storage.layout === 'distribution' || url === undefined))
    return composeStorage(settings, wanted, state, options)
  invariant(url !== undefined, `the registry ${name} has neither url nor storage`)
  const clients = new RegistryClients(await clientOf(settings, url, options))
  try {
    const credentials = credentialsOf(settings.auth, options.environment)
    const http = clients.open({ base: url, credentials })
    const openHttp: OpenHttp = (client) => clients.open(client)
    const recognised =
      settings.kind === 'auto'
        ? await recogniseRegistry({ name, baseUrl: url, http, openHttp }, runOptions)
        : undefined
    const kind = recognised?.kind ?? (settings.kind === 'auto' ? 'generic' : settings.kind)
    const driver = await registryDrivers[kind]()
    const opened = driver.open({
      name,
      baseUrl: url,
      http,
      cache: state.cache,
      concurrency: settings.concurrency,
      ...wanted,
      credentials,
      hasOwnCredentials: settings.auth !== undefined,
      kindIsWritten: settings.kind !== 'auto',
      apiUrl: settings.api.url,
      apiCredentials: settings.api.auth && credentialsOf(settings.api.auth, options.environment),
      aws: settings.aws,
      environment: options.environment,
      openHttp,
      proofs: state.proofs,
    })
    return {
      ...opened,
      probeDeletion: (repository, probeOptions) => opened.createWriter().probe(repository, probeOptions),
      note: recognised?.note ?? opened.note,
      recognisedBy: recognised?.by,
      driver: { kind, product: driver.product },
      http: clients,
    }
  } catch (error) {
    await clients.close()
    throw error
  }
}

/** The HTTP clients of one registry: its own, and those of its product's other addresses. */
class RegistryClients implements RegistryHttp {
  readonly #common: Omit<HttpSettings, 'base' | 'credentials'>
  readonly #opened: HttpClient[] = []

  constructor(common: Omit<HttpSettings, 'base' | 'credentials'>) {
    this.#common = common
  }

  open(client: Parameters<OpenHttp>[0]): HttpClient {
    const http = createHttpClient({ ...this.#common, ...client })
    this.#opened.push(http)
    return http
  }

  get requests(): number {
    return this.#opened.reduce((total, { stats }) => total + stats.requests, 0)
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((http) => http.close()))
  }
}

/** A client for one address of a registry, with the registry's credentials and certificates. */
export async function createRegistryHttp(
  settings: RegistrySettings,
  url: string,
  options: ComposeOptions,
): Promise<HttpClient> {
  return createHttpClient({
    ...(await clientOf(settings, url, options)),
    credentials: credentialsOf(settings.auth, options.environment),
  })
}

/**
 * A client that only finds out who answers at an address: it logs in nowhere, so a 401 is an answer like any other, and it
 * asks once, so silence is known at once.
 */
export async function createAskingHttp(
  settings: RegistrySettings,
  url: string,
  options: ComposeOptions,
): Promise<HttpClient> {
  return createHttpClient({
    ...(await clientOf(settings, url, options)),
    authorization: 'none',
    retry: { attemptsMax: 1 },
  })
}

async function clientOf(
  settings: RegistrySettings,
  url: string,
  options: ComposeOptions,
): Promise<HttpSettings> {
  return {
    base: url,
    concurrency: settings.concurrency,
    userAgent: `winnow/${options.version}`,
    insecure: settings.insecure,
    allowPrivateRealm: settings.allowPrivateRealm,
    tls: await tlsOf(settings),
    environment: options.environment,
    ...(settings.proxy !== undefined && { proxy: settings.proxy }),
  }
}

async function composeStorage(
  settings: RegistrySettings,
  { readProvenance }: WantedOfRegistry,
  state: Pick<State, 'cache'>,
  { environment }: ComposeOptions,
): Promise<RegistryPart> {
  const { name } = settings
  const { layout, store: place } = storageOf(settings)
  if (layout !== 'distribution') throw new StorageUnsupportedError(name, `layout: ${layout}`)
  const storeOptions = { environment, quarantineMs: settings.sweep.quarantineMs }
  const readable = await composeReadableStore(place, storeOptions)
  // Made here and handed out by `createWriter` alone, which nobody calls who plans.
  const mutable = await composeStore(place, storeOptions)
  return {
    reader: createStorageReader({ name, store: readable, cache: state.cache, readProvenance }),
    createWriter: () => createStorageWriter({ name, store: mutable }),
    probeDeletion: () =>
      place.kind === 'filesystem'
        ? probeFolder(place.path)
        : Promise.resolve({ deletes: { state: 'unknown' }, deleteByTag: true }),
    note: undefined,
    driver: undefined,
    http: undefined,
  }
}

/** Whether the user may change the files of a registry; asked of the folder that every change is made below. */
async function probeFolder(path: string): ReturnType<OpenedRegistry['probeDeletion']> {
  try {
    await access(join(path, 'docker', 'registry', 'v2', 'repositories'), constants.W_OK)
    return { deletes: { state: 'yes' }, deleteByTag: true }
  } catch {
    const cure = `Run Winnow as the user whose files these are (the one the registry runs as), with ${path} mounted writable.`
    return { deletes: { state: 'no', cure }, deleteByTag: undefined }
  }
}

/** The certificates to trust and to show, read from their files. @throws TlsFileError */
export async function tlsOf({ tls }: Pick<RegistrySettings, 'tls'>): Promise<HttpTls> {
  const [ca, cert, key] = await Promise.all([tls.caFile, tls.certFile, tls.keyFile].map(readPem))
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    rejectUnauthorized: !tls.insecureSkipVerify,
  }
}

/** A certificate or key file that the configuration names cannot be read. */
export class TlsFileError extends OperationalError {
  readonly code = 'TLS_FILE_UNREADABLE'
  readonly hint = 'Check the path and the rights of the file; it must hold PEM text.'
  override readonly category = 'configuration'

  constructor(path: string, options: { readonly cause: unknown }) {
    super(`The certificate or key file ${path} cannot be read.`, options)
  }
}

async function readPem(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new TlsFileError(path, { cause })
  }
}
