import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Digest } from '../../../core/image/digest.ts'
import { digestOf, manifestDigestOf } from './verify-digest.ts'

const hashed = (algorithm: 'sha256' | 'sha512', content: string): Digest =>
  `${algorithm}:${createHash(algorithm).update(content).digest('hex')}` as Digest

describe('digestOf', () => {
  it('uses the algorithm of the digest it is compared with', () => {
    const bytes = Buffer.from('layer')
    expect(digestOf(bytes)).toBe(hashed('sha256', 'layer'))
    expect(digestOf(bytes, hashed('sha512', 'other'))).toBe(hashed('sha512', 'layer'))
  })
})

describe('manifestDigestOf', () => {
  // As Docker signs: the payload, cut before its last brace, with the signatures put in between.
  const payload = '{\n   "schemaVersion": 1,\n   "name": "team/app"\n}'
  const formatLength = payload.length - 2
  const protectedHeader = { formatLength, formatTail: Buffer.from('\n}').toString('base64url') }
  const signatures = [{ protected: Buffer.from(JSON.stringify(protectedHeader)).toString('base64url') }]
  const signed = Buffer.from(
    `${payload.slice(0, formatLength)},\n   "signatures": ${JSON.stringify(signatures)}\n}`,
  )

  it('takes the signatures out of a signed schema 1 manifest', () => {
    expect(manifestDigestOf(signed, hashed('sha256', payload))).toBe(hashed('sha256', payload))
  })

  it('still sees that another payload was asked for', () => {
    expect(manifestDigestOf(signed, hashed('sha256', 'another'))).not.toBe(hashed('sha256', 'another'))
  })

  it('takes the bytes as they are when nothing is expected, or nothing is signed', () => {
    expect(manifestDigestOf(signed)).toBe(digestOf(signed))
    const plain = Buffer.from('no JSON')
    expect(manifestDigestOf(plain, hashed('sha256', 'x'))).toBe(digestOf(plain))
  })
})
