/**
 * Reads a file of references that a person keeps: one image reference or digest a line, `#` begins a comment.
 *
 * Every line is a reference, a digest, empty, or an error; nothing is dropped silently, because a line that is passed
 * over is an image that goes. Patterns and web addresses are errors: a pattern would promise more than it can keep.
 */
import { parseDigest, type Digest } from '../image/digest.ts'
import { parseImageId } from '../image/image-id.ts'
import { normalizeReference, pulledString, referenceLengthMax } from '../image/reference.ts'
import type { DigestInUse } from './evidence.ts'

export interface ReferenceFile {
  /** False when a line is wrong. */
  readonly complete: boolean
  readonly references: readonly WrittenReference[]
  readonly digests: readonly DigestInUse[]
  readonly errors: readonly LineError[]
}

interface WrittenReference {
  /** As written. */
  readonly reference: string
  /** `docker.io/library/x:latest`; tag and digest are both kept. */
  readonly normalized: string
  /** `FILE:LINE`. */
  readonly where: string
}

export interface LineError {
  /** Counted from 1. */
  readonly line: number
  readonly text: string
  readonly message: string
}

const shownMax = 200

/** Reads the text of `file` (its name as reports show it); any line ends, and a byte order mark, are fine (DESIGN section 5). */
export function parseReferenceFile(text: string, file: string): ReferenceFile {
  const references: WrittenReference[] = []
  const digests: DigestInUse[] = []
  const errors: LineError[] = []
  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .entries()) {
    const written = withoutComment(line)
    if (written === '') continue
    const where = `${file}:${index + 1}`
    const digest = digestOf(written)
    const normalized =
      digest === undefined && !isWebAddress(written) ? normalizeReference(written) : undefined
    if (digest !== undefined) digests.push({ digest, where })
    else if (normalized !== undefined)
      references.push({ reference: written, normalized: pulledString(normalized), where })
    else errors.push({ line: index + 1, text: shown(written), message: messageFor(written) })
  }
  return { complete: errors.length === 0, references, digests, errors }
}

function withoutComment(line: string): string {
  const trimmed = line.trim()
  if (trimmed.startsWith('#')) return ''
  const comment = /\s#/.exec(trimmed)
  return comment ? trimmed.slice(0, comment.index).trimEnd() : trimmed
}

/** A digest with its algorithm, or the bare id that container runtimes print; of a manifest or of a config. */
function digestOf(text: string): Digest | undefined {
  const digest = parseDigest(text)
  if (digest !== undefined) return digest
  const id = parseImageId(text)
  return id.kind === 'configDigest' ? id.digest : undefined
}

function isWebAddress(text: string): boolean {
  return /^https?:\/\//i.test(text)
}

function messageFor(text: string): string {
  if (text.length > referenceLengthMax)
    return `No image reference is longer than ${referenceLengthMax} characters.`
  if (isWebAddress(text))
    return 'A web address is no image reference; write it without the scheme: registry.example.com/team/app:1.2.'
  if (/[*?[\]!^]/.test(text) && !text.startsWith('[')) {
    return 'A pattern is no image reference; name each image, or protect tags by pattern with protect.tags.'
  }
  if (/\$\(|\$\{|\{\{/.test(text)) return 'A template is no image reference; write what it becomes.'
  if (/\s/.test(text)) return 'One reference a line; white space is no part of a reference.'
  if (/^[A-Fa-f0-9]{64}$/.test(text) || /^sha(?:256|512):/i.test(text) || /@/.test(text)) {
    return 'The digest is not one: sha256: and 64 lower-case hexadecimal digits, or sha512: and 128.'
  }
  if (normalizeReference(text.toLowerCase()) !== undefined)
    return 'Capital letters are allowed in the host and in the tag only.'
  return 'This is no image reference; write one such as registry.example.com/team/app:1.2, or a digest.'
}

/** Short, and without credentials of a web address. */
function shown(text: string): string {
  const safe = text.replace(/\/\/[^/@]*@/g, '//***@')
  return safe.length > shownMax ? `${safe.slice(0, shownMax)}…` : safe
}
