/** The reply of ECR's GetLifecyclePolicyPreview: the images of one repository that expire. */
import { PreviewUnreadableError, type Preview, type PreviewEntry } from './preview-entry.ts'
import { fieldsOf, parseJson, textOf } from './preview-fields.ts'

/**
 * @returns undefined where the text is no whole reply
 * @throws PreviewUnreadableError for a row that names no image or no action: passed over, it would look kept
 */
export function readEcr(text: string): Preview | undefined {
  const reply = fieldsOf(parseJson(text))
  // What is still being worked out, or goes on on another page, would look like "nothing more is deleted".
  const isWhole =
    (textOf(reply['status']) ?? 'COMPLETE') === 'COMPLETE' && textOf(reply['nextToken']) === undefined
  const rows: unknown = reply['previewResults']
  if (!Array.isArray(rows) || !isWhole) return undefined
  const repository = textOf(reply['repositoryName'])
  const named = repository === undefined ? {} : { repository }
  const entries = rows.flatMap((row: unknown, index): readonly PreviewEntry[] => {
    const read = readRow(row)
    if (read === undefined) refuse(index)
    // A move to the archive is no deletion.
    if (read.action !== 'EXPIRE') return []
    return [{ ...named, digest: read.digest, decision: 'delete', told: read.told }]
  })
  return { entries, isComplete: false, ...(repository !== undefined && { onlyRepository: repository }) }
}

interface Row {
  readonly digest: string
  readonly action: string
  readonly told: string
}

function readRow(row: unknown): Row | undefined {
  const fields = fieldsOf(row)
  const digest = textOf(fields['imageDigest'])
  const action = textOf(fieldsOf(fields['action'])['type'])?.toUpperCase()
  if (digest === undefined || !/^sha\d+:[0-9a-f]{64,128}$/.test(digest) || action === undefined)
    return undefined
  const told = `rulePriority ${JSON.stringify(fields['appliedRulePriority'] ?? 'unknown')}`
  return { digest, action, told }
}

function refuse(index: number): never {
  throw new PreviewUnreadableError(
    `previewResults[${index}] of the file given to --compare is no image with an imageDigest and an action.`,
    'Give the reply as aws ecr get-lifecycle-policy-preview --output json writes it, without --query.',
  )
}
