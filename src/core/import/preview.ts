/**
 * What a system says it would delete: its preview, its dry run, its log. Read loosely where it is prose and strictly
 * where it is data; what is no preview is refused, because nothing read from it would look like "nothing is deleted".
 */
import { OperationalError } from '../errors/errors.ts'
import { findJsonMistake } from './json-mistake.ts'
import { placeAt } from './shell-words.ts'

export interface PreviewEntry {
  /** As the source names it: perhaps without the host, the project or the first folders. */
  readonly repository?: string
  readonly digest?: string
  readonly tag?: string
  readonly decision: 'delete' | 'keep'
  /** Why, where the source says: `rulePriority 2`. */
  readonly told?: string
}

export interface Preview {
  readonly entries: readonly PreviewEntry[]
  /** It names all it looked at, so what is missing was not looked at; otherwise what is missing is kept. */
  readonly isComplete: boolean
}

/** The file given to `--compare` says nothing of deletions. */
export class PreviewUnreadableError extends OperationalError {
  readonly code = 'PREVIEW_UNREADABLE'
  readonly hint: string
  override readonly category = 'configuration'

  constructor(message: string, hint: string) {
    super(message)
    this.hint = hint
  }
}

type Reader = (text: string) => Preview | undefined

interface PreviewFormat {
  readonly read: Reader
  /** What file it is, for messages and the manual. */
  readonly source: string
}

/** By system: those that can say beforehand what they would delete. */
export const previewFormats: Readonly<Partial<Record<string, PreviewFormat>>> = {
  ecr: {
    read: readEcr,
    source:
      'the whole output of aws ecr get-lifecycle-policy-preview --repository-name REPOSITORY --output json, with the status COMPLETE',
  },
  gar: {
    read: readGar,
    source:
      'gcloud logging read \'protoPayload.methodName:"BatchDeleteVersions"\' --format=json, with the dry run on',
  },
  harbor: { read: readHarbor, source: 'the log of a task of a retention execution (a dry run)' },
  zot: { read: readZot, source: 'the log of zot with retention.dryRun on' },
  'acr-purge': { read: readAcr, source: 'the output of the command with --dry-run' },
}

/** @throws PreviewUnreadableError */
export function readPreview(system: string, text: string): Preview {
  const format = previewFormats[system]
  if (format === undefined) {
    const known = Object.keys(previewFormats).join(', ')
    throw new PreviewUnreadableError(
      `${system} cannot say what it would delete.`,
      `Those that can are: ${known}.`,
    )
  }
  const preview = format.read(text)
  if (preview !== undefined) return preview
  refuseBrokenJson(text)
  throw new PreviewUnreadableError(
    'The file given to --compare says nothing of what would be deleted.',
    `Expected is ${format.source}.`,
  )
}

/** Half a reply would otherwise be told as something that is no reply at all. */
function refuseBrokenJson(text: string): void {
  const mistake = /^\s*[[{]/.test(text) ? findJsonMistake(text) : undefined
  if (mistake === undefined) return
  const { line, column } = placeAt(text, mistake.at)
  throw new PreviewUnreadableError(
    `The file given to --compare cannot be read (line ${line}, column ${column}). ${mistake.message}`,
    mistake.hint,
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function readEcr(text: string): Preview | undefined {
  const reply = fieldsOf(parseJson(text))
  // What is still being worked out, or goes on on another page, would look like "nothing more is deleted".
  const isWhole =
    (textOf(reply['status']) ?? 'COMPLETE') === 'COMPLETE' && textOf(reply['nextToken']) === undefined
  if (!Array.isArray(reply['previewResults']) || !isWhole) return undefined
  const repository = textOf(reply['repositoryName'])
  const entries = listOf(reply['previewResults']).flatMap((each): readonly PreviewEntry[] => {
    const result = fieldsOf(each)
    const digest = textOf(result['imageDigest'])
    // A move to the archive is no deletion.
    const isExpired = textOf(fieldsOf(result['action'])['type'])?.toUpperCase() === 'EXPIRE'
    if (digest === undefined || !isExpired) return []
    const told = `rulePriority ${JSON.stringify(result['appliedRulePriority'] ?? 'unknown')}`
    return [{ ...(repository !== undefined && { repository }), digest, decision: 'delete', told }]
  })
  return { entries, isComplete: false }
}

/** Names of versions, wherever an entry has them: `…/packages/app/versions/sha256:…`. */
function readGar(text: string): Preview | undefined {
  const value = parseJson(text)
  const logged = Array.isArray(value) ? value : listOf(fieldsOf(value)['entries'])
  // A list of anything else would look like a preview in which nothing is deleted; an empty one is one.
  const isLog = logged.every((entry) => fieldsOf(entry)['protoPayload'] !== undefined)
  if ((!Array.isArray(value) && logged.length === 0) || !isLog) return undefined
  const entries = logged.flatMap((entry): readonly PreviewEntry[] => {
    const found = JSON.stringify(fieldsOf(entry)['protoPayload'] ?? {}).matchAll(
      /repositories\/([^/"]+)\/packages\/([^/"]+)\/versions\/(sha256:[0-9a-f]{64})/g,
    )
    return [...found].map(([, repository = '', name = '', digest = '']) => ({
      repository: `${repository}/${decoded(name)}`,
      digest,
      decision: 'delete' as const,
    }))
  })
  return { entries, isComplete: false }
}

/** Slashes of a package are `%2F`; a "%" that begins nothing stands for itself. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

/** The table of the log: a row an artifact, its digest in the first column and what becomes of it in the last. */
function readHarbor(text: string): Preview | undefined {
  const entries: PreviewEntry[] = []
  let repository: string | undefined
  for (const line of text.split(/\r?\n/)) {
    repository = /[Rr]epository:?\s+"?([a-z0-9][\w./-]*)/.exec(line)?.[1] ?? repository
    const cells = line.split('|').map((cell) => cell.trim())
    const digest = cells.find((cell) => /^sha256:[0-9a-f]{64}$/.test(cell))
    const status = cells.find((cell) => ['RETAIN', 'DEL', 'IMMUTABLE', 'ERR'].includes(cell))
    if (digest === undefined || status === undefined) continue
    entries.push({
      ...(repository !== undefined && { repository }),
      digest,
      decision: status === 'DEL' ? 'delete' : 'keep',
      told: status,
    })
  }
  return entries.length === 0 ? undefined : { entries, isComplete: true }
}

/** One JSON object a line; those with a decision are about retention. */
function readZot(text: string): Preview | undefined {
  const entries = text.split(/\r?\n/).flatMap((line): readonly PreviewEntry[] => {
    const said = fieldsOf(parseJson(line))
    const decision = textOf(said['decision'])
    if (decision !== 'delete' && decision !== 'keep') return []
    const repository = textOf(said['repository'] ?? said['repo'])
    const reference = textOf(said['reference'] ?? said['tag'])
    const digest =
      textOf(said['digest']) ?? (reference?.startsWith('sha256:') === true ? reference : undefined)
    const tag = reference === undefined || reference.startsWith('sha256:') ? undefined : reference
    const told = textOf(said['reason'])
    return [
      {
        decision,
        ...(repository !== undefined && { repository }),
        ...(tag === undefined ? digest !== undefined && { digest } : { tag }),
        ...(told !== undefined && { told }),
      },
    ]
  })
  return entries.length === 0 ? undefined : { entries, isComplete: true }
}

/** `registry.azurecr.io/app:tag` and `registry.azurecr.io/app@sha256:…`, one a line. */
function readAcr(text: string): Preview | undefined {
  let isPreview = /DRY RUN|dry run|Number of/.test(text)
  const entries = text.split(/\r?\n/).flatMap((line): readonly PreviewEntry[] => {
    const [, repository, tag, digest] =
      /^\s*[a-z0-9.-]+\.[a-z]+\/([a-z0-9._/-]+)(?::([\w.-]+)|@(sha256:[0-9a-f]{64}))\s*$/i.exec(line) ?? []
    if (repository === undefined) return []
    isPreview = true
    return [
      {
        repository,
        decision: 'delete',
        ...(tag === undefined ? digest !== undefined && { digest } : { tag }),
      },
    ]
  })
  return isPreview ? { entries, isComplete: false } : undefined
}
