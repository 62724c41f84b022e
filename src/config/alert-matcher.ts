/**
 * Matchers of alerts as Alertmanager writes them: `job="registry"`, `severity!="page"`, `instance=~"registry.*"`. Its own
 * grammar and expressions (RE2, anchored), so that a mistake is told by its place in winnow.yaml, not at night by a
 * downtime that was refused.
 */
import { RE2JS, RE2JSException } from 're2js'

export interface AlertMatcherSettings {
  readonly name: string
  readonly value: string
  readonly isEqual: boolean
  readonly isRegex: boolean
}

interface Refusal {
  readonly problem: string
  readonly hint: string
}

const hint = 'Write it as in `job="registry"`; besides `=` there are `!=`, `=~` and `!~`.'

/** What is wrong with a matcher; undefined when nothing is. */
export function refuseMatcher(text: string): Refusal | undefined {
  const parsed = parseMatcher(text)
  return 'problem' in parsed ? parsed : undefined
}

export function parseMatcher(text: string): AlertMatcherSettings | Refusal {
  const [, name, operator, written] = /^\s*([A-Za-z_:][\w:]*)\s*(=~|!~|!=|=)\s*(.*?)\s*$/s.exec(text) ?? []
  if (name === undefined || operator === undefined || written === undefined) {
    return { problem: 'This is not the name of a label, an operator and a value.', hint }
  }
  const value = unquoted(written)
  if (value === undefined) return { problem: 'The quotes of the value do not match.', hint }
  const isRegex = operator.endsWith('~')
  const refusal = isRegex ? refuseExpression(value) : undefined
  return refusal ?? { name, value, isEqual: operator.startsWith('='), isRegex }
}

/** Quoted with `\"`, `\\` and `\n` in it, or bare without quotes. */
function unquoted(written: string): string | undefined {
  if (!written.includes('"')) return written
  const inside = /^"((?:[^"\\]|\\.)*)"$/s.exec(written)?.[1]
  return inside?.replaceAll(/\\(.)/gs, (whole, escaped: string) =>
    escaped === 'n' ? '\n' : escaped === '"' || escaped === '\\' ? escaped : whole,
  )
}

function refuseExpression(source: string): Refusal | undefined {
  try {
    RE2JS.compile(source)
    return undefined
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    return {
      problem: `This is not a regular expression (RE2): ${error.message}.`,
      hint: 'Alertmanager would refuse it.',
    }
  }
}
