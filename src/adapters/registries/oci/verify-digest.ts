/** Checks bytes against the digest they go under. */
import { createHash } from 'node:crypto'
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import { isRecord } from './answers.ts'

/** The digest of `bytes` by the algorithm of `like`; sha256 without it. */
export function digestOf(bytes: Uint8Array, like?: Digest): Digest {
  const algorithm = like?.startsWith('sha512:') === true ? 'sha512' : 'sha256'
  const digest = parseDigest(`${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`)
  if (digest === undefined) throw new TypeError('a hash is always a digest')
  return digest
}

/**
 * The digest of a manifest. A signed schema 1 manifest has the digest of what was signed, which is the document with the
 * signatures taken out again (Docker image manifest V2 schema 1, "Signed Manifests").
 */
export function manifestDigestOf(bytes: Uint8Array, like?: Digest): Digest {
  const plain = digestOf(bytes, like)
  if (like === undefined || plain === like) return plain
  const payload = signedPayload(bytes)
  return payload === undefined ? plain : digestOf(payload, like)
}

function signedPayload(bytes: Uint8Array): Uint8Array | undefined {
  try {
    const document: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
    const signatures: unknown = isRecord(document) ? document['signatures'] : undefined
    const [first] = Array.isArray(signatures) ? (signatures as readonly unknown[]) : []
    const header = isRecord(first) ? decoded(first['protected']) : undefined
    const fields: unknown = header === undefined ? undefined : JSON.parse(header.toString('utf8'))
    const tail = isRecord(fields) ? decoded(fields['formatTail']) : undefined
    const length = isRecord(fields) ? fields['formatLength'] : undefined
    if (tail === undefined || typeof length !== 'number') return undefined
    return Buffer.concat([bytes.subarray(0, length), tail])
  } catch {
    // Not a signed manifest; the caller then compares the digest of the bytes as they are.
    return undefined
  }
}

function decoded(value: unknown): Buffer | undefined {
  return typeof value === 'string' ? Buffer.from(value, 'base64url') : undefined
}
