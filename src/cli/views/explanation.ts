/** The whole story of one image, for people and for programs. */
import { formatInstant } from '../../core/inventory/instant.ts'
import type { InstantMs } from '../../core/inventory/inventory.ts'
import type { Explanation, RuleTrace } from '../../core/plan/explain.ts'
import type { Output } from '../terminal.ts'
import { countOf, formatAge, formatBytes, formatMoment, plain, shortDigest } from './format.ts'
import { phraseOf } from './plan-lines.ts'
import { renderTable, type Cell, type Column } from './table.ts'

/** `explain/v1`: what the view tells, nothing left out. */
export function explanationDocument(
  explanation: Explanation,
  now: InstantMs,
): Readonly<Record<string, unknown>> {
  const { policy, times, rules, ...rest } = explanation
  return {
    schemaVersion: 'explain/v1',
    now: formatInstant(now),
    ...rest,
    policy: policy ?? null,
    rules: rules.map((rule) => ({ ...rule, tag: rule.tag ?? null })),
    times: times.map(({ what, at, ignored }) => ({ what, at: formatInstant(at), ignored: ignored ?? null })),
  }
}

export interface ExplanationViewOptions {
  readonly output: Pick<Output, 'columns' | 'isTerminal' | 'colors'>
  /** How the configuration is called, for `winnow.yaml:44`. */
  readonly configName: string
  readonly now: InstantMs
  /** As the person named it. */
  readonly asked: string
}

export function explanationView(explanation: Explanation, options: ExplanationViewOptions): string {
  const { colors } = options.output
  const sections = [
    section('Decided by', decidedRows(explanation), threeColumns, options),
    section(rulesHeading(explanation, options), ruleRows(explanation, options), ruleColumns, options),
    section('Times', timeRows(explanation, options), timeColumns, options),
    section(
      'What would change it',
      explanation.wouldChange.map((text) => [text]),
      [{ heading: '' }],
      options,
    ),
  ]
  return [
    `${colors.bold(nameOf(explanation, options.asked))} → ${verdictOf(explanation, colors)}\n`,
    `  ${colors.dim(explanation.digest)}\n`,
    `  ${factsOf(explanation)}\n`,
    ...sections,
  ].join('')
}

function nameOf({ repository, digest, tags }: Explanation, asked: string): string {
  const tag = tags.find((each) => asked.endsWith(`:${each}`)) ?? tags[0]
  return plain(tag === undefined ? `${repository}@${shortDigest(digest)}` : `${repository}:${tag}`)
}

function verdictOf({ outcome, partOf }: Explanation, colors: Output['colors']): string {
  switch (outcome) {
    case 'keep':
      return colors.green('KEEP')
    case 'delete':
      return colors.red('DELETE')
    case 'not-governed':
      return `${colors.green('KEEP')}: no policy governs its repository, so nothing of it is ever deleted`
    case 'part-of':
      return partOf.length === 0
        ? `${colors.green('KEEP')}: it hangs on something that no image reaches`
        : `PART OF ${partOf.map(ownerName).join(', ')}: it lives and dies with it`
  }
}

function ownerName({ digest, tags }: Explanation['partOf'][number]): string {
  return plain(tags.length === 0 ? shortDigest(digest) : `${tags.join(', ')} (${shortDigest(digest)})`)
}

function factsOf({ imageBytes, manifests, tags, state }: Explanation): string {
  return [
    formatBytes(imageBytes),
    countOf(manifests, 'manifest'),
    tags.length === 0 ? 'no tags' : `${tags.length === 1 ? 'tag' : 'tags'} ${tags.map(plain).join(', ')}`,
    ...(state === 'complete' ? [] : [state]),
  ].join(' · ')
}

const threeColumns: readonly Column[] = [{ heading: '' }, { heading: '', shrinkTo: 24 }, { heading: '' }]

function decidedRows({ reasons, outcome, policy, rules }: Explanation): readonly (readonly Cell[])[] {
  if (reasons.length === 0) return []
  const mark = outcome === 'delete' ? '-' : '='
  const near =
    outcome === 'delete' ? rules.filter(({ kind, says }) => kind === 'keep' && says === 'reached') : []
  return [
    ...reasons.map((reason): readonly Cell[] => [
      mark,
      reason.kind === 'unmatched'
        ? `unmatched in policy ${policy?.name ?? ''}: ${reason.text}`
        : phraseOf(reason),
      reason.line === undefined ? '' : `line ${reason.line}`,
    ]),
    ...near.map((rule): readonly Cell[] => ['', `not kept: ${rule.text}`, `line ${rule.line}`]),
  ]
}

const ruleColumns: readonly Column[] = [
  { heading: '' },
  { heading: '', shrinkTo: 12 },
  { heading: '' },
  { heading: '', shrinkTo: 24 },
  { heading: '', fromColumns: 80 },
]

function rulesHeading({ policy }: Explanation, { configName }: ExplanationViewOptions): string {
  return policy === undefined ? 'Rules' : `Rules of ${policy.name} (${configName}:${policy.line})`
}

function ruleRows(
  { rules }: Explanation,
  { configName, output: { colors } }: ExplanationViewOptions,
): readonly (readonly Cell[])[] {
  return rules.map((rule) => [
    rule.kind,
    rule.tag === undefined ? rule.rule : `${rule.rule} for ${rule.tag}`,
    { text: saysText(rule), style: rule.says === 'decides' ? colors.bold : colors.dim },
    rule.says === 'no-match' ? '' : withoutName(rule),
    { text: `${configName}:${rule.line}`, style: colors.dim },
  ])
}

function saysText({ says, kind }: RuleTrace): string {
  switch (says) {
    case 'no-match':
      return 'does not match'
    case 'reached':
      return kind === 'keep' ? 'does not keep' : 'spares'
    case 'decides':
      return kind === 'keep' ? 'KEEPS' : 'DELETES'
  }
}

/** The rule's name stands in a column of its own. */
function withoutName({ text, rule }: RuleTrace): string {
  return text.endsWith(` (${rule})`) ? text.slice(0, -rule.length - 3) : text
}

const timeColumns: readonly Column[] = [
  { heading: '' },
  { heading: '' },
  { heading: '', align: 'right' },
  { heading: '', shrinkTo: 20 },
]

function timeRows({ times }: Explanation, { now }: ExplanationViewOptions): readonly (readonly Cell[])[] {
  return times.map(({ what, at, ignored }) => [
    what,
    formatMoment(at),
    formatAge(at, now),
    ignored === undefined ? '' : `does not count: ${ignored}`,
  ])
}

function section(
  heading: string,
  rows: readonly (readonly Cell[])[],
  columns: readonly Column[],
  { output }: ExplanationViewOptions,
): string {
  if (rows.length === 0) return ''
  return `  ${output.colors.bold(heading)}\n${renderTable(columns, rows, { output, indent: 4 })}`
}
