/** Records of `winnow link` by their tag: `sha256-<hex of the subject>.link-<commit>`. */
import { parseDigest, type Digest } from '../image/digest.ts'

export const linkRecordType = 'application/vnd.winnow.link.v1+json'

const linkTag = /^(sha256|sha512)-([0-9a-f]{64}|[0-9a-f]{128})\.link-([0-9a-f]{7,64})$/
/** Of the shortest: `sha256-`, 64 digits, `.link-`, 7 digits. */
const lengthMin = 84

/** What a tag of this form says; undefined for every other tag. */
export function subjectAndCommit(
  tag: string,
): { readonly subject: Digest; readonly commit: string } | undefined {
  // Nearly every tag is shorter, and a registry of a million tags asks for each.
  if (tag.length < lengthMin) return undefined
  const [, algorithm = '', hex = '', commit = ''] = linkTag.exec(tag) ?? []
  const subject = parseDigest(`${algorithm}:${hex}`)
  return subject && { subject, commit }
}
