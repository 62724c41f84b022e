/**
 * A plan as the lines that people read, grouped by repository. Every view of a plan is made from these, so that no two
 * formats ever tell two stories.
 */
import type { Digest } from '../../core/image/digest.ts'
import type { InstantMs } from '../../core/inventory/inventory.ts'
import type { DecidedBy, DeleteAction, KeptImage, Plan, UntagAction } from '../../core/plan/plan.ts'
import type { Reason, ReasonKind } from '../../core/policy/reason.ts'

export interface PlanLine {
  /** `protect`: kept, although a rule would have deleted it. */
  readonly kind: 'delete' | 'untag' | 'protect' | 'keep'
  readonly registry: string
  readonly repository: string
  readonly digest: Digest
  /** The tags of the image; of an untag line, the one that goes. */
  readonly tags: readonly string[]
  readonly at: InstantMs | undefined
  readonly clock: string | undefined
  readonly bytes: number
  readonly reasons: readonly Reason[]
  /** What deletes it, or would have; undefined when nothing would. */
  readonly decidedBy: DecidedBy | undefined
  /** Manifests that go along. */
  readonly along: number
  readonly notRestorable: string | undefined
}

export interface RepositoryLines {
  /** `team/web`, or `prod/team/web` in a plan for several registries. */
  readonly title: string
  /** What goes, the newest first. */
  readonly going: readonly PlanLine[]
  /** What would have gone. */
  readonly protected: readonly PlanLine[]
  /** What no rule would have deleted. */
  readonly kept: readonly PlanLine[]
  readonly images: number
  readonly imagesDelete: number
  readonly tagsUntag: number
  /** The plain sum of the images that go. */
  readonly bytes: number
}

/** The repositories of a plan, in its order. */
export function linesByRepository(plan: Plan): readonly RepositoryLines[] {
  const groups = new Map<string, PlanLine[]>()
  for (const line of [...plan.actions.map(actionLine), ...plan.kept.map(keptLine)]) {
    const key = `${line.registry} ${line.repository}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [line])
    else group.push(line)
  }
  const registries = new Set([...plan.actions, ...plan.kept].map(({ registry }) => registry))
  return [...groups.values()].map((lines) => repositoryLines(lines, registries.size > 1))
}

function repositoryLines(lines: readonly PlanLine[], isNamedByRegistry: boolean): RepositoryLines {
  const [first] = lines
  const repository = first?.repository ?? ''
  const deletes = lines.filter(({ kind }) => kind === 'delete')
  const untags = lines.filter(({ kind }) => kind === 'untag')
  return {
    title: isNamedByRegistry ? `${first?.registry ?? ''}/${repository}` : repository,
    going: [...deletes, ...untags].sort(newestFirst),
    protected: lines.filter(({ kind }) => kind === 'protect').sort(newestFirst),
    kept: lines.filter(({ kind }) => kind === 'keep').sort(newestFirst),
    images: lines.length - untags.length,
    imagesDelete: deletes.length,
    tagsUntag: untags.length,
    bytes: deletes.reduce((total, { bytes }) => total + bytes, 0),
  }
}

/** The undated come last; ties are settled by digest and tag. */
function newestFirst(a: PlanLine, b: PlanLine): number {
  const byTime = (b.at ?? -Infinity) - (a.at ?? -Infinity)
  if (byTime !== 0 && !Number.isNaN(byTime)) return byTime
  return textOf(a) < textOf(b) ? -1 : 1
}

function textOf({ digest, tags }: PlanLine): string {
  return `${digest} ${tags.join(' ')}`
}

export function actionLine(action: DeleteAction | UntagAction): PlanLine {
  const isDelete = action.kind === 'delete'
  return {
    ...common(action),
    kind: action.kind,
    tags: isDelete ? action.tags : [action.tag],
    decidedBy: action.decidedBy,
    along: isDelete ? action.with.length : 0,
    notRestorable: isDelete ? action.notRestorable : undefined,
  }
}

export function keptLine(kept: KeptImage): PlanLine {
  return {
    ...common(kept),
    kind: kept.otherwise === undefined ? 'keep' : 'protect',
    tags: kept.tags,
    decidedBy: kept.otherwise,
    along: 0,
    notRestorable: undefined,
  }
}

function common(
  line: DeleteAction | UntagAction | KeptImage,
): Pick<PlanLine, 'registry' | 'repository' | 'digest' | 'at' | 'clock' | 'bytes' | 'reasons'> {
  const { registry, repository, digest, clock, imageBytes, reasons } = line
  return { registry, repository, digest, at: clock?.at, clock: clock?.kind, bytes: imageBytes, reasons }
}

/** Why it goes or stays, in the words of its first reason; the others are for `explain`. */
export function whyOf({ kind, reasons }: PlanLine): string {
  const [first] = reasons
  if (first === undefined) return ''
  return kind === 'protect' ? `KEPT, ${phraseOf(first)}` : phraseOf(first)
}

/** A reason in a few words, with the source that gives it. */
export function phraseOf(reason: Reason): string {
  const heading = headings[reason.kind]
  if (heading === undefined) return reason.text
  const source = reason.source === undefined ? '' : ` (${reason.source})`
  return `${heading}: ${reason.text}${source}`
}

const headings: Partial<Record<ReasonKind, string>> = {
  'in-use': 'in use',
  'seen-in-use': 'was in use',
  locked: 'locked',
  'repository-incomplete': 'unreadable',
}

export interface ProtectionCount {
  readonly what: string
  readonly count: number
}

/** How many images each protection saved from a rule, each image counted once. */
export function protectionCounts(plan: Plan): readonly ProtectionCount[] {
  const counts = new Map<string, number>()
  for (const kept of plan.kept) {
    const [first] = kept.reasons
    if (kept.otherwise === undefined || first === undefined) continue
    const what = protectionName(first)
    counts.set(what, (counts.get(what) ?? 0) + 1)
  }
  return [...counts].map(([what, count]) => ({ what, count })).sort((a, b) => b.count - a.count)
}

function protectionName(reason: Reason): string {
  if (reason.kind === 'in-use' && reason.source?.startsWith('helm:') === true) return 'kept by Helm revisions'
  return protections[reason.kind] ?? reason.kind
}

const protections: Partial<Record<ReasonKind, string>> = {
  'in-use': 'in use',
  'seen-in-use': 'in use a short while ago',
  'younger-than': 'too young',
  'age-unknown': 'of unknown age',
  'protected-tag': 'by their tag',
  locked: 'locked in the registry',
  'needed-by': 'needed by images that stay',
  'werf-record': 'of werf’s own records',
  'repository-incomplete': 'in repositories that could not be read in full',
}
