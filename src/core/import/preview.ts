/**
 * What a system says it would delete: its preview, its dry run, its log. Read loosely where it is prose and strictly
 * where it is data; what is no preview is refused, because nothing read from it would look like "nothing is deleted".
 */
import { findJsonMistake } from './json-mistake.ts'
import { readAcr } from './preview-acr.ts'
import { readEcr } from './preview-ecr.ts'
import { PreviewUnreadableError, type Preview } from './preview-entry.ts'
import { readGar } from './preview-gar.ts'
import { readHarbor } from './preview-harbor.ts'
import { readZot } from './preview-zot.ts'
import { placeAt } from './shell-words.ts'

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
  'acr-purge': { read: readAcr, source: 'the whole output of the command with --dry-run' },
}

/** @throws PreviewUnreadableError */
export function readPreview(system: string, file: string): Preview {
  // Editors and shells of Windows put a byte order mark at the start.
  const text = file.replace(/^\uFEFF/, '')
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
