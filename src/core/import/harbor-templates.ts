/** What a retention rule keeps: Harbor's templates, with the numbers they have when none is given. */
import type { ImportedKeep } from './imported-policy.ts'
import { writeLength, day, lengthMax } from './lengths-of-time.ts'
import type { Reading } from './reading.ts'
import { entryOf, type SourceMap } from './source-document.ts'

export interface HarborKeep {
  /** `latestPushedK 10`. */
  readonly told: string
  /** Undefined: it keeps nothing. */
  readonly criteria: ImportedKeep | undefined
  readonly remarks: readonly string[]
}

const templates = [
  'always',
  'nothing',
  'latestPushedK',
  'latestPulledN',
  'latestActiveK',
  'nDaysSinceLastPush',
  'nDaysSinceLastPull',
  'lastXDays',
] as const
type Template = (typeof templates)[number]

/** Where the parameter is missing or negative. */
const defaults: Readonly<Record<Template, number>> = {
  always: 0,
  nothing: 0,
  latestPushedK: 10,
  latestPulledN: 10,
  latestActiveK: 10,
  nDaysSinceLastPush: 30,
  nDaysSinceLastPull: 30,
  lastXDays: 10,
}

export function harborKeep(rule: SourceMap, reading: Reading): HarborKeep | undefined {
  const template = reading.choice(entryOf(rule, 'template'), templates)
  if (entryOf(rule, 'template') === undefined) reading.refuse(rule.place, 'A rule needs `template`.')
  if (template === undefined) return undefined
  const number = parameterOf(rule, template, reading)
  if (template === 'latestPulledN' || template === 'nDaysSinceLastPull') {
    reading.warn(
      entryOf(rule, 'template')?.place,
      `${template}: Harbor takes an artifact that was never pulled for pulled long ago; here the last pull is unknown, and what is unknown is kept.`,
    )
  }
  const told = template === 'always' || template === 'nothing' ? template : `${template} ${number}`
  return { told, criteria: criteriaOf(template, number), remarks: remarksOf(template) }
}

function parameterOf(rule: SourceMap, template: Template, reading: Reading): number {
  const params = entryOf(rule, 'params')
  // A parameter of another template says that another one was meant.
  if (params !== undefined && params.kind !== 'nothing')
    reading.map(params, params.place, { what: 'params', known: [template] })
  const value = entryOf(params, template)
  if (value?.kind === 'number' && value.value < 0) return defaults[template]
  return reading.whole(value, { orText: true }) ?? defaults[template]
}

function criteriaOf(template: Template, number: number): ImportedKeep | undefined {
  switch (template) {
    case 'always':
      return { all: true }
    case 'nothing':
      return undefined
    case 'latestPushedK':
      return { newest: number }
    case 'latestPulledN':
      return { newest: number, by: 'pulledItself' }
    case 'latestActiveK':
      return { newest: number, by: 'activeItself' }
    case 'nDaysSinceLastPush':
      return isForever(number) ? { all: true } : { within: withEdge(number) }
    case 'nDaysSinceLastPull':
      return isForever(number) ? { all: true } : { pulledWithin: withEdge(number) }
    case 'lastXDays':
      return isForever(number) ? { all: true } : { within: writeLength(number * day), by: 'activeItself' }
  }
}

function isForever(days: number): boolean {
  return days * day >= lengthMax
}

/** Harbor counts in whole seconds and keeps at exactly n days, too; Winnow's durations end just before. */
function withEdge(days: number): string {
  return writeLength(days * day + 1000)
}

function remarksOf(template: Template): readonly string[] {
  return template === 'nDaysSinceLastPush' || template === 'nDaysSinceLastPull'
    ? ['The second is there because Harbor keeps at exactly so many days, too.']
    : []
}
