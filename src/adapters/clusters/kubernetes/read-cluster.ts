/**
 * Reads everything in a cluster that may name an image.
 *
 * Promises: every kind that discovery shows is listed to its end, or a problem says which one was not and why; what
 * creates others is read before what it creates, Pods last; each object is reduced to its references at once. A kind
 * that vanished between discovery and list makes the reading begin anew, once. Refuses to go on for long with a
 * cluster that is failing: the answer is already incomplete.
 */
import pLimit from 'p-limit'
import { InterruptedError } from '../../../core/errors/errors.ts'
import type { SourceProblem } from '../../../core/evidence/evidence.ts'
import { createExtractor, type Extraction, type Extractor } from '../../../core/evidence/extract.ts'
import type { ManagedNames } from '../../../core/evidence/managed-names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { ApiClient } from './api-client.ts'
import { holdsEvidence, listPath, readingRank, resourceName, type ApiResource } from './api-resource.ts'
import { ClusterAnswerError } from './cluster-errors.ts'
import { discover } from './discovery.ts'
import type { Exclusions } from './exclusions.ts'
import { joinExtractions } from './extractions.ts'
import { listAll } from './list.ts'

export interface ClusterScope {
  /** Undefined: the whole cluster. */
  readonly namespaces: readonly string[] | undefined
  readonly exclusions: Exclusions
  readonly strict: boolean | undefined
}

/** Small lists are mostly waiting; Pods are read alone, because their pages are what fills the memory. */
const LISTS_AT_ONCE = 4
/** Kinds that fail on the server's side before we stop asking for more of them. */
const FAILING_KINDS_MAX = 3

/** @throws InterruptedError; the errors of a cluster that does not answer at all pass through as well */
export async function readCluster(
  api: ApiClient,
  scope: ClusterScope,
  managed: ManagedNames,
  options: RunOptions,
): Promise<Extraction> {
  const first = await readOnce(api, scope, managed, options)
  // Uninstalled while we read, or an alias that lies; the second answer of discovery tells, and counts.
  return first.vanished ? (await readOnce(api, scope, managed, options)).extraction : first.extraction
}

interface Reading {
  readonly extraction: Extraction
  readonly vanished: boolean
}

async function readOnce(
  api: ApiClient,
  scope: ClusterScope,
  managed: ManagedNames,
  options: RunOptions,
): Promise<Reading> {
  options.onEvent?.({ kind: 'phase', phase: 'discovery', subject: api.origin })
  const discovery = await discover(api, scope.exclusions.isGroupIgnored, options)
  const wanted = discovery.resources
    .filter((resource) => holdsEvidence(resource, discovery.resources))
    .filter((resource) => !scope.exclusions.isExcluded(resource))
    .filter((resource) => scope.namespaces === undefined || resource.namespaced)
  const state: ReadState = {
    parts: [],
    problems: discovery.problems.map(incomplete),
    failing: 0,
    done: 0,
    vanished: false,
    fatal: undefined,
  }
  for (const rank of [0, 1, 2, 3, 4]) {
    const limit = pLimit(LISTS_AT_ONCE)
    const resources = wanted.filter((resource) => readingRank(resource) === rank)
    await Promise.all(
      resources.map((resource) =>
        limit(async () => {
          await readResource(api, resource, scope, managed, state, options)
          state.done++
          options.onEvent?.({
            kind: 'progress',
            phase: 'evidence',
            done: state.done,
            total: wanted.length,
            note: resourceName(resource),
          })
        }),
      ),
    )
    if (state.fatal !== undefined) throw state.fatal
  }
  const told: Extraction = { references: [], digests: [], problems: state.problems, objects: 0, pods: 0 }
  return { extraction: joinExtractions([...state.parts, told]), vanished: state.vanished }
}

interface ReadState {
  readonly parts: Extraction[]
  readonly problems: SourceProblem[]
  failing: number
  done: number
  vanished: boolean
  /** The cluster stopped answering, or we were interrupted: nothing more is begun, and the reading is thrown away. */
  fatal: Error | undefined
}

async function readResource(
  api: ApiClient,
  resource: ApiResource,
  scope: ClusterScope,
  managed: ManagedNames,
  state: ReadState,
  options: RunOptions,
): Promise<void> {
  for (const namespace of scope.namespaces ?? [undefined]) {
    // Enough kinds failed to know that the answer is incomplete and the server in trouble.
    if (state.fatal !== undefined || state.failing >= FAILING_KINDS_MAX) return
    try {
      if (options.stop?.aborted === true) throw new InterruptedError()
      state.parts.push(await readList(api, resource, listPath(resource, namespace), scope, managed, options))
    } catch (error) {
      noteFailure(error, resource, state)
    }
  }
}

async function readList(
  api: ApiClient,
  resource: ApiResource,
  path: string,
  scope: ClusterScope,
  managed: ManagedNames,
  options: RunOptions,
): Promise<Extraction> {
  const settings = scope.strict === undefined ? {} : { strict: scope.strict }
  let extractor: Extractor = createExtractor(managed, settings)
  const visitor = {
    begin: () => {
      extractor = createExtractor(managed, settings)
    },
    visit: (object: unknown) => {
      extractor.addObject(resource, object)
    },
  }
  await listAll(api, path, {}, visitor, options)
  return extractor.result()
}

/** A kind that could not be read is a problem of its own; everything else ends the reading. */
function noteFailure(error: unknown, resource: ApiResource, state: ReadState): void {
  if (!(error instanceof ClusterAnswerError) || error.status === 401) {
    // Lists in flight settle first, so that nothing goes on behind the caller's back.
    state.fatal ??= error instanceof Error ? error : new Error(String(error))
    return
  }
  if (error.status === 404) state.vanished = true
  if (error.status >= 500 || error.status === 429) state.failing++
  const stopped = state.failing === FAILING_KINDS_MAX ? ' No further kinds were read.' : ''
  state.problems.push(
    incomplete(`${resourceName(resource)} could not be read: ${error.message} ${error.hint}${stopped}`),
  )
}

function incomplete(text: string): SourceProblem {
  return { severity: 'incomplete', text, accept: undefined }
}
