/** The plan for other programs that read lines: CSV and bare names. */
import { formatInstant } from '../../core/inventory/instant.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { actionLine, keptLine, type PlanLine } from './plan-lines.ts'
import { csvTable } from './table.ts'

const headings = [
  'kind',
  'registry',
  'repository',
  'digest',
  'tags',
  'time',
  'clock',
  'imageBytes',
  'manifests',
  'policy',
  'rule',
  'line',
  'reasons',
]

/** A row for every line that goes; with `showsAll`, one for every image that stays, too. */
export function planCsv(plan: Plan, showsAll: boolean): string {
  const lines = [...plan.actions.map(actionLine), ...(showsAll ? plan.kept.map(keptLine) : [])]
  return csvTable(headings, lines.map(csvRow))
}

function csvRow(line: PlanLine): readonly string[] {
  const { kind, registry, repository, digest, tags, at, clock, bytes, along, decidedBy, reasons } = line
  return [
    kind === 'protect' ? 'keep' : kind,
    registry,
    repository,
    digest,
    tags.join(' '),
    at === undefined ? '' : formatInstant(at),
    clock ?? '',
    String(bytes),
    String(kind === 'delete' ? along + 1 : 0),
    decidedBy?.policy ?? '',
    decidedBy?.rule ?? '',
    decidedBy === undefined ? '' : String(decidedBy.line),
    reasons.map(({ text, source }) => (source === undefined ? text : `${source}: ${text}`)).join('; '),
  ]
}

/** `prod/team/app@sha256:…` for every image that goes, `prod/team/app:old` for every single tag. */
export function planNames(plan: Plan): string {
  return plan.actions
    .map((action) => {
      const place = `${action.registry}/${action.repository}`
      return action.kind === 'untag' ? `${place}:${action.tag}\n` : `${place}@${action.digest}\n`
    })
    .join('')
}
