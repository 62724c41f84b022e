/** What an undo would put back, and what became of every line of it. */
import type { UndoLineReport, UndoOutcome, UndoReport } from '../../app/undo.ts'
import type { UndoLine, UndoPlan, UnrestorableLine } from '../../core/journal/undo-plan.ts'
import type { Output } from '../terminal.ts'
import { countOf, formatCount, shortDigest } from './format.ts'
import type { Listing } from './listing.ts'
import { renderTable, type Cell } from './table.ts'

type Place = Pick<UndoLine, 'kind' | 'registry' | 'repository' | 'digest' | 'tag'>

/** Lines of a repository before it is summed up. */
const linesShown = 10

const reasons: Readonly<Record<UnrestorableLine['reason'], string>> = {
  'not-saved': 'its bytes are not in the journal',
}

/** The plan of an undo, by repository; tags first, because they are what people know images by. */
export function undoPlanView(plan: UndoPlan, output: Output): string {
  const groups = new Map<string, UndoLine[]>()
  for (const line of plan.lines) {
    const key = `${line.registry}/${line.repository}`
    groups.set(key, [...(groups.get(key) ?? []), line])
  }
  const views = [...groups].map(([title, lines]) => repositoryView(title, lines, output))
  const lost = plan.unrestorable.map(
    (line) => `  ! ${nameOf(line)} cannot be put back: ${reasons[line.reason]}\n`,
  )
  return [...views, ...lost, `${output.colors.bold(undoSentence(plan))}\n`].join('')
}

/** `Undo plan: put back 160 manifests and 126 tags.` */
function undoSentence({ lines, unrestorable, run }: UndoPlan): string {
  const manifests = lines.filter(({ kind }) => kind === 'manifest').length
  const lost = unrestorable.length === 0 ? '' : `; ${countOf(unrestorable.length, 'line')} cannot be put back`
  if (lines.length === 0) return `Undo plan: ${run} removed nothing that is to be put back${lost}.`
  const tags = countOf(lines.length - manifests, 'tag')
  return `Undo plan: put back ${countOf(manifests, 'manifest')} and ${tags} that ${run} removed${lost}.`
}

function repositoryView(title: string, lines: readonly UndoLine[], output: Output): string {
  const tags = lines.filter(({ kind }) => kind === 'tag')
  const manifests = lines.length - tags.length
  const rows = tags
    .slice(0, linesShown)
    .map(({ tag, digest }): readonly Cell[] => [
      { text: '+', style: output.colors.green },
      tag ?? '',
      { text: shortDigest(digest), style: output.colors.dim },
    ])
  const more = tags.length - rows.length
  return [
    `${output.colors.bold(title)}  ${countOf(manifests, 'manifest')}, ${countOf(tags.length, 'tag')}\n`,
    renderTable([{ heading: '' }, { heading: '', shrinkTo: 12 }, { heading: '' }], rows, {
      output,
      indent: 2,
    }),
    more > 0 ? `  ${output.colors.dim(`… ${formatCount(more)} more`)}\n` : '',
    '\n',
  ].join('')
}

export interface UndoListingOptions {
  readonly colors: Output['colors']
  /** Every line, not only those that could not be put back. */
  readonly isWide: boolean
}

/** The report as a list for every format; its document is `undo/v1`. */
export function undoListing(
  report: Omit<UndoReport, 'run'> & { readonly run: string | undefined },
  unrestorable: readonly UnrestorableLine[],
  { colors, isWide }: UndoListingOptions,
): Listing {
  const lines: readonly Told[] = [
    ...report.lines.map(toldOf),
    ...unrestorable.map((line): Told => ({ place: line, outcome: 'blocked', text: reasons[line.reason] })),
  ]
  const shown = isWide ? lines : lines.filter(({ outcome }) => !isBack(outcome))
  const documents = lines.map(({ place: { kind, registry, repository, digest, tag }, outcome, text }) => ({
    ...{ kind, registry, repository, digest, ...(tag !== undefined && { tag }) },
    ...{ outcome, text },
  }))
  return {
    columns: [{ heading: '' }, { heading: '', shrinkTo: 20 }, { heading: '', shrinkTo: 24 }],
    rows: shown.map(({ place, outcome, text }) => [
      { text: outcome, style: isBack(outcome) ? colors.green : colors.yellow },
      nameOf(place),
      text,
    ]),
    csv: {
      headings: ['outcome', 'kind', 'registry', 'repository', 'digest', 'tag', 'text'],
      rows: lines.map(({ place: { kind, registry, repository, digest, tag }, outcome, text }) => [
        ...[outcome, kind, registry, repository, digest, tag ?? '', text],
      ]),
    },
    document: {
      schemaVersion: 'undo/v1',
      run: report.run ?? null,
      undone: report.undone,
      outcome: report.outcome,
      counts: countOutcomes(lines),
      lines: documents,
    },
    lines: documents,
    names: lines.flatMap(({ place, outcome }) => (isBack(outcome) ? [nameOf(place)] : [])),
    below: [sentenceOf(lines)],
  }
}

interface Told {
  readonly place: Place
  readonly outcome: UndoOutcome
  readonly text: string
}

function toldOf({ line, outcome, text }: UndoLineReport): Told {
  return { place: line, outcome, text }
}

function isBack(outcome: UndoOutcome): boolean {
  return outcome === 'restored' || outcome === 'present'
}

function countOutcomes(lines: readonly Told[]): Record<UndoOutcome, number> {
  const counts = { restored: 0, present: 0, drifted: 0, blocked: 0, failed: 0 }
  for (const { outcome } of lines) counts[outcome] += 1
  return counts
}

function sentenceOf(lines: readonly Told[]): string {
  const back = lines.filter(({ outcome }) => outcome === 'restored')
  const manifests = back.filter(({ place }) => place.kind === 'manifest').length
  const counts = countOutcomes(lines)
  const rest = [
    ...(counts.present === 0
      ? []
      : [`${formatCount(counts.present)} ${counts.present === 1 ? 'was' : 'were'} there already`]),
    ...(['drifted', 'blocked', 'failed'] as const).flatMap((outcome) =>
      counts[outcome] === 0 ? [] : [`${formatCount(counts[outcome])} ${outcome}`],
    ),
  ]
  const put = `Put back ${countOf(manifests, 'manifest')} and ${countOf(back.length - manifests, 'tag')}`
  return [put, ...rest].join(' · ')
}

function nameOf({ registry, repository, digest, tag }: Place): string {
  return tag === undefined ? `${registry}/${repository}@${digest}` : `${registry}/${repository}:${tag}`
}
