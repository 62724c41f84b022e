/**
 * What `winnow doctor` and `winnow init` look at, from a configuration. Unlike composing for a plan, a registry that
 * cannot be reached is no error here but a finding, so each is opened only when it is asked for.
 */
import { listContexts } from './adapters/clusters/kubernetes/list-contexts.ts'
import { checkKubernetesAccess } from './adapters/clusters/kubernetes/access-check.ts'
import { examineGit } from './adapters/git/examine-git.ts'
import { createMemoryLeaseStore } from './adapters/journal/memory/lease.ts'
import { createMemoryManifestCache } from './adapters/journal/memory/manifest-cache.ts'
import { createMemoryProofStore } from './adapters/journal/memory/proofs.ts'
import { createReferenceFileSource } from './adapters/references/reference-file-source.ts'
import { kindOfHost } from './adapters/registries/recognise-hosts.ts'
import type { DoctorPorts, OpenedRegistry, RegistryToCheck } from './app/doctor.ts'
import {
  composeRegistry,
  composeState,
  createAskingHttp,
  kubernetesSettings,
  namedNamespaces,
  namedRepositories,
  type ComposeOptions,
  type RegistryPart,
  type WantedOfRegistry,
} from './compose.ts'
import { credentialsOf } from './compose-credentials.ts'
import { gitReaderSettings } from './compose-git.ts'
import type { Configuration, GitRepositorySettings, RegistrySettings } from './config/configuration.ts'
import type { InstantMs } from './core/inventory/inventory.ts'
import type { ProofStore } from './ports/proofs.ts'
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
  const part = await openPart(settings, { repositories: [] }, createMemoryProofStore(), options, runOptions)
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

/** Clouds whose own chain of credentials is asked where Docker's files have none. */
const hasLoginOfItsOwn: ReadonlySet<string | undefined> = new Set(['artifact-registry', 'ecr', 'acr'])

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
      if (found !== undefined) return `from ${found.origin ?? 'the configuration'}`
      const kind = settings.kind === 'auto' ? kindOfHost(new URL(url).hostname) : settings.kind
      return hasLoginOfItsOwn.has(kind)
        ? 'none in Docker’s files; those of the cloud are looked for below'
        : undefined
    },
    open: async (runOptions) => {
      const named = {
        repositories: namedRepositories(configuration, name),
        namespaces: namedNamespaces(configuration, name),
      }
      const part = await openPart(settings, named, proofsInState(options), options, runOptions)
      return openedRegistry(part, settings, options)
    },
  }
}

function openedRegistry(
  part: RegistryPart,
  settings: RegistrySettings,
  options: ComposeOptions,
): OpenedRegistry {
  const { url } = settings
  const { reader, note, recognisedBy, probeDeletion, probePushes, check, http } = part
  return {
    ...(check !== undefined && {
      checkMore: async (repository, runOptions) =>
        (await check(repository, runOptions)).map((found) => ({ cure: undefined, ...found })),
    }),
    reader,
    note,
    recognisedBy,
    probeDeletion,
    probePushes,
    deletionProbe:
      http === undefined ? 'the files may be changed' : 'allowed, asked with a tag that does not exist',
    askTime: async (runOptions) => {
      if (http === undefined || url === undefined) return undefined
      // A refusal is dated too, and no product's way to log in matters here.
      const asking = await createAskingHttp(settings, url, options)
      try {
        const { headers } = await asking.request({ method: 'GET', url: `${url}/v2/` }, runOptions)
        return parsedDate(headers.get('date'))
      } finally {
        await asking.close()
      }
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
  named: Pick<WantedOfRegistry, 'repositories' | 'namespaces'>,
  proofs: ProofStore,
  options: ComposeOptions,
  runOptions: RunOptions,
): Promise<RegistryPart> {
  const wanted = { ...named, readProvenance: false, readConfigs: true }
  return composeRegistry(
    settings,
    wanted,
    { cache: createMemoryManifestCache(), proofs },
    options,
    runOptions,
  )
}

/** The state is opened for each question: most registries ask none, and a state that does not open hinders no other check. */
function proofsInState(options: ComposeOptions): ProofStore {
  const inState = async <T>(work: (proofs: ProofStore) => Promise<T>): Promise<T> => {
    const state = await composeState(options)
    try {
      return await work(state.proofs)
    } finally {
      await state.close()
    }
  }
  return {
    rememberProof: (proof) => inState((proofs) => proofs.rememberProof(proof)),
    proofOf: (address, kind) => inState((proofs) => proofs.proofOf(address, kind)),
    forgetProof: (address, kind) => inState((proofs) => proofs.forgetProof(address, kind)),
  }
}

async function closePart({ http }: RegistryPart): Promise<void> {
  await http?.close()
}
