/**
 * The whole story of one image: every protection, every rule with what it says and why, every known time, and what
 * would change the outcome. It asks the same evaluation that the plan was made by.
 */
import type { Digest } from '../image/digest.ts'
import { buildGraph, type ImageGraph, type Node } from '../image/graph.ts'
import type { RegistryName, RepositoryName, TagName } from '../image/names.ts'
import type { InstantMs, ManifestRecord, RepositoryInventory } from '../inventory/inventory.ts'
import { plausibleCreated } from '../policy/clocks.ts'
import { evaluatePolicy, type Evaluation } from '../policy/evaluate.ts'
import type { RuleSays } from '../policy/evaluate-rule.ts'
import type { Reason } from '../policy/reason.ts'
import { stateOf } from '../policy/match.ts'
import type { ImageState } from '../policy/policy.ts'
import { gitOf, policyFor, type PlanInput } from './build-plan.ts'
import { mayExistIn } from './elsewhere.ts'
import { imageBytes } from './image-bytes.ts'
import type { KeptImage, Plan, PlanAction } from './plan.ts'

export interface Explanation {
  readonly registry: RegistryName
  readonly repository: RepositoryName
  readonly digest: Digest
  readonly tags: readonly TagName[]
  readonly outcome: 'keep' | 'delete' | 'not-governed' | 'part-of'
  /** For `part-of`: the images it lives and dies with. */
  readonly partOf: readonly { readonly digest: Digest; readonly tags: readonly TagName[] }[]
  readonly state: ImageState
  readonly imageBytes: number
  readonly manifests: number
  readonly policy:
    { readonly name: string; readonly line: number; readonly unit: 'image' | 'tag' } | undefined
  /** What decided, as the plan says it. */
  readonly reasons: readonly Reason[]
  readonly rules: readonly RuleTrace[]
  readonly times: readonly KnownTime[]
  /** What would have to change for another outcome; full sentences. */
  readonly wouldChange: readonly string[]
}

export interface RuleTrace {
  readonly rule: string
  readonly line: number
  readonly kind: 'keep' | 'delete'
  /** Under `unit: tag`, which tag the rule was asked about. */
  readonly tag: TagName | undefined
  readonly says: RuleSays
  readonly text: string
}

export interface KnownTime {
  readonly what: string
  readonly at: InstantMs
  /** Why a time that is there does not count. */
  readonly ignored: string | undefined
}

/**
 * Explains one manifest of a repository in the light of a plan made from the same input.
 *
 * @returns undefined when the repository does not have the digest
 */
export function explainImage(
  input: PlanInput,
  plan: Plan,
  registry: RegistryName,
  repository: RepositoryInventory,
  digest: Digest,
): Explanation | undefined {
  const inventory = input.inventories.find((each) => each.registry === registry)
  const elsewhere = inventory === undefined ? undefined : mayExistIn(inventory)
  const graph = buildGraph(repository.manifests, elsewhere)
  const node = graph.nodeOf(digest)
  const manifest = node === undefined ? undefined : graph.manifests[node]
  if (node === undefined || manifest === undefined) return undefined
  const policy = policyFor(input.policySet, registry, repository.name)
  const place = { registry, repository: repository.name, graph }
  const evaluation =
    policy === undefined ? undefined : evaluatePolicy(policy, graph, input.now, gitOf(input, place, policy))
  const line = lineOf(plan, registry, repository.name, digest)
  const isImage = graph.images.includes(node)
  return {
    registry,
    repository: repository.name,
    digest,
    tags: manifest.tags.map((tag) => tag.name),
    outcome: outcomeOf(line, policy !== undefined, isImage),
    partOf: isImage ? [] : partOf(graph, node),
    state: rowState(evaluation, node),
    imageBytes: imageBytes(graph, node),
    manifests: 1 + graph.reachable(node).length,
    policy: policy === undefined ? undefined : { name: policy.name, line: policy.line, unit: policy.unit },
    reasons: line?.reasons ?? [],
    rules: evaluation === undefined ? [] : traceRules(evaluation, node),
    times: knownTimes(graph, node, input.now),
    wouldChange: wouldChange(line, evaluation),
  }
}

type PlanLine = PlanAction | KeptImage

function lineOf(
  plan: Plan,
  registry: RegistryName,
  repository: RepositoryName,
  digest: Digest,
): PlanLine | undefined {
  const isIt = (line: PlanLine): boolean =>
    line.digest === digest && line.registry === registry && line.repository === repository
  return plan.kept.find(isIt) ?? plan.actions.find(isIt)
}

function outcomeOf(
  line: PlanLine | undefined,
  isGoverned: boolean,
  isImage: boolean,
): Explanation['outcome'] {
  if (!isGoverned) return 'not-governed'
  if (!isImage) return 'part-of'
  return line !== undefined && 'kind' in line && line.kind === 'delete' ? 'delete' : 'keep'
}

function partOf(graph: ImageGraph, node: Node): Explanation['partOf'] {
  return graph.imagesAbove(node).flatMap((above) => {
    const manifest = graph.manifests[above]
    return manifest === undefined
      ? []
      : [{ digest: manifest.digest, tags: graph.ordinaryTags(above).map((tag) => tag.name) }]
  })
}

function rowState(evaluation: Evaluation | undefined, node: Node): ImageState {
  const row = evaluation?.rows.find((each) => each.node === node)
  return row === undefined || evaluation === undefined ? 'complete' : stateOf(row, evaluation.context.graph)
}

function traceRules(evaluation: Evaluation, node: Node): readonly RuleTrace[] {
  const isByTag = evaluation.policy.unit === 'tag'
  return evaluation.rows.flatMap((row, position) =>
    row.node !== node
      ? []
      : evaluation.results.map((result) => {
          const says = result.says(position)
          return {
            rule: result.rule.name,
            line: result.rule.line,
            kind: result.rule.effect.kind,
            tag: isByTag ? row.tags[0]?.name : undefined,
            says,
            text: result.reason(position)?.text ?? 'does not match',
          }
        }),
  )
}

function knownTimes(graph: ImageGraph, node: Node, now: InstantMs): readonly KnownTime[] {
  const manifest = graph.manifests[node]
  if (manifest === undefined) return []
  const held = graph.held(node).flatMap((each) => graph.manifests[each] ?? [])
  const time = (what: string, at: InstantMs | undefined): readonly KnownTime[] =>
    at === undefined ? [] : [{ what, at, ignored: undefined }]
  return [
    ...time('pushed', manifest.pushedAt),
    ...manifest.tags.flatMap((tag) => time(`tag ${tag.name} pushed`, tag.pushedAt)),
    ...time('push event', manifest.recordedAt),
    ...createdTimes([manifest, ...held], now),
    ...time('first listed by Winnow', manifest.firstSeenAt),
    ...time('pulled', manifest.pulledAt),
    ...manifest.tags.flatMap((tag) => time(`tag ${tag.name} pulled`, tag.pulledAt)),
  ]
}

function createdTimes(manifests: readonly ManifestRecord[], now: InstantMs): readonly KnownTime[] {
  return manifests.flatMap(({ createdAt, platform }) => {
    if (createdAt === undefined) return []
    const what = platform === undefined ? 'created' : `created (${platform})`
    const isPlausible = plausibleCreated(createdAt, now) !== undefined
    const why =
      createdAt > now ? 'it lies in the future' : 'it is before Docker existed; builders write such dates'
    return [{ what, at: createdAt, ignored: isPlausible ? undefined : why }]
  })
}

/** What would turn the outcome, drawn from the reasons that brought it about. */
function wouldChange(line: PlanLine | undefined, evaluation: Evaluation | undefined): readonly string[] {
  if (line === undefined || evaluation === undefined) return []
  if ('kind' in line && line.kind === 'delete') {
    return [
      'Any of these would keep it: a keep rule that matches it, evidence that it is in use, a tag in protect.tags.',
    ]
  }
  const sentences = line.reasons.flatMap((reason) => cures[reason.kind] ?? [])
  const otherwise = 'otherwise' in line ? line.otherwise : undefined
  const next =
    otherwise === undefined
      ? []
      : [`Without these reasons ${otherwise.rule} (line ${otherwise.line}) would delete it.`]
  return [...new Set(sentences), ...next]
}

const cures: Partial<Record<Reason['kind'], string>> = {
  'in-use': 'It goes on to the rules once nothing uses it any more, and seenInUseWithin has passed since.',
  'seen-in-use': 'It goes on to the rules once seenInUseWithin has passed since it was last seen in use.',
  'younger-than': 'It goes on to the rules once it is older than protect.youngerThan.',
  'age-unknown': 'It goes on to the rules once some clock tells its age, or with protect.youngerThan: 0s.',
  'protected-tag': 'It goes on to the rules once protect.tags no longer names its tag.',
  locked: 'It goes on to the rules once the registry no longer locks it.',
  emptied: 'It goes with its last tag once the policy says emptied: delete.',
  'needed-by': 'It goes on to the rules once the image that needs it is gone.',
  'werf-record': 'It goes on to the rules once no stage of werf stays in the repository.',
  'repository-incomplete': 'It goes on to the rules once its repository can be read in full.',
  spared: 'It goes once the delete rule that reaches it decides so.',
  'orphaned-referrer': 'A delete rule with match: {state: orphaned-referrer} would reach it.',
}
