import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RegistryName } from '../image/names.ts'
import { normalizeReference } from '../image/reference.ts'
import type { ManagedNames } from './managed-names.ts'
import { createTextScanner, type Mention } from './scan-text.ts'

const managed: ManagedNames = {
  registries: [
    {
      name: 'prod' as RegistryName,
      prefixes: [
        'registry.example.com',
        'mirror.example.com/prod',
        'localhost:5000',
        'docker.io',
        'registry',
      ],
    },
  ],
  tagsOf: () => new Set(),
}
const scanner = createTextScanner(managed)
const hex = 'e6693c20186f837fc393390135d8a598a96a833917917789d63766cab6c59582'
const app = 'registry.example.com/team/app'

function shown(mention: Mention): string {
  switch (mention.kind) {
    case 'reference':
      return `${mention.isGuess ? 'guess' : 'reference'} ${mention.reference.string}`
    case 'repository':
      return `repository ${mention.reference.string}`
    case 'digest':
      return `digest ${mention.digest}`
    case 'template':
    case 'unreadable':
      return `${mention.kind} ${mention.text}`
  }
}

describe('references in text', () => {
  it.each([
    { name: 'the whole string', text: `${app}:1`, is: [`reference ${app}:1`] },
    { name: 'a flag', text: `--config-reloader=${app}:1`, is: [`reference ${app}:1`] },
    { name: 'a list item', text: `-${app}:1`, is: [`reference ${app}:1`] },
    {
      name: 'a pair of old and new',
      text: `${app}=${app}2:1`,
      is: [`repository ${app}`, `reference ${app}2:1`],
    },
    {
      name: 'a map of versions in one variable',
      text: `4.2.0=${app}:a\n4.3.0=${app}:b`,
      is: [`reference ${app}:a`, `reference ${app}:b`],
    },
    {
      name: 'JSON with escaped slashes',
      text: `{"a":"${app.replaceAll('/', '\\/')}:1"}`,
      is: [`reference ${app}:1`],
    },
    {
      name: 'JSON with slashes as code points',
      text: `{"a":"${app.replaceAll('/', '\\u002F')}:1"}`,
      is: [`reference ${app}:1`],
    },
    {
      name: 'a line in JSON in JSON',
      text: `{\\"a\\":\\"x\\\\n${app}:1\\\\ny\\"}`,
      is: [`reference ${app}:1`],
    },
    { name: 'behind an escaped angle bracket', text: `\\u003c${app}:1\\u003e`, is: [`reference ${app}:1`] },
    {
      name: 'capitals in the host, and the default port',
      text: 'REGISTRY.example.com:443/team/app:1',
      is: [`reference ${app}:1`],
    },
    {
      name: 'an oci address',
      text: 'oci://registry.example.com/charts/app/',
      is: ['repository registry.example.com/charts/app'],
    },
    {
      name: 'a digest beside a tag',
      text: `${app}:1@sha256:${hex}`,
      is: [`reference ${app}:1@sha256:${hex}`, `digest sha256:${hex}`],
    },
    {
      name: 'a full stop may belong to the tag',
      text: `Use ${app}:1.2.`,
      is: [`guess ${app}:1.2.`, `guess ${app}:1.2`],
    },
    { name: 'a full stop behind a name', text: `Use ${app}. Then`, is: [`repository ${app}`] },
    {
      name: 'brackets, commas and quotes',
      text: `[x](${app}:1), '${app}:2'; {${app}:3}`,
      is: [`reference ${app}:1`, `reference ${app}:2`, `reference ${app}:3`],
    },
    {
      name: 'an alias with a path',
      text: 'mirror.example.com/prod/x:1',
      is: ['reference mirror.example.com/prod/x:1'],
    },
    { name: 'a host with a port', text: 'localhost:5000/x:1', is: ['reference localhost:5000/x:1'] },
    {
      name: 'a name of Docker Hub with its host',
      text: 'index.docker.io/nginx:1',
      is: ['reference docker.io/library/nginx:1'],
    },
    { name: 'a one-word host with its port', text: 'registry:443/x:1', is: ['reference registry:443/x:1'] },
    {
      name: 'inside the path of another host',
      text: `proxy.example.net/${app}:1`,
      is: [`reference ${app}:1`],
    },
    { name: 'a digest alone', text: `IMAGE_DIGEST=sha256:${hex}`, is: [`digest sha256:${hex}`] },
    { name: 'a template for the tag', text: `${app}:\${TAG}`, is: [`repository ${app}`] },
    { name: 'a template within the tag', text: `${app}:v{{ .Values.tag }}`, is: [`repository ${app}`] },
    {
      name: 'a template for the digest leaves the tag',
      text: `${app}:1@$(DIGEST)`,
      is: [`reference ${app}:1`],
    },
    {
      name: 'a template for the repository',
      text: 'registry.example.com/$(params.image):1',
      is: ['template registry.example.com/$(params.image):1'],
    },
    { name: 'a template within the repository', text: `${app}-{{env}}:1`, is: [`template ${app}-{{env}}:1`] },
  ])('$name', ({ text, is }) => {
    expect(scanner.scan(text).map(shown)).toEqual(is)
  })
})

describe('what begins like a reference of ours and is none is told', () => {
  it.each([
    'registry.example.com/App:1',
    'registry.example.com/team/App:1',
    'registry.example.com//app',
    'registry.example.com./app:1',
    `${app}@sha256:abc`,
    'mirror.example.com/prod/App:1',
    `registry.example.com/${'a'.repeat(300)}`,
  ])('%s', (text) => {
    expect(scanner.scan(`image: ${text}`).map(({ kind }) => kind)).toEqual(['unreadable'])
    expect(scanner.hasManagedHost(text)).toBe(true)
  })
})

describe('what is not ours is left alone', () => {
  it.each([
    'my-registry.example.com/app:1',
    'xregistry.example.com/app:1',
    'registry.example.com:5000/app:1',
    'registry.example.com.evil.example/app:1',
    'mirror.example.com/other/App:1',
    'registry.example.com: a host and no image',
    'registry.example.com/*',
    'https://registry.example.com/',
    'https://registry.example.com/v2/_catalog',
    'nginx:1.25',
    'registry/app:1',
    `sha256:${hex}0`,
  ])('%s', (text) => {
    expect(scanner.scan(text)).toEqual([])
  })

  it('finds nothing but digests when no name is managed', () => {
    const none = createTextScanner({ registries: [], tagsOf: () => new Set() })
    expect(none.scan(`${app}:1 sha256:${hex}`).map(shown)).toEqual([`digest sha256:${hex}`])
  })
})

const component = fc.stringMatching(/^[a-z0-9]{1,6}(?:[._-][a-z0-9]{1,4})?$/)
const reference = fc
  .tuple(
    fc.constantFrom(
      'registry.example.com',
      'mirror.example.com/prod',
      'localhost:5000',
      'Registry.Example.com:443',
    ),
    fc.array(component, { minLength: 1, maxLength: 3 }),
    fc.option(fc.stringMatching(/^[A-Za-z0-9_]([A-Za-z0-9._-]{0,20}[A-Za-z0-9])?$/), { nil: undefined }),
    fc.boolean(),
  )
  .map(
    ([host, path, tag, isPinned]) =>
      `${host}/${path.join('/')}${tag === undefined ? '' : `:${tag}`}${isPinned ? `@sha256:${hex}` : ''}`,
  )
const before = fc.constantFrom(
  '',
  ' ',
  '"',
  "'",
  '=',
  '-f=',
  'oci://',
  '\n',
  '\t- ',
  '\\n',
  '\\\\n',
  '\\u003c',
  '(',
  '[',
  '{',
  ',',
  'a: ',
  'x=y;',
  '`',
  '<',
  '|',
  'é ',
  '\\t',
  '/',
  '@',
)
const after = fc.constantFrom(
  '',
  ' ',
  '"',
  "'",
  ',',
  ';',
  '\n',
  '\\n',
  ')',
  ']',
  '}',
  '`',
  '>',
  '|',
  '\\"',
  '\\u003e',
  '&',
  '。',
  '\t',
)
const surroundings = fc.string({ maxLength: 30 })
const encoding = fc.constantFrom(
  (text: string) => text,
  (text: string) => text.replaceAll('/', '\\/'),
  (text: string) => text.replaceAll('/', '\\u002f'),
  (text: string) => JSON.stringify(JSON.stringify({ a: text })),
)

describe('properties', () => {
  it('finds every reference, whatever surrounds it', () => {
    fc.assert(
      fc.property(
        surroundings,
        before,
        reference,
        after,
        surroundings,
        encoding,
        (left, open, written, close, right, encode) => {
          // Letters right in front would make another host of it; a boundary is what `open` stands for.
          const text = encode(
            `${left}${open === '' ? ' ' : open}${written}${close === '' ? ' ' : close}${right}`,
          )
          const wanted = normalizeReference(written)?.string
          const found = scanner
            .scan(text)
            .flatMap((mention) => ('reference' in mention ? [mention.reference.string] : []))
          expect(found).toContain(wanted)
        },
      ),
      { numRuns: 3000 },
    )
  })

  it.each([
    'registry.example.com/',
    'registry.example.com/a:-',
    'registry.example.com/a$',
    '\\',
    'a/',
    'sha256:',
    'a-',
    '-',
    '/registry.example.com',
    'registry.example.com:',
    '\\u002f',
  ])('takes linear time on a text of nothing but %j', (unit) => {
    const timed = (length: number): number => {
      const text = `registry.example.com/x${unit.repeat(length / unit.length)}`
      const started = performance.now()
      scanner.scan(text)
      return performance.now() - started
    }
    timed(50_000)
    // A quadratic step would take many minutes for a megabyte; the slowest honest one takes a quarter of a second.
    expect(timed(1_000_000)).toBeLessThan(5000)
  })
})
