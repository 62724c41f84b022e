import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeBase64 } from './base64.ts'

it.each(['base64', 'base64url'] as const)('reads back what was written in %s', (encoding) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(decodeBase64(Buffer.from(bytes).toString(encoding))).toEqual(bytes)
    }),
  )
})

it.each(['a', 'ab c', 'ab\n', 'ab==c', 'ab===', 'é'])('%j is no base64', (text) => {
  expect(decodeBase64(text)).toBeUndefined()
})
