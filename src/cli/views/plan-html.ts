/**
 * The plan as one page that needs nothing else: no script, no font, no picture from anywhere. It can be attached to a
 * ticket and opened years later.
 */
import { formatInstant } from '../../core/inventory/instant.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { countOf, formatAge, formatBytes, formatCount, plain } from './format.ts'
import { planSentence } from './plan-human.ts'
import {
  linesByRepository,
  protectionCounts,
  whyOf,
  type PlanLine,
  type RepositoryLines,
} from './plan-lines.ts'

export interface HtmlOptions {
  readonly configName: string
  /** When deleted bytes are free (freed-when.ts). */
  readonly freedWhen: string
}

export function planHtml(plan: Plan, { configName, freedWhen }: HtmlOptions): string {
  const repositories = linesByRepository(plan).filter(
    (each) => each.going.length > 0 || each.protected.length > 0,
  )
  const { bytesFreed, bytesApparent } = plan.summary
  const notes = [
    ...plan.limitsBroken.map(({ text }) => `Stopped by a limit: ${text}`),
    ...plan.warnings.map((text) => `Warning: ${text}`),
    ...protectionCounts(plan).map(
      ({ what, count }) => `Protected from deletion: ${formatCount(count)} ${what}`,
    ),
  ]
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Winnow plan ${escaped(plan.id)}</title>
<style>${style}</style>
<h1>${escaped(planSentence(plan))}</h1>
<p>Frees <strong>${formatBytes(bytesFreed)}</strong> ${freedWhen} (${formatBytes(bytesApparent)} apparent).
Made ${formatInstant(plan.now)}, may be applied until ${formatInstant(plan.expiresAt)}. Nothing was changed.</p>
${notes.length === 0 ? '' : `<ul>${notes.map((note) => `<li>${escaped(note)}`).join('')}</ul>`}
${repositories.map((each) => section(each, plan, configName)).join('\n')}
</html>
`
}

function section(repository: RepositoryLines, plan: Plan, configName: string): string {
  const { title, imagesDelete, images, bytes, going } = repository
  const rows = [...going, ...repository.protected].map((line) => row(line, plan, configName)).join('\n')
  return `<details open><summary><strong>${escaped(title)}</strong> ${formatCount(imagesDelete)} of ${countOf(images, 'image')} · ${formatBytes(bytes)}</summary>
<table><thead><tr><th>Does<th>Tags<th>Digest<th>Age<th>Size<th>Why<th>Rule</thead><tbody>
${rows}
</tbody></table></details>`
}

function row(line: PlanLine, plan: Plan, configName: string): string {
  const { kind, tags, digest, at, bytes, decidedBy } = line
  const cells = [
    kind === 'protect' ? 'keep' : kind,
    tags.length === 0 ? '(untagged)' : tags.join(', '),
    digest,
    formatAge(at, plan.now),
    formatBytes(bytes),
    whyOf(line),
    decidedBy === undefined ? '' : `${decidedBy.rule} (${configName}:${decidedBy.line})`,
  ]
  return `<tr class="${kind}">${cells.map((cell) => `<td>${escaped(cell)}`).join('')}`
}

function escaped(text: string): string {
  return plain(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

const style = `
:root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}
body{max-width:80rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.3rem}
table{border-collapse:collapse;width:100%;font-size:.9rem;margin:.5rem 0 1.5rem}
th,td{text-align:left;padding:.2rem .6rem;border-bottom:1px solid #8884;vertical-align:top}
td:nth-child(3){font-family:ui-monospace,monospace;word-break:break-all;max-width:14rem}
.delete td:first-child{color:#c33;font-weight:600}
.untag td:first-child{color:#a70;font-weight:600}
.protect td:first-child{color:#08a;font-weight:600}
summary{cursor:pointer}
`
