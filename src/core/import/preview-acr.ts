/**
 * The output of `acr purge --dry-run`: `registry.azurecr.io/app:tag` and `registry.azurecr.io/app@sha256:…`, one a line,
 * bare or after "Would delete:", and at its end how many there are of each (github.com/Azure/acr-cli, cmd/acr/purge.go).
 * That end is asked for, because output that was cut off would look like one in which the rest is kept.
 */
import { PreviewUnreadableError, type Preview, type PreviewEntry } from './preview-entry.ts'

/**
 * @returns undefined where the text is no such output
 * @throws PreviewUnreadableError where it is cut off, or the command failed
 */
export function readAcr(text: string): Preview | undefined {
  const lines = text.split(/\r?\n/)
  const entries: PreviewEntry[] = []
  const counted = { tags: newCount(), manifests: newCount() }
  let summaries = 0
  for (const line of lines) {
    const entry = entryOf(line)
    if (entry !== undefined) {
      entries.push(entry)
      add(counted[entry.tag === undefined ? 'manifests' : 'tags'], entry)
    }
    const [, kind, number] =
      /^\s*Number of (?:deleted )?(tags|manifests)(?: to be deleted)?: (\d+)\s*$/.exec(line) ?? []
    if (kind !== 'tags' && kind !== 'manifests') continue
    summaries += 1
    // Each command of a task ends with its own numbers, so the next begins again with none.
    if (!isCountOf(counted[kind], Number(number))) refuse(`it says ${number ?? ''} ${kind} and lists others`)
    counted[kind] = newCount()
  }
  const isPreview = entries.length > 0 || /DRY RUN|dry run|Number of/.test(text)
  if (!isPreview) return undefined
  if (/Failed to complete purge/.test(text)) refuse('the command failed')
  const isOpen = counted.tags.lines > 0 || counted.manifests.lines > 0
  if (summaries === 0 || summaries % 2 === 1 || isOpen)
    refuse('it does not end with both lines "Number of …"')
  return { entries, isComplete: false }
}

function entryOf(line: string): PreviewEntry | undefined {
  const [, repository, tag, digest] =
    /^\s*(?:(?:Would delete|Deleted):?\s+)?[a-z0-9.-]+\.[a-z]+\/([a-z0-9._/-]+)(?::([\w.-]+)|@(sha256:[0-9a-f]{64}))(?:\s+\(reason: [^)]*\))?\s*$/i.exec(
      line,
    ) ?? []
  if (repository === undefined) return undefined
  return {
    repository,
    decision: 'delete',
    ...(tag === undefined ? digest !== undefined && { digest } : { tag }),
  }
}

interface Count {
  lines: number
  readonly names: Set<string>
}

function newCount(): Count {
  return { lines: 0, names: new Set() }
}

function add(count: Count, { repository = '', tag, digest = '' }: PreviewEntry): void {
  count.lines += 1
  count.names.add(`${repository} ${tag ?? digest}`)
}

/** A line that is there twice may be counted once or twice. */
function isCountOf({ lines, names }: Count, told: number): boolean {
  return told === lines || told === names.size
}

function refuse(why: string): never {
  throw new PreviewUnreadableError(
    `The output given to --compare is cut off: ${why}.`,
    'What is missing would look kept. Save the whole output of the command with --dry-run, up to "Number of manifests to be deleted".',
  )
}
