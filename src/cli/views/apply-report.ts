/** What an apply did, line by line: people see what was not done and why, programs see everything. */
import type { ApplyReport, LineOutcome, LineReport } from '../../app/apply.ts'
import { planDocument } from '../../core/plan/plan-file.ts'
import type { Plan, PlanAction } from '../../core/plan/plan.ts'
import type { Output } from '../terminal.ts'
import { countOf, formatCount, shortDigest } from './format.ts'
import type { Listing } from './listing.ts'

export interface ApplyListingOptions {
  readonly colors: Output['colors']
  /** Every line, not only those that were not done. */
  readonly isWide: boolean
  /** The command line that takes it all back. */
  readonly undoLine: string
}

/** The report as a list for every format; its document is `apply/v1`. */
export function applyListing(report: ApplyReport, plan: Plan, options: ApplyListingOptions): Listing {
  const shown = options.isWide ? report.lines : report.lines.filter((line) => !isDone(line))
  const documents = lineDocuments(report, plan)
  return {
    columns: [
      { heading: '' },
      { heading: '', shrinkTo: 20 },
      { heading: '', fromColumns: 70 },
      { heading: '', shrinkTo: 24 },
    ],
    rows: shown.map(({ action, outcome, text }) => [
      { text: outcome, style: options.colors[colorOf[outcome]] },
      nameOf(action),
      { text: shortDigest(action.digest), style: options.colors.dim },
      text,
    ]),
    csv: {
      headings: ['outcome', 'kind', 'registry', 'repository', 'digest', 'tags', 'text'],
      rows: report.lines.map(({ action, outcome, text }) => [
        outcome,
        action.kind,
        action.registry,
        action.repository,
        action.digest,
        tagsOf(action).join(' '),
        text,
      ]),
    },
    document: {
      schemaVersion: 'apply/v1',
      run: report.run ?? null,
      outcome: report.outcome,
      plan: plan.id,
      counts: { ...countOutcomes(report.lines), manifests: report.manifestsDeleted },
      lines: documents,
      settled: report.settled,
    },
    lines: documents,
    names: report.lines.flatMap((line) =>
      isDone(line) ? [`${line.action.registry}/${nameOf(line.action)}`] : [],
    ),
    below: [sentenceOf(report), ...(report.lines.some(isOurs) ? [`Undo:  ${options.undoLine}`] : [])],
  }
}

/** `Deleted 218 of 221 images (406 manifests) · 1 already gone · 1 drifted · 1 failed` */
function sentenceOf({ lines, manifestsDeleted }: ApplyReport): string {
  const counts = countOutcomes(lines)
  const deletes = lines.filter(({ action }) => action.kind === 'delete').length
  const untags = lines.length - deletes
  const of = (done: number, all: number): string =>
    done === all ? formatCount(all) : `${formatCount(done)} of ${formatCount(all)}`
  return [
    ...(deletes === 0
      ? []
      : [
          `Deleted ${of(counts.deleted, deletes)} ${deletes === 1 ? 'image' : 'images'} (${countOf(manifestsDeleted, 'manifest')})`,
        ]),
    ...(untags === 0
      ? []
      : [`removed ${of(counts.untagged, untags)} single ${untags === 1 ? 'tag' : 'tags'}`]),
    ...(counts.alreadyGone === 0 ? [] : [`${formatCount(counts.alreadyGone)} already gone`]),
    ...(['drifted', 'in-use', 'blocked', 'failed'] as const).flatMap((outcome) =>
      counts[outcome] === 0 ? [] : [`${formatCount(counts[outcome])} ${outcome}`],
    ),
  ].join(' · ')
}

/** Lines by their outcome; those that somebody else had done before are done, and counted apart. */
function countOutcomes(lines: readonly LineReport[]): Record<LineOutcome | 'alreadyGone', number> {
  const counts = { deleted: 0, untagged: 0, alreadyGone: 0, drifted: 0, 'in-use': 0, blocked: 0, failed: 0 }
  for (const { outcome, alreadyGone } of lines) counts[alreadyGone === true ? 'alreadyGone' : outcome] += 1
  return counts
}

/** Lines as the plan writes them, each with what became of it. */
function lineDocuments({ lines }: ApplyReport, plan: Plan): readonly object[] {
  const written = planDocument({ ...plan, actions: lines.map(({ action }) => action), kept: [] })['actions']
  const actions: readonly unknown[] = Array.isArray(written) ? written : []
  return lines.map(({ outcome, text }, index) => ({ ...(actions[index] as object), outcome, text }))
}

const colorOf = {
  deleted: 'green',
  untagged: 'green',
  drifted: 'yellow',
  'in-use': 'cyan',
  blocked: 'yellow',
  failed: 'red',
} as const

export function isDone({ outcome }: LineReport): boolean {
  return outcome === 'deleted' || outcome === 'untagged'
}

/** Done, and by this run: something to undo. */
function isOurs(line: LineReport): boolean {
  return isDone(line) && line.alreadyGone !== true
}

function nameOf(action: PlanAction): string {
  const tags = tagsOf(action)
  return tags.length === 0 ? `${action.repository} (untagged)` : `${action.repository}:${tags.join(', ')}`
}

function tagsOf(action: PlanAction): readonly string[] {
  return action.kind === 'untag' ? [action.tag] : action.tags
}
