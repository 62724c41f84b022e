/**
 * What `winnow doctor` and `winnow init` look at, from a configuration. Unlike composing for a plan, a registry that
 * cannot be reached is no error here but a finding, so each is opened only when it is asked for.
 */
import { listContexts } from './adapters/clusters/kubernetes/list-contexts.ts'
import { checkKubernetesAccess } from './adapters/clusters/kubernetes/access-check.ts'
import { examineGit } from './adapters/git/examine-git.ts'
import { createMemoryLeaseStore } from './adapters/journal/memory/lease.ts'
import { createMemoryManifestCache } from './adapters/journal/memory/manifest-cache.ts'
import { createReferenceFileSource } from './adapters/references/reference-file-source.ts'
import type { DoctorPorts, OpenedRegistry, RegistryToCheck } from './app/doctor.ts'
import {
  composeRegistry,
  composeState,
  kubernetesSettings,
  namedRepositories,
  type ComposeOptions,
  type RegistryPart,
} from './compose.ts'
import { credentialsOf } from './compose-credentials.ts'
import { gitReaderSettings } from './compose-git.ts'
import type { Configuration, GitRepositorySettings, RegistrySettings } from './config/configuration.ts'
import type { RepositoryName } from './core/image/names.ts'
import type { InstantMs } from './core/inventory/inventory.ts'
import type { ReadableRegistry } from './ports/readable-registry.ts'
import type { RunOptions } from './ports/run-options.ts'

/** Everything the configuration names, to be examined one by one. */
export function composeExamination(configuration: Configuration, options: ComposeOptions): DoctorPorts {
  const { kubernetes, helm, references } = configuration.evidence
  return {
    tryState: async () => {
      const state = await composeState(options)
      await state.close()
      return state.engine
    },
    registries: [...configuration.registries.values()].map((settings) =>
      registryToCheck(settings, configuration, options),
    ),
    clusters: kubernetes.map((cluster) => ({
      name: cluster.name,
      check: (runOptions) => checkKubernetesAccess(kubernetesSettings(cluster, helm), runOptions),
    })),
    git: [...configuration.git.values()].map((settings) => gitToCheck(settings, options)),
    references: references.map(({ name, path }) => createReferenceFileSource({ name, path })),
    now: () => Date.now(),
  }
}

/** One registry to look at, without a state: `winnow init` has none yet. */
export async function composeReader(
  settings: RegistrySettings,
  options: ComposeOptions,
  runOptions: RunOptions,
): Promise<{
  readonly reader: ReadableRegistry
  readonly note: string | undefined
  readonly close: () => Promise<void>
}> {
  const part = await openPart(settings, [], options, runOptions)
  return { reader: part.reader, note: part.note, close: () => closePart(part) }
}

/** Nothing is fetched and nothing is kept, so there is nobody to be kept apart from. */
function gitToCheck(settings: GitRepositorySettings, options: ComposeOptions): DoctorPorts['git'][number] {
  const reader = gitReaderSettings(settings, options, createMemoryLeaseStore())
  return { name: settings.name, check: (runOptions) => examineGit(reader, runOptions) }
}

/** The contexts of the user's kubeconfig; none where there is no such file. */
export async function kubeContexts(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<readonly string[]> {
  return listContexts(environment)
}

function registryToCheck(
  settings: RegistrySettings,
  configuration: Configuration,
  options: ComposeOptions,
): RegistryToCheck {
  const { name, url, storage, auth } = settings
  return {
    name,
    findCredentials: async (runOptions) => {
      if (url === undefined || storage !== undefined) return 'not needed: its files are read'
      const target = { host: new URL(url).host.toLowerCase(), path: '' }
      const { signal } = runOptions
      const found = await credentialsOf(auth, options.environment).get(target, {
        ...(signal !== undefined && { signal }),
      })
      return found === undefined ? undefined : `from ${found.origin ?? 'the configuration'}`
    },
    open: async (runOptions) => {
      const part = await openPart(settings, namedRepositories(configuration, name), options, runOptions)
      return openedRegistry(part, settings)
    },
  }
}

function openedRegistry(part: RegistryPart, { url }: RegistrySettings): OpenedRegistry {
  const { reader, note, recognisedBy, probeDeletion, check, http } = part
  return {
    ...(check !== undefined && {
      checkMore: async (repository, runOptions) =>
        (await check(repository, runOptions)).map((found) => ({ cure: undefined, ...found })),
    }),
    reader,
    note,
    recognisedBy,
    probeDeletion,
    deletionProbe:
      http === undefined ? 'the files may be changed' : 'allowed, asked with a tag that does not exist',
    askTime: async (runOptions) => {
      if (http === undefined || url === undefined) return undefined
      const { headers } = await http.request({ method: 'GET', url: `${url}/v2/` }, runOptions)
      return parsedDate(headers.get('date'))
    },
    close: () => closePart(part),
  }
}

/** The Date header (RFC 9110 section 6.6.1). */
function parsedDate(text: string | undefined): InstantMs | undefined {
  const at = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(at) ? undefined : at
}

function openPart(
  settings: RegistrySettings,
  repositories: readonly RepositoryName[],
  options: ComposeOptions,
  runOptions: RunOptions,
): Promise<RegistryPart> {
  const wanted = { repositories, readProvenance: false, readConfigs: true }
  return composeRegistry(settings, wanted, { cache: createMemoryManifestCache() }, options, runOptions)
}

async function closePart({ http }: RegistryPart): Promise<void> {
  await http?.close()
}
