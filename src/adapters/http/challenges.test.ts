import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseChallenges } from './challenges.ts'

const plain = (header: string) =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)])

describe('parseChallenges', () => {
  it.each([
    { name: 'nothing', header: '', is: [] },
    { name: 'a scheme alone', header: 'Negotiate', is: [['negotiate', {}]] },
    {
      name: 'one parameter',
      header: 'Basic realm="Registry Realm"',
      is: [['basic', { realm: 'Registry Realm' }]],
    },
    {
      name: 'commas within quotes',
      header: 'Bearer realm="https://a/t",scope="repository:a/b:pull,push registry:catalog:*"',
      is: [['bearer', { realm: 'https://a/t', scope: 'repository:a/b:pull,push registry:catalog:*' }]],
    },
    {
      name: 'several challenges in one header',
      header: 'Basic realm="a", Bearer realm="b", service=c',
      is: [
        ['basic', { realm: 'a' }],
        ['bearer', { realm: 'b', service: 'c' }],
      ],
    },
    {
      name: 'a challenge hidden in a quoted realm is none',
      header: 'Basic realm="x, Bearer realm=https://evil"',
      is: [['basic', { realm: 'x, Bearer realm=https://evil' }]],
    },
    {
      name: 'escaped quotes',
      header: String.raw`Basic realm="a \"b\" \\c"`,
      is: [['basic', { realm: String.raw`a "b" \c` }]],
    },
    {
      name: 'schemes and names in any case',
      header: 'BEARER Realm="R",SERVICE="s"',
      is: [['bearer', { realm: 'R', service: 's' }]],
    },
    {
      name: 'space around the equals sign',
      header: 'Bearer realm = "r" , service= s',
      is: [['bearer', { realm: 'r', service: 's' }]],
    },
    {
      name: 'an opaque word',
      header: 'Negotiate YIIBlAYGKwYBBQUC==, Basic realm="r"',
      is: [
        ['negotiate', {}],
        ['basic', { realm: 'r' }],
      ],
    },
    {
      name: 'two bare schemes',
      header: 'NTLM, Negotiate',
      is: [
        ['ntlm', {}],
        ['negotiate', {}],
      ],
    },
    { name: 'empty list members', header: ', ,Basic realm="r",,', is: [['basic', { realm: 'r' }]] },
    {
      name: 'a quote that never closes ends the reading',
      header: 'Bearer realm="r",service="x',
      is: [['bearer', { realm: 'r' }]],
    },
  ])('reads $name', ({ header, is }) => {
    expect(plain(header)).toEqual(is)
  })

  it('reads back whatever can be quoted', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 30 }), fc.string({ maxLength: 30 }), (realm, scope) => {
        const quote = (value: string) => `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`
        const header = `Basic realm=${quote(scope)}, Bearer realm=${quote(realm)},scope=${quote(scope)}`
        expect(plain(header)).toEqual([
          ['basic', { realm: scope }],
          ['bearer', { realm, scope }],
        ])
      }),
    )
  })

  it('ends, whatever it is given', () => {
    fc.assert(fc.property(fc.string({ maxLength: 200 }), (header) => Array.isArray(parseChallenges(header))))
    expect(parseChallenges(`Bearer realm="${'\\'.repeat(50_000)}`)).toHaveLength(1)
  })
})
