/** Lint of patterns: habits that other tools teach, and lists that let nothing in. */
import { listOf } from './fields.ts'
import type { Report } from './report.ts'
import type { Path } from './yaml-source.ts'

/** Lints the patterns at `path`: one, or a list of them. */
export function lintTagPatterns(written: string | readonly string[], path: Path, report: Report): void {
  const patterns = listOf(written)
  const at = (index: number): Path => (typeof written === 'string' ? path : [...path, index])
  patterns.forEach((pattern, index) => {
    const body = pattern.replace(/^!/, '')
    if (looksLikeExpression(body)) {
      report(
        at(index),
        'This is read as a glob and looks like a regular expression.',
        `Between slashes it is one: '/${body}/'. As a glob, . ^ $ + and ( ) mean themselves.`,
      )
    } else if (looksLikeSearch(body)) {
      report(
        at(index),
        'A regular expression must match the whole name here; this one looks as if a part were enough.',
        `Add what may stand around it: '/${widened(body.slice(1, body.lastIndexOf('/')))}/'.`,
      )
    }
    if (pattern.startsWith('!') && (body === '*' || body === '**' || patterns.includes(body))) {
      report(at(index), 'This takes out all that the others let in.', 'Take it out, or narrow it.')
    }
  })
}

/** `.` is usual in tags, so `v1.*` is a glob like any other; anchors, escapes and quantified groups are not. */
function looksLikeExpression(pattern: string): boolean {
  if (pattern.startsWith('/')) return false
  return /^\^|\$$|\\[dwsSDWb.]|^\.\*|\.\+|\)[+?*{]|\][+{]|\([^)]*\|/.test(pattern)
}

function looksLikeSearch(pattern: string): boolean {
  if (!pattern.startsWith('/')) return false
  const body = pattern.slice(1, pattern.lastIndexOf('/'))
  return body.startsWith('^') !== body.endsWith('$') || /^(?:[\w-]|\\[.-])*(?:-|\\\.|_)$/.test(body)
}

function widened(body: string): string {
  const start = body.startsWith('^') ? body.slice(1) : body
  return body.endsWith('$') ? `.*${start.slice(0, -1)}` : `${start}.*`
}
