import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Redactor, redactUrl } from './redact.ts'

describe('redactUrl', () => {
  it.each([
    ['https://user:pw@reg.example/v2/', 'https://reg.example/v2/'],
    [
      'https://s3.example/b?X-Amz-Signature=abc&X-Amz-Date=1&n=2',
      'https://s3.example/b?X-Amz-Signature=***&X-Amz-Date=***&n=2',
    ],
    ['https://blob.example/b?sv=1&sig=abc%3D&comp=x', 'https://blob.example/b?sv=***&sig=***&comp=x'],
    ['https://cdn.example/b?token=abc', 'https://cdn.example/b?token=***'],
    ['https://reg.example/v2/a?n=5&last=b', 'https://reg.example/v2/a?n=5&last=b'],
    ['https://u:p@[broken', 'https://***@[broken'],
  ])('%s', (url, safe) => {
    expect(redactUrl(url)).toBe(safe)
  })
})

describe('Redactor', () => {
  it.each([
    ['Authorization: Bearer abcdefgh12345', 'Authorization: Bearer ***'],
    ['Authorization: Basic cm9ib3Q6aHVudGVyMg==', 'Authorization: Basic ***'],
    ['see https://u:p@h/x?token=abc for it', 'see https://h/x?token=*** for it'],
    ['got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl here', 'got *** here'],
    [
      'Basic authentication is needed by the token endpoint.',
      'Basic authentication is needed by the token endpoint.',
    ],
    ['team/app:v1 was deleted', 'team/app:v1 was deleted'],
  ])('takes what looks secret out of %s', (text, safe) => {
    expect(new Redactor().text(text)).toBe(safe)
  })

  it('lets no registered secret through, in any of its usual encodings', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 4, maxLength: 40, unit: 'grapheme' }),
        fc.string({ maxLength: 20 }),
        (secret, around) => {
          // Stars and the mask itself are no secret one could hide.
          fc.pre(!/^\*+$/.test(secret))
          const redactor = new Redactor()
          redactor.register(secret)
          const forms = [
            secret,
            encodeURIComponent(secret),
            Buffer.from(secret).toString('base64'),
            JSON.stringify(secret).slice(1, -1),
          ]
          for (const form of forms) {
            const safe = redactor.text(`${around}<${form}>${around}`)
            expect(safe.includes(`<${form}>`)).toBe(false)
          }
        },
      ),
    )
  })

  it('leaves nothing of a secret that contains another', () => {
    const redactor = new Redactor()
    redactor.register('pass')
    redactor.register('password-long')
    expect(redactor.text('x password-long y')).toBe('x *** y')
  })

  it('keeps code and message of a cause, without the secret', () => {
    const redactor = new Redactor()
    redactor.register('hunter22')
    const cause = redactor.cause(
      Object.assign(new Error('no hunter22'), { code: 'ECONNRESET', config: 'hunter22' }),
    )
    expect(cause).toMatchObject({ message: 'no ***', code: 'ECONNRESET' })
    expect('config' in cause).toBe(false)
  })
})
