/** Steps of a GitHub workflow that use one action, with their inputs. */
import type { Reading } from './reading.ts'
import {
  entryOf,
  fileStart,
  type Place,
  type SourceDocument,
  type SourceMap,
  type SourceValue,
} from './source-document.ts'

export interface Step {
  readonly place: Place
  readonly inputs: SourceMap
}

/** The steps of all jobs that use the action; a composite action's steps count, too. */
export function stepsOf(
  { documents: [root] }: SourceDocument,
  action: string,
): readonly { readonly step: SourceMap }[] {
  const jobs = entryOf(root, 'jobs')
  const lists = [
    ...(jobs?.kind === 'map' ? [...jobs.entries.values()].map(({ value }) => entryOf(value, 'steps')) : []),
    entryOf(entryOf(root, 'runs'), 'steps'),
  ]
  return lists
    .flatMap((list) => (list?.kind === 'list' ? list.items : []))
    .flatMap((step) => {
      const uses = entryOf(step, 'uses')
      return step.kind === 'map' && uses?.kind === 'text' && uses.value.toLowerCase().startsWith(`${action}@`)
        ? [{ step }]
        : []
    })
}

/** Reads the inputs of each step strictly. */
export function readSteps(
  document: SourceDocument,
  action: string,
  shape: { readonly known: readonly string[]; readonly ignored: readonly string[] },
  reading: Reading,
): readonly Step[] {
  const steps = stepsOf(document, action)
  if (steps.length === 0) reading.refuse(fileStart, `No step of this workflow uses ${action}.`)
  return steps.flatMap(({ step }) => {
    const given = entryOf(step, 'with') ?? { kind: 'map', place: step.place, entries: new Map() }
    const inputs = reading.map(given, step.place, { what: `a step of ${action}`, ...shape })
    return inputs === undefined ? [] : [{ place: step.place, inputs }]
  })
}

/** An input as text: YAML may have read it as a number or a truth. Expressions are known only while the job runs. */
export function inputOf(inputs: SourceMap, name: string, reading: Reading): string | undefined {
  const value = entryOf(inputs, name)
  const text = plainText(value)
  if (value === undefined || text === undefined)
    return value === undefined || value.kind === 'nothing' ? undefined : reading.text(value)
  if (text.includes('${{')) {
    reading.refuse(
      value.place,
      `What ${name} will be is known only while the workflow runs.`,
      'Write the value in its place and import again.',
    )
    return undefined
  }
  return text === '' ? undefined : text
}

/** An input that may be an expression, as one that says nothing then. */
export function openInputOf(inputs: SourceMap, name: string): string | undefined {
  const text = plainText(entryOf(inputs, name))?.trim()
  return text === undefined || text === '' || text.includes('${{') ? undefined : text
}

export function flagInputOf(inputs: SourceMap, name: string, reading: Reading): boolean | undefined {
  const text = inputOf(inputs, name, reading)
  if (text === undefined) return undefined
  if (/^(?:true|false)$/i.test(text)) return text.toLowerCase() === 'true'
  reading.refuse(entryOf(inputs, name)?.place ?? inputs.place, `${name} is true or false.`)
  return undefined
}

export function wholeInputOf(inputs: SourceMap, name: string, reading: Reading): number | undefined {
  const text = inputOf(inputs, name, reading)
  if (text === undefined) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text)
  reading.refuse(entryOf(inputs, name)?.place ?? inputs.place, `${name} is a whole number.`)
  return undefined
}

function plainText(value: SourceValue | undefined): string | undefined {
  switch (value?.kind) {
    case 'text':
      return value.value
    case 'number':
    case 'flag':
      return String(value.value)
    default:
      return undefined
  }
}
