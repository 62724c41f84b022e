/** What a sweep would do or did, for people: a summary with the first lines, and tables. */
import type { SweepAction, SweepReport } from '../../core/sweep/sweep-report.ts'
import type { CommandContext } from '../command.ts'
import { inChunks } from './documents.ts'
import { countOf, formatBytes, formatCount, plain, shortDigest } from './format.ts'
import { csvTable, markdownTable, renderTable, type Column } from './table.ts'

/** So many lines of each kind are shown to people who did not ask for all. */
const SHOWN_OF_KIND = 5

/** The report in pieces, to be written one after the other. */
export function sweepText(
  format: 'names' | 'csv' | 'markdown' | 'table' | 'wide' | 'html',
  report: SweepReport,
  context: CommandContext,
): Iterable<string> {
  switch (format) {
    case 'names':
      return inChunks(names(report.actions))
    case 'csv':
      return [csvTable(csvHeadings, [...report.actions].map(csvRow))]
    case 'markdown':
      return [
        `${headline(report)}\n\n${markdownTable(columns, shownRows(report, context))}\n${closing(report, context)}\n`,
      ]
    case 'table':
    case 'wide':
    case 'html':
      return [humanReport(report, context)]
  }
}

function* names(actions: Iterable<SweepAction>): Generator<string> {
  for (const action of actions) yield `${plain(subjectOf(action))}\n`
}

const csvHeadings = ['kind', 'subject', 'sizeBytes', 'reason'] as const

function csvRow(action: SweepAction): readonly string[] {
  return [
    action.kind,
    subjectOf(action),
    'sizeBytes' in action ? String(action.sizeBytes) : '',
    action.reason,
  ]
}

function subjectOf(action: SweepAction): string {
  return 'digest' in action ? action.digest : action.path
}

const columns: readonly Column[] = [
  { heading: 'ACT' },
  { heading: 'WHAT', shrinkTo: 24 },
  { heading: 'SIZE', align: 'right' },
  { heading: 'WHY', shrinkTo: 20 },
]

function humanReport(report: SweepReport, context: CommandContext): string {
  const { stdout } = context.terminal
  const rows = shownRows(report, context)
  const table = rows.length === 0 ? '' : `\n${renderTable(columns, rows, { output: stdout })}`
  return `${headline(report)}\n${table}\n${closing(report, context)}\n`
}

function headline({ registry, summary }: SweepReport): string {
  const { manifests, blobs, blobsMarked, blobsGarbage, bytesGarbage } = summary
  if (blobs === 0 && manifests === 0) return registry
  return `${registry}: ${formatCount(blobsMarked)} of ${countOf(blobs, 'blob')} ${blobsMarked === 1 ? 'is' : 'are'} needed by ${countOf(manifests, 'manifest')}; nobody needs ${formatCount(blobsGarbage)} (${formatBytes(bytesGarbage)})`
}

type Row = readonly string[]

function shownRows({ actions }: SweepReport, { options, globals }: CommandContext): readonly Row[] {
  const isAll = options.text('show') === 'all'
  const shown: Row[] = []
  const counts = new Map<SweepAction['kind'], number>()
  for (const action of actions) {
    const before = counts.get(action.kind) ?? 0
    counts.set(action.kind, before + 1)
    if (isAll || before < SHOWN_OF_KIND) shown.push(rowOf(action, globals.output === 'wide'))
    else if (before === SHOWN_OF_KIND) shown.push(moreRow(action.kind))
  }
  return shown.map((row) => (row[1] === MORE ? [row[0] ?? '', moreText(counts, row[0]), '', ''] : row))
}

const MORE = '…'

function moreRow(kind: string): Row {
  return [kind, MORE, '', '']
}

function moreText(counts: ReadonlyMap<string, number>, kind: string | undefined): string {
  return `… ${formatCount((counts.get(kind ?? '') ?? 0) - SHOWN_OF_KIND)} more (--show all)`
}

function rowOf(action: SweepAction, isWide: boolean): Row {
  if (!('digest' in action))
    return [action.kind, isWide ? plain(action.path) : shortPath(action.path), '', action.reason]
  const pool = action.pool === undefined ? '' : `${plain(action.pool)}: `
  const digest = isWide ? action.digest : shortDigest(action.digest)
  return [action.kind, `${pool}${digest}`, formatBytes(action.sizeBytes), action.reason]
}

/** A path as people tell it apart: without what all paths of a storage begin with, and with short digests. */
function shortPath(path: string): string {
  return plain(path)
    .replace(/^docker\/registry\/v2\/repositories\//, '')
    .replace(/\b([0-9a-f]{8})[0-9a-f]{56,}\b/g, '$1…')
}

function closing(report: SweepReport, context: CommandContext): string {
  const { applied, registry } = report
  const done = whatCounts(report)
  if (!applied) {
    if (done.length === 0) return 'Plan: nothing to do. Nothing was changed.'
    return `Plan: ${done.join(', ')}. Nothing was changed.\nDo it:  winnow sweep ${registry} --apply`
  }
  if (isInterrupted(report, context)) return interruptedText(report, done)
  const text = done.length === 0 ? 'Nothing to do.' : `Done: ${done.join(', ')}.`
  return [text, ...putBackLines(report)].join('\n')
}

/** A restore goes on to its end, whatever it is told. */
function isInterrupted({ complete }: SweepReport, { run, options }: CommandContext): boolean {
  return !complete && run.stop?.aborted === true && options.text('restore') === undefined
}

function interruptedText(report: SweepReport, done: readonly string[]): string {
  const text =
    done.length === 0
      ? 'Interrupted before anything was changed.'
      : `Interrupted. So far: ${done.join(', ')}. What is set aside stays so, and the next run goes on from there.`
  return [text, `Go on:     winnow sweep ${report.registry} --apply`, ...putBackLines(report)].join('\n')
}

function putBackLines({ registry, run, summary }: SweepReport): readonly string[] {
  // What this very run has freed comes back by nothing.
  return summary.setAside <= summary.freed ? [] : [`Put back:  winnow sweep ${registry} --restore ${run}`]
}

function whatCounts({ summary, actions }: SweepReport): readonly string[] {
  const { setAside, restored, freed, bytesFreed, linksRemoved, repositoriesRemoved, uploadsRemoved } = summary
  const counted = (
    count: number,
    verb: string,
    noun: string,
    plural?: string,
    more = '',
  ): readonly string[] => (count === 0 ? [] : [`${verb} ${countOf(count, noun, plural)}${more}`])
  return [
    ...counted(setAside, 'set aside', 'blob', undefined, ` (${formatBytes(bytesSetAside(actions))})`),
    ...counted(restored, 'put back', 'blob'),
    ...counted(freed, 'free', 'blob', undefined, ` (${formatBytes(bytesFreed)})`),
    ...counted(linksRemoved, 'remove', 'link that leads nowhere', 'links that lead nowhere'),
    ...counted(repositoriesRemoved, 'remove', 'empty repository', 'empty repositories'),
    ...counted(uploadsRemoved, 'remove', 'stale upload'),
  ]
}

/** Less than all that nobody needs, where a run was cut short. */
function bytesSetAside(actions: Iterable<SweepAction>): number {
  let bytes = 0
  for (const action of actions) if (action.kind === 'set-aside') bytes += action.sizeBytes
  return bytes
}
