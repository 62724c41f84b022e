import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDigest } from '../image/digest.ts'
import type { Evidence } from './evidence.ts'
import { EvidenceFileError, parseEvidenceFile, printEvidenceFile, readEvidence } from './evidence-file.ts'

const digest = `sha256:${'ab'.repeat(32)}`
const example = {
  schemaVersion: 'evidence/v1',
  takenAt: '2026-01-31T00:00:00Z',
  sources: [
    {
      name: 'kubernetes:prod-eu',
      complete: true,
      identity: 'uid',
      references: [{ reference: 'registry.example.com/team/app:1.2', where: 'Deployment shop/app' }],
      digests: [{ digest, where: 'Pod shop/app-7d9' }],
    },
  ],
}

/** The document with one value changed; `undefined` takes it away. */
function changed(path: readonly (string | number)[], value: unknown): unknown {
  const copy = structuredClone(example) as unknown as Record<string | number, unknown>
  let at = copy
  for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>
  at[path.at(-1) ?? ''] = value
  return copy
}

function mistakesOf(document: unknown): string {
  try {
    readEvidence(document, 'e.json')
  } catch (error) {
    if (error instanceof EvidenceFileError) return error.message
    throw error
  }
  return ''
}

describe('reading', () => {
  it('reads what the design shows', () => {
    expect(parseEvidenceFile(JSON.stringify(example), 'e.json')).toEqual({
      takenAt: Date.parse('2026-01-31T00:00:00Z'),
      sources: [{ ...example.sources[0], leftOut: false, objects: 0, pods: undefined, problems: [] }],
    })
  })

  it.each([
    {
      name: 'references are normalised',
      path: ['sources', 0, 'references', 0, 'reference'],
      value: 'nginx',
      is: { references: [{ reference: 'docker.io/library/nginx:latest', where: 'Deployment shop/app' }] },
    },
    {
      name: 'a list that is absent is empty',
      path: ['sources', 0, 'digests'],
      value: undefined,
      is: { digests: [] },
    },
    {
      name: 'a source that was cut short stays so',
      path: ['sources', 0, 'complete'],
      value: false,
      is: { complete: false, problems: [] },
    },
    {
      name: 'a source that does not say is not complete',
      path: ['sources', 0, 'complete'],
      value: undefined,
      is: { complete: false },
    },
    {
      name: 'an identity may be null',
      path: ['sources', 0, 'identity'],
      value: null,
      is: { identity: undefined },
    },
  ])('$name', ({ path, value, is }) => {
    expect(readEvidence(changed(path, value), 'e.json').sources[0]).toMatchObject(is)
  })

  it.each([
    {
      name: 'another version',
      path: ['schemaVersion'],
      value: 'evidence/v2',
      says: 'schemaVersion is "evidence/v2"',
    },
    { name: 'no version', path: ['schemaVersion'], value: undefined, says: 'schemaVersion is null' },
    { name: 'no time', path: ['takenAt'], value: undefined, says: 'takenAt must be' },
    {
      name: 'a time without an offset',
      path: ['takenAt'],
      value: '2026-01-31T00:00:00',
      says: 'takenAt must be',
    },
    { name: 'no sources', path: ['sources'], value: undefined, says: 'sources must be a list' },
    { name: 'a source without a name', path: ['sources', 0, 'name'], value: '', says: 'sources[0].name' },
    {
      name: 'a text for a flag',
      path: ['sources', 0, 'complete'],
      value: 'true',
      says: 'sources[0].complete must be true or false',
    },
    {
      name: 'a text for a list',
      path: ['sources', 0, 'references'],
      value: 'nginx',
      says: 'sources[0].references must be a list',
    },
    {
      name: 'a text for a reference entry',
      path: ['sources', 0, 'references', 0],
      value: 'nginx',
      says: 'sources[0].references[0] must be an object',
    },
    {
      name: 'what is no reference',
      path: ['sources', 0, 'references', 0, 'reference'],
      value: 'a b',
      says: 'sources[0].references[0].reference is "a b"',
    },
    {
      name: 'what is no digest',
      path: ['sources', 0, 'digests', 0, 'digest'],
      value: 'sha256:ab',
      says: 'sources[0].digests[0].digest is "sha256:ab"',
    },
    {
      name: 'references under a misspelt key',
      path: ['sources', 0],
      value: { name: 'a', complete: true, refrences: [] },
      says: 'sources[0].refrences is no key of evidence/v1; did you mean "references"?',
    },
    {
      name: 'a list that is not known, for it may tell what is in use',
      path: ['sources', 0, 'pulls'],
      value: ['x'],
      says: 'sources[0].pulls is no key of evidence/v1.',
    },
    {
      name: 'a key in capitals',
      path: ['sources', 0],
      value: { name: 'a', Complete: true },
      says: 'sources[0].Complete is no key of evidence/v1; did you mean "complete"?',
    },
    {
      name: 'a list in a reference',
      path: ['sources', 0, 'references', 0, 'also'],
      value: [digest],
      says: 'sources[0].references[0].also is no key',
    },
    {
      name: 'a misspelt key of a digest',
      path: ['sources', 0, 'digests', 0],
      value: { digest, were: 'x' },
      says: 'sources[0].digests[0].were is no key of evidence/v1; did you mean "where"?',
    },
    {
      name: 'an unknown key of a problem',
      path: ['sources', 0, 'problems'],
      value: [{ severity: 'warning', txt: 'x' }],
      says: 'sources[0].problems[0].txt is no key of evidence/v1; did you mean "text"?',
    },
    {
      name: 'a key that could move the cursor, written so that it cannot',
      path: ['sources', 0, 'a\u001b[2K'],
      value: [1],
      says: 'sources[0]["a\\u001b[2K"] is no key',
    },
    {
      name: 'a source told twice',
      path: ['sources', 1],
      value: example.sources[0],
      says: 'sources[1].name repeats',
    },
  ])('refuses $name, with the place', ({ path, value, says }) => {
    expect(mistakesOf(changed(path, value))).toContain(says)
  })

  it.each([
    ['the document', ['comment'], 'by hand'],
    ['a source', ['sources', 0, 'cluster'], { version: '1.36' }],
    ['a reference', ['sources', 0, 'references', 0, 'digest'], digest],
    ['a digest', ['sources', 0, 'digests', 0, 'seen'], 3],
  ])('passes over what a later version may add to %s', (_, path, value) => {
    expect(readEvidence(changed(path, value), 'e.json')).toEqual(readEvidence(example, 'e.json'))
  })

  it('refuses what is in use beside an empty list of sources', () => {
    const { references } = example.sources[0] ?? {}
    const document = { ...example, sources: [], references }
    expect(mistakesOf(document)).toContain('references belongs into a source')
    expect(mistakesOf({ ...document, sources: example.sources })).toBe('')
  })

  it.each([null, [], 'x', 7])('refuses %j instead of a document', (document) => {
    expect(mistakesOf(document)).toContain('must be an object')
  })

  it('refuses a file that was cut short', () => {
    const text = JSON.stringify(example)
    expect(() => parseEvidenceFile(text.slice(0, -5), 'e.json')).toThrow(EvidenceFileError)
  })

  it('tells every mistake at once, and no credential', () => {
    const document = changed(
      ['sources', 0, 'references'],
      [{ reference: '' }, { reference: 'https://me:secret@x/' }, 4],
    )
    const message = mistakesOf(document)
    for (const index of [0, 1, 2]) expect(message).toContain(`references[${index}]`)
    expect(message).not.toContain('secret')
  })
})

const someEvidence: fc.Arbitrary<Evidence> = fc.record({
  takenAt: fc.integer({ min: 0, max: 4_000_000_000_000 }),
  sources: fc.uniqueArray(
    fc.record({
      name: fc.stringMatching(/^[a-z]{1,5}:[a-z]{1,5}$/),
      complete: fc.boolean(),
      leftOut: fc.boolean(),
      identity: fc.option(fc.string(), { nil: undefined }),
      objects: fc.nat(),
      pods: fc.option(fc.nat(), { nil: undefined }),
      references: fc.array(
        fc.oneof(
          fc.record({ reference: fc.constantFrom('r.io/a:1', `r.io/b/c:1@${digest}`), where: fc.string() }),
          fc.record({
            reference: fc.constant('r.io/a:2'),
            where: fc.string(),
            isGuess: fc.constant(true as const),
          }),
        ),
      ),
      digests: fc.array(
        fc
          .record({ digest: fc.constantFrom(digest, digest.replaceAll('b', 'c')), where: fc.string() })
          .map((each) => {
            const parsed = parseDigest(each.digest)
            if (parsed === undefined) throw new Error(each.digest)
            return { ...each, digest: parsed }
          }),
      ),
      problems: fc.array(
        fc.record({
          severity: fc.constantFrom('warning' as const, 'incomplete' as const),
          text: fc.string(),
          accept: fc.option(fc.string(), { nil: undefined }),
        }),
      ),
    }),
    { selector: ({ name }) => name, maxLength: 3 },
  ),
})

it('reads back what it wrote', () => {
  fc.assert(
    fc.property(someEvidence, (evidence) => {
      expect(parseEvidenceFile(printEvidenceFile(evidence), 'e.json')).toEqual(evidence)
    }),
  )
})
