/**
 * Reads the objects that hold releases out of a cluster. Which objects these are, and what is in them, the release
 * adapter knows; each of its queries is listed to its end or is a problem.
 */
import { InterruptedError } from '../../../core/errors/errors.ts'
import type { SourceProblem } from '../../../core/evidence/evidence.ts'
import type { Extraction } from '../../../core/evidence/extract.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { ReleaseQuery, ReleaseReader } from '../../../ports/stored-releases.ts'
import type { ApiClient } from './api-client.ts'
import { listPath } from './api-resource.ts'
import { ClusterAnswerError } from './cluster-errors.ts'
import { joinExtractions } from './extractions.ts'
import { listAll } from './list.ts'
import type { ClusterScope } from './read-cluster.ts'

export interface ReleaseLists {
  readonly queries: readonly ReleaseQuery[]
  readonly open: () => ReleaseReader
}

/** @throws InterruptedError, and the errors of a cluster that does not answer */
export async function readReleases(
  api: ApiClient,
  lists: ReleaseLists,
  scope: ClusterScope,
  options: RunOptions,
): Promise<Extraction> {
  const parts: Extraction[] = []
  // One after the other: a page of releases is large, and decoding it keeps the processor busy anyway.
  for (const query of lists.queries) {
    if (scope.exclusions.isExcluded({ group: '', resource: query.resource })) continue
    for (const namespace of scope.namespaces ?? [undefined]) {
      if (options.stop?.aborted === true) throw new InterruptedError()
      parts.push(await readQuery(api, query, namespace, lists.open, options))
    }
  }
  return joinExtractions(parts)
}

async function readQuery(
  api: ApiClient,
  query: ReleaseQuery,
  namespace: string | undefined,
  open: () => ReleaseReader,
  options: RunOptions,
): Promise<Extraction> {
  let reader = open()
  const visitor = {
    begin: () => {
      reader = open()
    },
    visit: (object: unknown) => {
      reader.add(query.kind, object)
    },
  }
  const path = listPath(
    { group: '', version: 'v1', resource: query.resource, kind: query.kind, namespaced: true },
    namespace,
  )
  try {
    await listAll(api, path, query, visitor, options)
    return reader.result()
  } catch (error) {
    if (!(error instanceof ClusterAnswerError) || error.status !== 403) throw error
    return { references: [], digests: [], problems: [forbidden(query, error)], objects: 0, pods: 0 }
  }
}

function forbidden(query: ReleaseQuery, error: ClusterAnswerError): SourceProblem {
  const text =
    `Helm releases in ${query.resource} could not be read: ${error.message} Bind the ClusterRole winnow-helm-secrets of deploy/rbac.yaml, ` +
    `or, if nothing is ever rolled back with Helm, exclude ${query.resource} with a reason, or set \`helm: {revisions: false, reason: …}\`.`
  return { severity: 'incomplete', text, accept: undefined }
}
