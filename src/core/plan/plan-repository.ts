/**
 * What happens to the images of one repository: rules, then protections, then the graph.
 *
 * The graph has the last word. Whatever a kept image reaches stays, and an image that something kept needs stays with
 * it; only what is left goes. Under `unit: tag` a tag that no rule keeps is removed, and its manifest goes when no
 * tag is left and nothing that stays needs it.
 */
import type { GitView } from '../git/git-view.ts'
import type { ImageGraph, Node } from '../image/graph.ts'
import type { TagName } from '../image/names.ts'
import type { Evaluation, Verdict } from '../policy/evaluate.ts'
import type { Protect, Rule } from '../policy/policy.ts'
import type { Reason } from '../policy/reason.ts'
import { compareText, type Row } from '../policy/rows.ts'
import { neededBy, type StayingGroup } from './needed.ts'
import type { DecidedBy } from './plan.ts'

/** The fate of one image. */
export type Fate =
  | {
      readonly kind: 'keep'
      readonly node: Node
      readonly row: Row
      readonly reasons: readonly Reason[]
      /** Tags that go although the image stays. */
      readonly untag: readonly TagFate[]
      /** What would have deleted it, had nothing kept it. */
      readonly otherwise: DecidedBy | undefined
    }
  | {
      readonly kind: 'delete'
      readonly node: Node
      readonly row: Row
      readonly reasons: readonly Reason[]
      readonly decidedBy: DecidedBy
      /** What goes along: reached by this image, and needed by nothing that stays. */
      readonly along: readonly Node[]
      /** Stages that stay and were built from this one, and that it does not stay for: whoever looks again is to know. */
      readonly sourceOf?: readonly Node[]
      /** Under `unit: tag`, its tags, which go even where the manifest turns out to be needed. */
      readonly tags: readonly TagFate[]
    }

export interface TagFate {
  readonly tag: TagName
  readonly row: Row
  readonly reasons: readonly Reason[]
  readonly decidedBy: DecidedBy
}

export interface RepositoryFacts {
  readonly graph: ImageGraph
  readonly evaluation: Evaluation
  readonly protect: Protect
  /** Set when nothing of the repository may go, and why. */
  readonly heldBack: string | undefined
  readonly canUntag: boolean
  /** The registry deletes referrers with their subject. @default false */
  readonly deletesReferrers?: boolean
  readonly protectionsOf: (node: Node) => readonly Reason[]
}

/** Decides every image of the repository; in the order of their digests. */
export function planRepository(facts: RepositoryFacts): readonly Fate[] {
  const tentative = rowsByImage(facts.evaluation).map((rows) => tentativeFate(rows, facts))
  return applyGraph(tentative, facts)
}

interface ImageRows {
  readonly node: Node
  readonly positions: readonly number[]
}

/** Rows come sorted by digest, so those of one image stand together. */
function rowsByImage({ rows }: Evaluation): readonly ImageRows[] {
  const images: { node: Node; positions: number[] }[] = []
  rows.forEach((row, position) => {
    const last = images.at(-1)
    if (last?.node === row.node) last.positions.push(position)
    else images.push({ node: row.node, positions: [position] })
  })
  return images
}

interface Decided {
  readonly row: Row
  readonly verdict: Verdict
}

function tentativeFate(image: ImageRows, facts: RepositoryFacts): Fate {
  const [position] = image.positions
  const row = position === undefined ? undefined : facts.evaluation.rows[position]
  const isAlone = image.positions.length === 1 && facts.evaluation.policy.unit === 'image'
  return isAlone && position !== undefined && row !== undefined && facts.heldBack === undefined
    ? fateOfRow(image.node, row, facts.evaluation.verdict(position), facts)
    : fateOfRows(image, facts)
}

/** An image is one row, and nothing but its protections stands beside its verdict. */
function fateOfRow(node: Node, row: Row, verdict: Verdict, facts: RepositoryFacts): Fate {
  const protections = facts.protectionsOf(node)
  if (verdict.kind === 'keep') {
    const reasons = protections.length === 0 ? verdict.reasons : [...protections, ...verdict.reasons]
    return stay(node, row, reasons, undefined)
  }
  if (protections.length > 0) return stay(node, row, protections, verdict.decidedBy)
  return {
    kind: 'delete',
    node,
    row,
    reasons: verdict.reasons,
    decidedBy: verdict.decidedBy,
    along: nothing,
    tags: nothing,
  }
}

const nothing: readonly never[] = []

function fateOfRows({ node, positions }: ImageRows, facts: RepositoryFacts): Fate {
  const decided = positions.flatMap((position) => {
    const row = facts.evaluation.rows[position]
    return row === undefined ? [] : [{ row, verdict: facts.evaluation.verdict(position) }]
  })
  const row = newestRow(decided)
  const deciders = decided.flatMap(({ verdict }) => (verdict.kind === 'delete' ? [verdict.decidedBy] : []))
  const otherwise = deciders.length === decided.length ? deciders[0] : undefined
  if (facts.heldBack !== undefined) {
    return stay(node, row, [{ kind: 'repository-incomplete', text: facts.heldBack }], otherwise)
  }
  const protections = facts
    .protectionsOf(node)
    .filter((reason) => facts.evaluation.policy.unit === 'image' || reason.kind !== 'protected-tag')
  const kept = decided.flatMap(({ row: each, verdict }) => keptReasons(each, verdict, facts))
  if (protections.length > 0) return stay(node, row, [...protections, ...kept], otherwise)
  const going = facts.evaluation.policy.unit === 'tag' ? goingTags(decided, facts) : nothing
  if (kept.length === 0) {
    const isEmptied = facts.evaluation.policy.emptied === 'keep' && going.length > 0
    return isEmptied
      ? keepEmptied(going, stay(node, row, [], otherwise), facts)
      : leave(node, row, decided, going)
  }
  return keepWithout(going, stay(node, row, distinctReasons(kept), otherwise), facts)
}

function stay(node: Node, row: Row, reasons: readonly Reason[], otherwise: DecidedBy | undefined): Staying {
  return { kind: 'keep', node, row, reasons, untag: nothing, otherwise }
}

function leave(node: Node, row: Row, decided: readonly Decided[], tags: readonly TagFate[]): Fate {
  const verdicts = decided.flatMap(({ verdict }) => (verdict.kind === 'delete' ? [verdict] : []))
  const [first] = verdicts
  if (first === undefined) return stay(node, row, [], undefined)
  const reasons =
    verdicts.length === 1 ? first.reasons : distinctReasons(verdicts.flatMap((verdict) => verdict.reasons))
  return { kind: 'delete', node, row, reasons, decidedBy: first.decidedBy, along: nothing, tags }
}

/** Under `unit: tag`: the tags that nothing keeps. */
function goingTags(decided: readonly Decided[], facts: RepositoryFacts): readonly TagFate[] {
  return decided.flatMap(({ row, verdict }) => {
    const tag = row.tags[0]?.name
    return tag === undefined || verdict.kind === 'keep' || keptReasons(row, verdict, facts).length > 0
      ? []
      : [{ tag, row, reasons: verdict.reasons, decidedBy: verdict.decidedBy }]
  })
}

type Staying = Extract<Fate, { readonly kind: 'keep' }>

/** The image stays and some of its tags do not, where the registry can remove one tag. */
function keepWithout(going: readonly TagFate[], fate: Staying, { canUntag }: RepositoryFacts): Staying {
  if (canUntag || going.length === 0) return { ...fate, untag: going }
  const names = going.map(({ tag }) => tag).join(', ')
  const cannot: Reason = {
    kind: 'cannot-untag',
    text: `this registry cannot remove a single tag, so ${names} stays with the manifest`,
  }
  return { ...fate, reasons: [...fate.reasons, cannot] }
}

/** All tags go, and the policy leaves the manifest: whoever pulls it by its digest still can. */
function keepEmptied(going: readonly TagFate[], fate: Staying, facts: RepositoryFacts): Staying {
  return keepWithout(going, facts.canUntag ? { ...fate, reasons: [emptied] } : fate, facts)
}

const emptied: Reason = {
  kind: 'emptied',
  text: 'its last tag goes, and emptied: keep leaves the manifest',
}

/** Why a row stays: its rules, or, where tags are rows, its own protected tag. */
function keptReasons(
  row: Row,
  verdict: Verdict,
  { protect, evaluation }: RepositoryFacts,
): readonly Reason[] {
  const reasons = verdict.kind === 'keep' ? verdict.reasons : []
  if (evaluation.policy.unit === 'image') return reasons
  const tag = row.tags.find((each) => protect.tags?.matches(each.name) === true)
  if (tag === undefined) return reasons
  return [{ kind: 'protected-tag', text: `tag ${tag.name} is protected by protect.tags` }, ...reasons]
}

function newestRow(decided: readonly Decided[]): Row {
  const rows = decided.map(({ row }) => row)
  return rows.reduce((a, b) => ((b.times.pushedAt ?? 0) > (a.times.pushedAt ?? 0) ? b : a))
}

function distinctReasons(reasons: readonly Reason[]): readonly Reason[] {
  if (reasons.length < 2) return reasons
  return [...new Map(reasons.map((reason) => [`${reason.kind} ${reason.text}`, reason])).values()]
}

function applyGraph(tentative: readonly Fate[], facts: RepositoryFacts): readonly Fate[] {
  const { graph } = facts
  const needed = neededBy(graph, stayingGroups(tentative, facts), facts.deletesReferrers)
  const fates = tentative.map((fate) => keepNeeded(fate, needed, facts))
  const going = new Set<Node>()
  for (const fate of fates) if (fate.kind === 'delete') going.add(fate.node)
  return fates.map((fate) => (fate.kind === 'delete' ? withCompany(fate, needed, going, graph) : fate))
}

/** What stays for Git alone, where that lets go of import sources, needs the stages it was built on and no others. */
function stayingGroups(
  tentative: readonly Fate[],
  { graph, evaluation }: RepositoryFacts,
): readonly StayingGroup[] {
  const staying = tentative.filter((fate) => fate.kind === 'keep')
  const isLetting = (rule: Rule): boolean => leavesSources(rule, evaluation.context.git)
  const named = ({ rule, line }: Reason): readonly Rule[] =>
    evaluation.policy.rules.filter((each) => each.name === rule && each.line === line)
  // Two rules of one name in one line cannot be told apart by a reason: both must let go.
  const isBySuch = (reason: Reason): boolean => {
    const rules = named(reason)
    return reason.kind === 'kept-git' && rules.length > 0 && rules.every(isLetting)
  }
  const needsLess = (fate: Staying): boolean => fate.reasons.length > 0 && fate.reasons.every(isBySuch)
  if (graph.werf === undefined || !evaluation.policy.rules.some(isLetting)) {
    return [{ nodes: staying.map(({ node }) => node) }]
  }
  const all = { nodes: staying.filter((fate) => !needsLess(fate)).map(({ node }) => node) }
  const { parents } = graph.werf.sources
  const fewer = {
    nodes: staying.filter(needsLess).map(({ node }) => node),
    sourcesOf: (stage: Node) => parents.get(stage) ?? nothing,
  }
  return [all, fewer]
}

/** A rule that keeps for another reason, too, keeps what its images were built from. */
function leavesSources({ effect }: Rule, git: GitView | undefined): boolean {
  const [only, ...others] = effect.kind === 'keep' ? effect.criteria : []
  if (only?.kind !== 'git' || others.length > 0) return false
  const answer = git?.lookUp(only.repository)
  return answer?.kind === 'found' && answer.policy.importSources === 'unneeded'
}

type Leaving = Extract<Fate, { readonly kind: 'delete' }>

function keepNeeded(fate: Fate, needed: ReadonlyMap<Node, Node>, facts: RepositoryFacts): Fate {
  const { graph } = facts
  const keeper = needed.get(fate.node)
  if (keeper === undefined) return fate
  const isRecord = graph.werf?.records.has(fate.node) === true
  // werf finds a record by nothing but its tag.
  if (fate.kind === 'keep') return isRecord ? { ...fate, untag: nothing } : fate
  const reason: Reason = isRecord
    ? ofWerf
    : { kind: 'needed-by', text: `needed by ${nameOf(graph, keeper)}, which stays` }
  const kept = stay(fate.node, fate.row, [reason], fate.decidedBy)
  // So it finds a stage: one that is needed keeps its name, or it would be lost to those that need it.
  const keepsTags = isRecord || graph.werf?.stages.has(fate.node) === true
  return keepsTags ? kept : keepWithout(fate.tags, kept, facts)
}

const ofWerf: Reason = { kind: 'werf-record', text: 'werf keeps its own records here' }

function nameOf(graph: ImageGraph, node: Node): string {
  const [tag] = graph
    .ordinaryTags(node)
    .map((each) => each.name)
    .toSorted(compareText)
  return tag ?? graph.manifests[node]?.digest ?? ''
}

/**
 * Safe because of two subtractions: nothing that a kept image reaches goes along, and an image with a line of its own
 * goes by that line, so that each is re-checked for itself before it is touched.
 */
function withCompany(
  fate: Leaving,
  needed: ReadonlyMap<Node, Node>,
  going: ReadonlySet<Node>,
  graph: ImageGraph,
): Fate {
  const along = graph.reachable(fate.node).filter((node) => !needed.has(node) && !going.has(node))
  const sourceOf = stagesBuiltFrom(fate.node, graph).filter((stage) => needed.has(stage))
  return { ...fate, ...(along.length > 0 && { along }), ...(sourceOf.length > 0 && { sourceOf }) }
}

function stagesBuiltFrom(node: Node, { werf }: ImageGraph): readonly Node[] {
  if (werf?.stages.has(node) !== true) return nothing
  return [...werf.sources.all].flatMap(([stage, sources]) => (sources.includes(node) ? [stage] : []))
}
