/**
 * A kubectl dump as evidence, read as the cluster itself would be: workloads for one source, Helm's Secrets for the other.
 *
 * A file cannot tell whether a kind was asked for and empty, or never asked for. So a kind that can hold images and is
 * not in the file is named in a warning; a file without Pods counts as a cluster without Pods, which stops the plan.
 */
import { InterruptedError } from '../../../core/errors/errors.ts'
import type { SourceProblem } from '../../../core/evidence/evidence.ts'
import { createExtractor, type Extraction } from '../../../core/evidence/extract.ts'
import type { ManagedNames } from '../../../core/evidence/managed-names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { ReleaseReader, StorageKind } from '../../../ports/stored-releases.ts'
import { holdsEvidence, type ApiResource } from './api-resource.ts'
import { readDump, type DumpObject } from './dump-file.ts'
import { exclusionsOf, type Exclusion } from './exclusions.ts'
import { asText, metadataOf } from './shape.ts'

export interface DumpReading {
  readonly identity: string | undefined
  readonly extraction: Extraction
  readonly problems: readonly SourceProblem[]
}

/** Kinds that name images in every cluster; a dump without one of them was probably made without asking for it. */
const expected = [
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'ControllerRevision',
  'Job',
  'CronJob',
  'ReplicationController',
  'PodTemplate',
  'ConfigMap',
] as const

/** @throws ClusterDumpError when the file is not whole, InterruptedError */
export async function readDumpObjects(
  path: string,
  settings: { readonly exclude?: readonly Exclusion[]; readonly strict?: boolean },
  managed: ManagedNames,
  options: RunOptions,
): Promise<DumpReading> {
  const objects = await read(path, options)
  const exclusions = exclusionsOf(settings.exclude)
  const extractor = createExtractor(managed, settings.strict === undefined ? {} : { strict: settings.strict })
  for (const dumped of objects) {
    const resource = resourceOf(dumped)
    if (holdsEvidence(resource, []) && !exclusions.isExcluded(resource))
      extractor.addObject(resource, dumped.object)
  }
  return {
    identity: identityIn(objects),
    extraction: extractor.result(),
    problems: [...exclusions.warnings, ...missingKinds(objects, path, expected)],
  }
}

/** @throws ClusterDumpError when the file is not whole, InterruptedError */
export async function readDumpReleases(
  path: string,
  open: () => ReleaseReader,
  options: RunOptions,
): Promise<DumpReading> {
  const objects = await read(path, options)
  const reader = open()
  for (const { group, kind, object } of objects) {
    if (group === '' && isStorage(kind)) reader.add(kind, object)
  }
  return {
    identity: identityIn(objects),
    extraction: reader.result(),
    problems: missingKinds(objects, path, ['Secret']),
  }
}

async function read(path: string, options: RunOptions): Promise<readonly DumpObject[]> {
  const objects = await readDump(path)
  if (options.signal?.aborted === true || options.stop?.aborted === true) throw new InterruptedError()
  return objects
}

function isStorage(kind: string): kind is StorageKind {
  return kind === 'Secret' || kind === 'ConfigMap'
}

/** The plural is not in the file; it has to be right for the built-in kinds that are passed over. */
function resourceOf({ group, version, kind }: DumpObject): ApiResource {
  return { group, version, resource: pluralOf(kind.toLowerCase()), kind, namespaced: true }
}

function pluralOf(kind: string): string {
  if (kind === 'endpoints') return kind
  if (/(?:s|x|ch|sh)$/.test(kind)) return `${kind}es`
  return /[^aeiou]y$/.test(kind) ? `${kind.slice(0, -1)}ies` : `${kind}s`
}

function identityIn(objects: readonly DumpObject[]): string | undefined {
  const system = objects.find(
    ({ group, kind, object }) =>
      group === '' && kind === 'Namespace' && metadataOf(object)['name'] === 'kube-system',
  )
  return system === undefined ? undefined : asText(metadataOf(system.object)['uid'])
}

function missingKinds(
  objects: readonly DumpObject[],
  path: string,
  wanted: readonly string[],
): readonly SourceProblem[] {
  const present = new Set(objects.map(({ kind }) => kind))
  const missing = wanted.filter((kind) => !present.has(kind))
  if (missing.length === 0) return []
  const text =
    `The dump ${path} holds no ${missing.join(', no ')}. If the cluster has some, their images are not protected: ` +
    'name these kinds too when you make the dump.'
  return [{ severity: 'warning', text, accept: undefined }]
}
