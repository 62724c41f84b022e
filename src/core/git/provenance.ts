/**
 * Which commit an image was built from, as the provenance beside it says: an in-toto statement with a SLSA predicate, v0.2
 * or v1, bare, in a DSSE envelope, or in a Sigstore bundle.
 *
 * Only what names the source of the build itself is taken. Lists of materials and resolved dependencies name every
 * repository that a build looked into, base images and named contexts included; a commit of one of those would be a wrong
 * link, and under a count a wrong link takes the place of a right one. Signatures are not checked: a link decides what is
 * kept, and whoever can write a statement could as well push a tag.
 */
import { decodeBase64 } from '../image/base64.ts'
import { decodeJson, depthOf } from '../image/manifest-json.ts'
import { isJsonObject, type JsonObject } from '../image/manifest-fields.ts'

/** BuildKit nests deepest, in the build steps of `mode=max`: about twenty levels. */
const DEPTH_MAX = 200
const fullId = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/

/**
 * The commits that a statement names as the source of the build, full ids in lower case, sorted. What is no statement, or
 * of a builder whose statements are not known here, names none.
 */
export function commitsInStatement(bytes: Uint8Array): readonly string[] {
  const statement = statementIn(bytes)
  const predicate = objectAt(statement, 'predicate')
  if (predicate === undefined) return []
  const commits = [...buildkitRevisions(predicate), ...slsa02(predicate), ...slsa1(predicate)]
  return [...new Set(commits.flatMap(idIn))].sort()
}

/** The statement itself, out of whatever it is wrapped in. */
function statementIn(bytes: Uint8Array): JsonObject | undefined {
  const outer = readObject(bytes)
  const envelope = objectAt(outer, 'dsseEnvelope') ?? outer
  const payload = envelope?.['payload']
  if (typeof payload !== 'string') return outer
  const decoded = decodeBase64(payload)
  return decoded && readObject(decoded)
}

function readObject(bytes: Uint8Array): JsonObject | undefined {
  const value = depthOf(bytes) > DEPTH_MAX ? undefined : decodeJson(bytes)
  return isJsonObject(value) ? value : undefined
}

/** What the client of BuildKit says of the folder it built from (buildx: `vcs:revision`). */
function buildkitRevisions(predicate: JsonObject): readonly unknown[] {
  const v02 = objectAt(predicate, 'metadata', 'https://mobyproject.org/buildkit@v1#metadata', 'vcs')
  const v1 = objectAt(predicate, 'runDetails', 'metadata', 'buildkit_metadata', 'vcs')
  // A folder with changes that were not committed is marked so, and was that commit's all the same.
  return [v02, v1].map((vcs) => {
    const revision = vcs?.['revision']
    return typeof revision === 'string' ? revision.replace(/-dirty$/, '') : undefined
  })
}

/**
 * Builders for which `configSource` is the source of the build. For others (Tekton) it is where the pipeline is defined,
 * which may be somebody else's catalogue.
 */
const sourceBuilders = [
  'https://mobyproject.org/buildkit@',
  'https://github.com/moby/buildkit/',
  'https://github.com/slsa-framework/slsa-github-generator/',
]
const workflowBuilders = [
  'https://actions.github.io/buildtypes/workflow/',
  'https://slsa-framework.github.io/github-actions-buildtypes/workflow/',
]

function isBuiltBy(builders: readonly string[], buildType: unknown): boolean {
  return typeof buildType === 'string' && builders.some((builder) => buildType.startsWith(builder))
}

/** SLSA provenance v0.2. */
function slsa02(predicate: JsonObject): readonly unknown[] {
  if (!isBuiltBy(sourceBuilders, predicate['buildType'])) return []
  return digestsOf(objectAt(predicate, 'invocation', 'configSource'))
}

/** SLSA provenance v1. */
function slsa1(predicate: JsonObject): readonly unknown[] {
  const definition = objectAt(predicate, 'buildDefinition')
  if (definition === undefined) return []
  const { buildType } = definition
  if (isBuiltBy(sourceBuilders, buildType)) {
    const parameters = objectAt(definition, 'externalParameters')
    return [...digestsOf(objectAt(parameters, 'configSource')), ...digestsOf(objectAt(parameters, 'source'))]
  }
  return isBuiltBy(workflowBuilders, buildType) ? workflowCommits(definition) : []
}

/** GitHub lists the workflow's own repository among the dependencies, under the address that the workflow has. */
function workflowCommits(definition: JsonObject): readonly unknown[] {
  const repository = objectAt(definition, 'externalParameters', 'workflow')?.['repository']
  const dependencies = definition['resolvedDependencies']
  if (typeof repository !== 'string' || !Array.isArray(dependencies)) return []
  return (dependencies as readonly unknown[]).filter(isJsonObject).flatMap((dependency) => {
    const { uri } = dependency
    return typeof uri === 'string' && uri.startsWith(`git+${repository}@`) ? digestsOf(dependency) : []
  })
}

/** A commit in a set of digests: `sha1` in SLSA v0.2, `gitCommit` in v1. */
function digestsOf(source: JsonObject | undefined): readonly unknown[] {
  const digest = objectAt(source, 'digest')
  return [digest?.['sha1'], digest?.['gitCommit']]
}

function idIn(value: unknown): readonly string[] {
  const id = typeof value === 'string' ? value.toLowerCase() : ''
  return fullId.test(id) ? [id] : []
}

/** The object at the end of a path; undefined where any step is missing or something else. */
function objectAt(value: JsonObject | undefined, ...path: readonly string[]): JsonObject | undefined {
  let at: unknown = value
  for (const key of path) at = isJsonObject(at) && Object.hasOwn(at, key) ? at[key] : undefined
  return isJsonObject(at) ? at : undefined
}
