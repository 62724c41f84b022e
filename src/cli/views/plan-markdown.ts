/** The plan for a job summary or a comment on a merge request: the verdict first, details folded away. */
import type { Plan } from '../../core/plan/plan.ts'
import { countOf, formatAge, formatBytes, formatCount, plain, shortDigest } from './format.ts'
import { planSentence } from './plan-human.ts'
import { linesByRepository, protectionCounts, whyOf, type RepositoryLines } from './plan-lines.ts'
import { markdownTable } from './table.ts'

/** A comment must stay below what forges accept (GitHub: 65 536 characters). */
const repositoriesShown = 20
const linesShown = 100

export interface MarkdownOptions {
  readonly configName: string
  readonly showsAll: boolean
  /** When deleted bytes are free (freed-when.ts). */
  readonly freedWhen: string
}

export function planMarkdown(plan: Plan, { configName, showsAll, freedWhen }: MarkdownOptions): string {
  const repositories = linesByRepository(plan).filter(({ going }) => going.length > 0)
  const { bytesFreed, bytesApparent } = plan.summary
  const counts = protectionCounts(plan).map(({ what, count }) => `- ${formatCount(count)} ${what}\n`)
  return [
    `### Winnow: ${planSentence(plan).replace(/^Plan: /, '')}\n\n`,
    `Frees ${formatBytes(bytesFreed)} ${freedWhen} (${formatBytes(bytesApparent)} apparent).\n`,
    ...limits(plan),
    ...(repositories.length === 0 ? [] : ['\n', overview(repositories)]),
    ...(counts.length === 0 ? [] : ['\nProtected from deletion:\n\n', ...counts]),
    ...(plan.warnings.length === 0
      ? []
      : ['\nWarnings:\n\n', ...plan.warnings.map((text) => `- ${escaped(text)}\n`)]),
    ...(repositories.length === 0 ? [] : [details(repositories, plan, configName, showsAll)]),
  ].join('')
}

function limits(plan: Plan): readonly string[] {
  if (plan.limitsBroken.length === 0) return []
  return [
    '\n**Stopped by a limit; this plan cannot be applied:**\n\n',
    ...plan.limitsBroken.map(({ text }) => `- ${escaped(text)}\n`),
  ]
}

function overview(repositories: readonly RepositoryLines[]): string {
  const largest = repositories.toSorted((a, b) => b.bytes - a.bytes).slice(0, repositoriesShown)
  const rows = largest.map((each) => [
    each.title,
    formatCount(each.imagesDelete),
    formatCount(each.images),
    formatBytes(each.bytes),
  ])
  const more = repositories.length - largest.length
  return [
    markdownTable(
      [
        { heading: 'Repository' },
        { heading: 'Delete', align: 'right' },
        { heading: 'Of', align: 'right' },
        { heading: 'Size', align: 'right' },
      ],
      rows,
    ),
    more > 0 ? `\n… and ${countOf(more, 'repository', 'repositories')} more.\n` : '',
  ].join('')
}

function details(
  repositories: readonly RepositoryLines[],
  plan: Plan,
  configName: string,
  showsAll: boolean,
): string {
  const lines = repositories.flatMap(({ title, going }) => going.map((line) => ({ title, line })))
  const shown = showsAll ? lines : lines.slice(0, linesShown)
  const rows = shown.map(({ title, line }) => [
    title,
    line.tags.length === 0 ? '(untagged)' : line.tags.join(', '),
    shortDigest(line.digest),
    formatAge(line.at, plan.now),
    formatBytes(line.bytes),
    whyOf(line),
    line.decidedBy === undefined ? '' : `${line.decidedBy.rule}, ${configName}:${line.decidedBy.line}`,
  ])
  const more = lines.length - shown.length
  const columns = ['Repository', 'Tags', 'Digest', 'Age', 'Size', 'Why', 'Rule'].map((heading) => ({
    heading,
  }))
  return `\n<details><summary>${countOf(lines.length, 'line')}</summary>\n\n${markdownTable(columns, rows)}${
    more > 0 ? `\n… ${formatCount(more)} more (\`--show all\`).\n` : ''
  }\n</details>\n`
}

function escaped(text: string): string {
  return plain(text).replace(/[|\\`<>*_[\]]/g, '\\$&')
}
