/** Logs of Harbor's retention: in each execution a table, a row an artifact, with its digest and what becomes of it. */
import { parseInstant } from '../inventory/instant.ts'
import type { InstantMs } from '../inventory/inventory.ts'
import type { Preview, PreviewEntry } from './preview-entry.ts'

interface Execution {
  readonly repository: string | undefined
  readonly at: InstantMs | undefined
  readonly entries: PreviewEntry[]
}

/** @returns undefined where no table is in it */
export function readHarbor(text: string): Preview | undefined {
  const executions: Execution[] = []
  let at: InstantMs | undefined
  for (const line of text.split(/\r?\n/)) {
    at = parseInstant(/^\S+(?=\s+\[)/.exec(line)?.[0] ?? '') ?? at
    const repository = /[Rr]epository:?\s+"?([a-z0-9][\w./-]*)/.exec(line)?.[1]
    const current = executions.at(-1)
    const begins = /^\s*Repository:/.test(line) || (repository ?? current?.repository) !== current?.repository
    if (begins || current === undefined) executions.push({ repository, at, entries: [] })
    const entry = entryOf(line)
    const execution = executions.at(-1)
    if (entry !== undefined && execution !== undefined) {
      execution.entries.push({ ...placeOf(execution), ...entry })
    }
  }
  const filled = executions.filter(({ entries }) => entries.length > 0)
  if (filled.length === 0) return undefined
  return { entries: newestOf(filled).flatMap(({ entries }) => entries), isComplete: true }
}

function entryOf(line: string): PreviewEntry | undefined {
  const cells = line.split('|').map((cell) => cell.trim())
  const digest = cells.find((cell) => /^sha256:[0-9a-f]{64}$/.test(cell))
  const status = cells.find((cell) => ['RETAIN', 'DEL', 'IMMUTABLE', 'ERR'].includes(cell))
  if (digest === undefined || status === undefined) return undefined
  return { digest, decision: status === 'DEL' ? 'delete' : 'keep', told: status }
}

function placeOf({ repository, at }: Execution): Partial<PreviewEntry> {
  return {
    ...(repository !== undefined && { repository, mayLackBeginning: true }),
    ...(at !== undefined && { at }),
  }
}

/** An execution decides on all artifacts of its repository, so an earlier one of the same has nothing to say any more. */
function newestOf(executions: readonly Execution[]): readonly Execution[] {
  const newest = new Map<string, Execution>()
  for (const execution of executions) {
    const { repository = '', at = -Infinity } = execution
    const other = newest.get(repository)
    // Of two at the same time, or without any, the later in the file is the newer one.
    if (other === undefined || at >= (other.at ?? -Infinity)) newest.set(repository, execution)
  }
  return executions.filter(
    (execution) => execution.repository === undefined || newest.get(execution.repository) === execution,
  )
}
