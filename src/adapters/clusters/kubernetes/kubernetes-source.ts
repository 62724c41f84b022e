/**
 * A Kubernetes cluster as evidence, live or from a file that kubectl wrote: `kubernetes:<name>` says what runs or may
 * run again, `helm:<name>` what a rollback may bring back.
 *
 * Promises: never throws for what the world does; a cluster that did not answer in full is `complete: false` with a
 * problem that says what failed and what cures it. Interrupted, it throws and never answers less. Both sources share
 * the connection's settings, so they always speak of the same cluster.
 */
import { InterruptedError, OperationalError } from '../../../core/errors/errors.ts'
import type { SourceEvidence, SourceProblem } from '../../../core/evidence/evidence.ts'
import type { Extraction } from '../../../core/evidence/extract.ts'
import type { ManagedNames } from '../../../core/evidence/managed-names.ts'
import type { EvidenceSource } from '../../../ports/evidence-source.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { ReleaseStorage } from '../../../ports/stored-releases.ts'
import { createApiClient, type ApiClient, type ApiClientSettings } from './api-client.ts'
import { missingNamespaces, readIdentity } from './cluster-identity.ts'
import { readDumpReleases, readDumpObjects } from './dump-source.ts'
import { exclusionsOf, type Exclusion } from './exclusions.ts'
import { loadInCluster } from './in-cluster.ts'
import type { ClusterAccess } from './cluster-access.ts'
import { loadKubeconfig } from './kubeconfig.ts'
import { readCluster, type ClusterScope } from './read-cluster.ts'
import { readReleases } from './read-releases.ts'

export interface KubernetesSettings {
  readonly name: string
  /** Path, or several joined as in KUBECONFIG. @default KUBECONFIG, then ~/.kube/config */
  readonly kubeconfig?: string
  /** Required unless the kubeconfig has exactly one. */
  readonly context?: string
  /** @default false */
  readonly inCluster?: boolean
  /** A file with the output of `kubectl get … -A -o json`, read instead of a cluster. */
  readonly dump?: string
  readonly exclude?: readonly Exclusion[]
  /** Only these namespaces are read; whoever writes them declares that nothing else uses the images. */
  readonly scope?: { readonly namespaces: readonly string[] }
  /** Revisions of each Helm release that count; `false`: Helm is not asked. */
  readonly helm: { readonly revisions: 'all' | number } | false
  /** A cluster without any Pod is normal. @default false */
  readonly allowEmpty?: boolean
  /** References that cannot be read stop the plan. @default false */
  readonly strict?: boolean
  /** Pauses and timeouts of the connection, for tests. @default those of api-client.ts */
  readonly connection?: ApiClientSettings
}

/**
 * `kubernetes:<name>` and, unless Helm is left out, `helm:<name>`.
 *
 * @param releases what knows Helm's way of storing releases (adapters/releases/helm)
 */
export function createKubernetesSources(
  settings: KubernetesSettings,
  releases: ReleaseStorage,
): readonly EvidenceSource[] {
  const workloads: EvidenceSource = {
    name: `kubernetes:${settings.name}`,
    gather: (managed, options = {}) => gatherWorkloads(workloads.name, settings, managed, options),
  }
  if (settings.helm === false) return [workloads]
  const { revisions } = settings.helm
  const helm: EvidenceSource = {
    name: `helm:${settings.name}`,
    gather: (managed, options = {}) =>
      gatherReleases(helm.name, settings, { storage: releases, revisions }, managed, options),
  }
  return [workloads, helm]
}

/** The way to the cluster that the settings name. @throws ClusterAccessError */
export async function accessFor(settings: KubernetesSettings): Promise<ClusterAccess> {
  if (settings.inCluster === true) return loadInCluster()
  return loadKubeconfig({
    ...(settings.kubeconfig !== undefined && { kubeconfig: settings.kubeconfig }),
    ...(settings.context !== undefined && { context: settings.context }),
  })
}

interface Gathered {
  readonly identity: string | undefined
  readonly extraction: Extraction
  readonly problems: readonly SourceProblem[]
}

async function gatherWorkloads(
  name: string,
  settings: KubernetesSettings,
  managed: ManagedNames,
  options: RunOptions,
): Promise<SourceEvidence> {
  return told(name, async () => {
    const gathered =
      settings.dump === undefined
        ? await withCluster(settings, options, (api) => readCluster(api, scopeOf(settings), managed, options))
        : await readDumpObjects(settings.dump, settings, managed, options)
    const { pods } = gathered.extraction
    const empty = pods === 0 && settings.allowEmpty !== true ? [noPods(name)] : []
    // Where an empty cluster is normal, no count of its pods says anything.
    const counted = settings.allowEmpty === true && pods === 0 ? undefined : pods
    return { evidence: { ...gathered, problems: [...gathered.problems, ...empty] }, pods: counted }
  })
}

async function gatherReleases(
  name: string,
  settings: KubernetesSettings,
  helm: { readonly storage: ReleaseStorage; readonly revisions: 'all' | number },
  managed: ManagedNames,
  options: RunOptions,
): Promise<SourceEvidence> {
  const wanted = {
    revisions: helm.revisions,
    ...(settings.strict !== undefined && { strict: settings.strict }),
  }
  const open = () => helm.storage.open(managed, wanted)
  return told(name, async () => {
    const evidence =
      settings.dump === undefined
        ? await withCluster(settings, options, (api) =>
            readReleases(api, { queries: helm.storage.queries, open }, scopeOf(settings), options),
          )
        : await readDumpReleases(settings.dump, open, options)
    return { evidence, pods: undefined }
  })
}

async function withCluster(
  settings: KubernetesSettings,
  options: RunOptions,
  read: (api: ApiClient) => Promise<Extraction>,
): Promise<Gathered> {
  const api = createApiClient(await accessFor(settings), settings.connection)
  try {
    const identity = await readIdentity(api, options)
    const problems = await scopeProblems(api, settings, options)
    return {
      identity,
      extraction: await read(api),
      problems: [...problems, ...exclusionsOf(settings.exclude).warnings],
    }
  } finally {
    await api.close()
  }
}

function scopeOf({ scope, exclude, strict }: KubernetesSettings): ClusterScope {
  return { namespaces: scope?.namespaces, exclusions: exclusionsOf(exclude), strict }
}

async function scopeProblems(
  api: ApiClient,
  settings: KubernetesSettings,
  options: RunOptions,
): Promise<readonly SourceProblem[]> {
  const namespaces = settings.scope?.namespaces
  if (namespaces === undefined) return []
  const missing = await missingNamespaces(api, namespaces, options)
  const limited: SourceProblem = {
    severity: 'warning',
    text: `Only the namespaces ${namespaces.join(', ')} are read, as the configuration says; what other namespaces use is not protected by this source.`,
    accept: undefined,
  }
  // The API server answers a list in a namespace that does not exist with 200 and nothing in it.
  return [
    limited,
    ...missing.map((name) =>
      incomplete(`There is no namespace ${name} in the cluster. Correct \`scope:\` in winnow.yaml.`),
    ),
  ]
}

/** Turns what the world did into a problem; bugs and interruptions pass. */
async function told(
  name: string,
  gather: () => Promise<{ readonly evidence: Gathered; readonly pods: number | undefined }>,
): Promise<SourceEvidence> {
  try {
    const { evidence, pods } = await gather()
    const { identity, extraction } = evidence
    const { references, digests, objects } = extraction
    const problems = [...evidence.problems, ...extraction.problems]
    const complete = problems.every(({ severity }) => severity !== 'incomplete')
    return { name, complete, leftOut: false, identity, objects, pods, references, digests, problems }
  } catch (error) {
    if (error instanceof InterruptedError || !(error instanceof OperationalError)) throw error
    const problems = [incomplete(`${error.message} ${error.hint}`)]
    return {
      name,
      complete: false,
      leftOut: false,
      identity: undefined,
      objects: 0,
      pods: undefined,
      references: [],
      digests: [],
      problems,
    }
  }
}

function noPods(name: string): SourceProblem {
  const accept = `${name}/no-pods`
  return {
    severity: 'incomplete',
    text:
      `${name} has no Pods at all. A cluster that runs anything has some, so this is probably the wrong cluster or half an answer. ` +
      `If it is right, write \`allowEmpty: true\` for it in winnow.yaml, or accept it this once with\n--accept ${accept}`,
    accept,
  }
}

function incomplete(text: string): SourceProblem {
  return { severity: 'incomplete', text, accept: undefined }
}
