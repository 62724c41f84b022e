import { describe, expect, it } from 'vitest'
import { ociManifestType } from './media-types.ts'
import { spelledDigests } from './spelled-digests.ts'

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`

describe('digests that a document spells', () => {
  it('are found in texts and in names of fields, however deep, and each once', () => {
    const document = {
      mediaType: 'application/vnd.foo+json',
      parts: [[{ of: { [digest('a')]: 'x', from: `registry.example.com/app@${digest('b')}` } }], digest('b')],
      long: `sha512:${'c'.repeat(128)}`,
      short: 'sha256:abc',
      manifests: [{ mediaType: ociManifestType, digest: digest('d') }],
      again: digest('d'),
    }
    expect(spelledDigests(document)).toEqual({
      manifests: [digest('d')],
      others: [digest('a'), digest('b'), `sha512:${'c'.repeat(128)}`],
    })
  })
})
