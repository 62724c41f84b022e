/**
 * Digests as SQLite keeps them: 32 bytes for sha256, and a leading byte that names any other algorithm. Half the size
 * of text, and an index over them is the fastest there is.
 */
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import { invariant } from '../../../core/errors/invariant.ts'

const sha512Mark = 2

export function digestToColumn(digest: Digest): Uint8Array {
  if (digest.startsWith('sha256:')) return Buffer.from(digest.slice(7), 'hex')
  invariant(digest.startsWith('sha512:'), `no column form for ${digest}`)
  return Buffer.concat([Uint8Array.of(sha512Mark), Buffer.from(digest.slice(7), 'hex')])
}

/** @throws InvariantError when the column holds something that was never written there. */
export function digestFromColumn(column: unknown): Digest {
  invariant(column instanceof Uint8Array, 'a digest column holds something else')
  const bytes = Buffer.from(column.buffer, column.byteOffset, column.byteLength)
  const text =
    bytes.length === 32 ? `sha256:${bytes.toString('hex')}` : `sha512:${bytes.subarray(1).toString('hex')}`
  const digest = bytes.length === 32 || bytes[0] === sha512Mark ? parseDigest(text) : undefined
  invariant(digest !== undefined, 'a digest column holds no digest')
  return digest
}
