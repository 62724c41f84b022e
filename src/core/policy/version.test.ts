import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PatternError } from './pattern-error.ts'
import { compareVersions, compileRange, parseVersion, versionParts } from './version.ts'

describe('versions', () => {
  it.each([
    ['1.2.3', '1.2.3'],
    ['v1.2.3', '1.2.3'],
    ['V1.2', '1.2.0'],
    ['1.3', '1.3.0'],
    ['1', '1.0.0'],
    ['v2', '2.0.0'],
    ['1234', '1234.0.0'],
    ['v20240105', '20240105.0.0'],
    ['v0.69-6969', '0.69.0-6969'],
    ['1.2.3_build5', '1.2.3'],
    ['1.2.3-rc.1_build.2', '1.2.3-rc.1'],
    ['1.2.3-rc.01', '1.2.3-rc.1'],
    ['2024.01.05', '2024.1.5'],
    ['3.13.0rc1', '3.13.0-rc1'],
    ['1-alpine', '1.0.0-alpine'],
    ['3.13-slim-bookworm', '3.13.0-slim-bookworm'],
  ])('%s is %s', (tag, version) => {
    expect(parseVersion(tag)?.semver.version).toBe(version)
    expect(parseVersion(tag)?.raw).toBe(tag)
  })

  it.each([
    'latest',
    '',
    'v',
    '20240105',
    '12345',
    '2024-01-05',
    '2024-01',
    '1a2b3c4',
    '7e57ab1',
    '1.2.3.4',
    '1.2.3-',
    '1..2',
    '1.2.3-rc..1',
    'pr-1',
    'sha-1.2',
    '99999999999999999.1',
    `1.2.3-${'a'.repeat(200)}`,
    '1.2\n',
  ])('%j is no version', (tag) => {
    expect(parseVersion(tag)).toBeUndefined()
  })

  it('orders releases above their prereleases, and numbers by size', () => {
    const sorted = ['1.10', '1.9', '1.10.0-rc.2', '1.10.0-rc.10', 'v0.9']
      .map((tag) => parseVersion(tag))
      .filter((version) => version !== undefined)
      .sort(compareVersions)
    expect(sorted.map((version) => version.raw)).toEqual([
      'v0.9',
      '1.9',
      '1.10.0-rc.2',
      '1.10.0-rc.10',
      '1.10',
    ])
  })

  it('has parts for streams', () => {
    const version = parseVersion('v1.2.3-rc.1')
    expect(version && versionParts(version)).toEqual({ major: '1', minor: '2', patch: '3', prerelease: 'rc' })
  })

  it('never throws, and orders antisymmetrically', () => {
    const tag = fc.string({ unit: fc.constantFrom(...'v0123.-_ra+'), maxLength: 14 })
    fc.assert(
      fc.property(tag, tag, (one, other) => {
        const a = parseVersion(one)
        const b = parseVersion(other)
        if (a && b) expect(Math.sign(compareVersions(a, b))).toBe(0 - Math.sign(compareVersions(b, a)))
      }),
      { numRuns: 3000 },
    )
  })
})

describe('ranges', () => {
  it.each([
    {
      range: '>=1.0.0',
      yes: ['1.0.0', 'v2', '1.3', '1.2.3_b'],
      no: ['0.9', '2.0.0-rc.3', 'latest', '20240105'],
    },
    { range: '>=2.0.0-0', yes: ['2.0.0-rc.3', '2.0.0'], no: ['2.1.0-rc.1'] },
    { range: '1.x || ^3.2', yes: ['1.9', '3.4'], no: ['2.0', '3.1'] },
    { range: '*', yes: ['1', 'v0.1'], no: ['1.0.0-rc', 'x'] },
  ])('$range', ({ range, yes, no }) => {
    const compiled = compileRange(range)
    expect(yes.filter((tag) => !compiled.matches(tag))).toEqual([])
    expect(no.filter((tag) => compiled.matches(tag))).toEqual([])
  })

  it.each(['', '  ', '>>1', 'latest', '1.2.3.4', '='.repeat(300)])('refuses %j', (range) => {
    expect(() => compileRange(range)).toThrow(PatternError)
  })
})
