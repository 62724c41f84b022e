/**
 * The plan as a person reads it: what goes, repository by repository, then what was protected, then the totals. What
 * matters most stands last, because that is where the eye is when the prompt comes back.
 */
import type { Plan } from '../../core/plan/plan.ts'
import type { Output } from '../terminal.ts'
import { countOf, formatAge, formatBytes, formatCount, plain, shortDigest } from './format.ts'
import type { NearMiss } from './near-misses.ts'
import {
  linesByRepository,
  protectionCounts,
  whyOf,
  type PlanLine,
  type RepositoryLines,
} from './plan-lines.ts'
import { renderTable, type Cell, type Column } from './table.ts'

export interface PlanViewOptions {
  readonly output: Pick<Output, 'columns' | 'isTerminal' | 'colors'>
  /** How the configuration is called, for `winnow.yaml:44`. */
  readonly configName: string
  /** Every line, kept images too. */
  readonly showsAll: boolean
  /** Digests in full, and where each age comes from. */
  readonly isWide: boolean
  readonly nearMiss: NearMiss
  /** When deleted bytes are free (freed-when.ts). */
  readonly freedWhen: string
}

/** Lines of a repository before it is summed up. */
const goingShown = 10
const protectedShown = 5

/** The whole view but for its last line, which says what was done or is to be done with the plan. */
export function planView(plan: Plan, options: PlanViewOptions): string {
  const repositories = linesByRepository(plan)
    .filter(
      (repository) => options.showsAll || repository.going.length > 0 || repository.protected.length > 0,
    )
    .map((repository) => repositoryView(repository, plan, options))
  const totals = [protectedLine(plan), freesLine(plan, options.freedWhen), askedLine(plan)].flatMap(
    (line) => line ?? [],
  )
  const warnings = plan.warnings.map((text) => `${options.output.colors.yellow('warning:')} ${plain(text)}`)
  return [...repositories, ...[...totals, ...warnings].map((line) => `${line}\n`)].join('')
}

/** `Plan: delete 221 images (408 manifests, 233 tags), keep 8 692.` */
export function planSentence({ summary, actions }: Plan): string {
  const untags = actions.filter(({ kind }) => kind === 'untag').length
  if (actions.length === 0) return `Plan: nothing to delete, keep ${countOf(summary.imagesKeep, 'image')}.`
  const deletes =
    summary.imagesDelete === 0
      ? []
      : [
          `delete ${countOf(summary.imagesDelete, 'image')} (${countOf(summary.manifestsDelete, 'manifest')}, ` +
            `${countOf(summary.tagsRemove - untags, 'tag')})`,
        ]
  const removals = untags === 0 ? [] : [`remove ${countOf(untags, 'single tag')}`]
  return `Plan: ${[...deletes, ...removals, `keep ${formatCount(summary.imagesKeep)}`].join(', ')}.`
}

function repositoryView(repository: RepositoryLines, plan: Plan, options: PlanViewOptions): string {
  const { colors } = options.output
  const { going, kept } = repository
  const [goingRows, protectedRows] = options.showsAll
    ? [going, repository.protected]
    : [going.slice(0, goingShown), repository.protected.slice(0, protectedShown)]
  const more = [
    moreLine(going.length - goingRows.length, 'more'),
    moreLine(repository.protected.length - protectedRows.length, 'more protected'),
  ]
  const shown = [...goingRows, ...protectedRows, ...(options.showsAll ? kept : [])]
  const rows = shown.map((line) => rowOf(line, plan, options))
  return [
    `${colors.bold(plain(repository.title))}  ${headingOf(repository)}\n`,
    renderTable(columnsOf(options), rows, { output: options.output, indent: 2 }),
    ...more.map((text) => (text === undefined ? '' : `  ${colors.dim(text)}\n`)),
    '\n',
  ].join('')
}

function moreLine(count: number, what: string): string | undefined {
  return count > 0 ? `… ${formatCount(count)} ${what} (--show all)` : undefined
}

function headingOf({ images, imagesDelete, tagsUntag, bytes }: RepositoryLines): string {
  const tags = tagsUntag === 0 ? '' : ` · ${countOf(tagsUntag, 'single tag')}`
  const size = imagesDelete === 0 ? '' : ` · ${formatBytes(bytes)}`
  return `${formatCount(imagesDelete)} of ${countOf(images, 'image')}${tags}${size}`
}

function columnsOf({ isWide }: PlanViewOptions): readonly Column[] {
  return [
    { heading: '' },
    { heading: '', shrinkTo: 12 },
    { heading: '', fromColumns: 70 },
    { heading: '', align: 'right' },
    ...(isWide ? [{ heading: '' }] : []),
    { heading: '', align: 'right', fromColumns: 60 },
    { heading: '', shrinkTo: 24 },
    { heading: '', fromColumns: 90 },
    { heading: '', fromColumns: 80 },
  ]
}

function rowOf(line: PlanLine, plan: Plan, options: PlanViewOptions): readonly Cell[] {
  const { colors } = options.output
  const style = styleOf(line.kind, colors)
  const { decidedBy } = line
  return [
    { text: marks[line.kind], style },
    tagsCell(line, options),
    { text: options.isWide ? line.digest : shortDigest(line.digest), style: colors.dim },
    formatAge(line.at, plan.now),
    ...(options.isWide ? [{ text: line.clock ?? '', style: colors.dim }] : []),
    formatBytes(line.bytes),
    { text: options.nearMiss(line) ?? whyOf(line), style: line.kind === 'protect' ? style : (text) => text },
    decidedBy === undefined ? '' : deciderText(line, options.isWide),
    { text: decidedBy === undefined ? '' : `${options.configName}:${decidedBy.line}`, style: colors.dim },
  ]
}

function deciderText({ kind, decidedBy }: PlanLine, isWide: boolean): string {
  const rule = isWide ? `${decidedBy?.policy ?? ''}/${decidedBy?.rule ?? ''}` : (decidedBy?.rule ?? '')
  return kind === 'protect' ? `else ${rule}` : rule
}

/** A mark that tells a line's kind without any colour. */
const marks: Readonly<Record<PlanLine['kind'], string>> = { delete: '-', untag: '~', protect: '!', keep: '=' }

function styleOf(kind: PlanLine['kind'], colors: Output['colors']): (text: string) => string {
  switch (kind) {
    case 'delete':
      return colors.red
    case 'untag':
      return colors.yellow
    case 'protect':
      return colors.cyan
    case 'keep':
      return colors.dim
  }
}

const tagsShown = 4

/** All tags of the image: deleting a digest takes every one of them, so none is kept from the reader's eye lightly. */
function tagsCell({ tags }: PlanLine, { isWide, output }: PlanViewOptions): Cell {
  if (tags.length === 0) return { text: '(untagged)', style: output.colors.dim }
  if (isWide || tags.length <= tagsShown) return tags.join(', ')
  return `${tags.slice(0, tagsShown - 1).join(', ')} +${tags.length - tagsShown + 1}`
}

function protectedLine(plan: Plan): string | undefined {
  const counts = protectionCounts(plan)
  if (counts.length === 0) return undefined
  return `Protected from deletion: ${counts.map(({ what, count }) => `${formatCount(count)} ${what}`).join(' · ')}`
}

function freesLine({ summary }: Plan, when: string): string | undefined {
  if (summary.imagesDelete === 0) return undefined
  const { bytesFreed, bytesApparent } = summary
  const shared = bytesApparent - bytesFreed
  const rest = shared > 0 ? `; ${formatBytes(shared)} of it is shared` : ''
  return `Frees ${formatBytes(bytesFreed)} ${when} (${formatBytes(bytesApparent)} apparent${rest})`
}

/** Whose word the plan goes by. */
function askedLine({ evidence }: Plan): string | undefined {
  if (evidence.length === 0) return undefined
  const asked = evidence.map(({ source, leftOut, references }) =>
    leftOut ? `${source} LEFT OUT` : `${source} (${countOf(references, 'reference')})`,
  )
  return `Evidence: ${asked.map(plain).join(' · ')}`
}
