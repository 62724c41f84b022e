/** zot's log: one JSON object a line; those with a decision are about retention. */
import { parseInstant } from '../inventory/instant.ts'
import type { Preview, PreviewEntry } from './preview-entry.ts'
import { fieldsOf, parseJson, textOf } from './preview-fields.ts'

/** @returns undefined where no line has a decision */
export function readZot(text: string): Preview | undefined {
  const entries = text.split(/\r?\n/).flatMap((line) => entryOf(line) ?? [])
  return entries.length === 0 ? undefined : { entries, isComplete: true }
}

function entryOf(line: string): PreviewEntry | undefined {
  const said = fieldsOf(parseJson(line))
  const decision = textOf(said['decision'])
  if (decision !== 'delete' && decision !== 'keep') return undefined
  const repository = textOf(said['repository'] ?? said['repo'])
  const reference = textOf(said['reference'] ?? said['tag'])
  const digest = textOf(said['digest']) ?? (reference?.startsWith('sha256:') === true ? reference : undefined)
  const tag = reference === undefined || reference.startsWith('sha256:') ? undefined : reference
  const told = textOf(said['reason'])
  const at = parseInstant(textOf(said['time']) ?? '')
  return {
    decision,
    ...(repository !== undefined && { repository }),
    ...(tag === undefined ? digest !== undefined && { digest } : { tag }),
    ...(at !== undefined && { at }),
    ...(told !== undefined && { told }),
  }
}
