import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseImageId } from './image-id.ts'
import {
  familiarString,
  normalizeReference,
  parseAnyReference,
  parseDockerRef,
  parseNormalized,
  parseReference,
  printReference,
  pulledString,
  type ReferenceOutcome,
} from './reference.ts'

interface Outcome {
  readonly ok: boolean
  readonly error?: string
  readonly domain?: string
  readonly path?: string
  readonly tag?: string | null
  readonly digest?: string | null
  readonly string?: string
}

interface SharedCases {
  readonly cases: readonly {
    readonly input: string
    readonly parse: Outcome
    readonly normalized: Outcome
    readonly familiar: string | null
    readonly dockerRef: string | null
    readonly anyReference: string | null
  }[]
  readonly imageIdCases: readonly {
    readonly input: string
    readonly note: string
    readonly expect: Record<string, unknown>
  }[]
}

const casesFile = resolve(
  import.meta.dirname,
  '../../..',
  process.env['WINNOW_SHARED'] ?? '../shared',
  'cases/reference-cases.json',
)
const shared: SharedCases | undefined = existsSync(casesFile)
  ? (JSON.parse(readFileSync(casesFile, 'utf8')) as SharedCases)
  : undefined

function told(outcome: ReferenceOutcome): Outcome {
  if (!outcome.ok) return outcome
  const { domain, path, tag = null, digest = null } = outcome.reference
  return { ok: true, domain, path, tag, digest, string: printReference(outcome.reference) }
}

function printed(outcome: ReferenceOutcome): string | null {
  return outcome.ok ? printReference(outcome.reference) : null
}

describe.skipIf(shared === undefined)(
  'the shared cases of distribution/reference (reference-cases.json)',
  () => {
    it('holds cases of both kinds', () => {
      expect(shared?.cases.length).toBeGreaterThan(100)
      expect(shared?.imageIdCases.length).toBeGreaterThan(10)
    })

    it.each(shared?.cases ?? [])('reads $input as the Go package does', ({ input, ...expected }) => {
      const normalized = parseNormalized(input)
      expect({
        parse: told(parseReference(input)),
        normalized: told(normalized),
        familiar: normalized.ok ? familiarString(normalized.reference) : null,
        dockerRef: printed(parseDockerRef(input)),
        anyReference: parseAnyReference(input) ?? null,
      }).toEqual({
        parse: expected.parse,
        normalized: expected.normalized,
        familiar: expected.familiar,
        dockerRef: expected.dockerRef,
        anyReference: expected.anyReference,
      })
    })

    it.each(shared?.imageIdCases ?? [])('imageID: $note', ({ input, expect: expected }) => {
      expect(parseImageId(input)).toMatchObject(expected)
    })
  },
)

const hex = 'e6693c20186f837fc393390135d8a598a96a833917917789d63766cab6c59582'
const sha512 = `sha512:${hex}${hex}`

describe('normalizeReference', () => {
  it.each([
    { name: 'a short name is Docker Hub', text: 'nginx', is: 'docker.io/library/nginx' },
    { name: 'hosts are lower-cased', text: 'Registry.Example.com/app:V1', is: 'registry.example.com/app:V1' },
    { name: 'the https port goes', text: 'registry.example.com:443/app', is: 'registry.example.com/app' },
    {
      name: 'the http port stays without http',
      text: 'registry.example.com:80/app',
      is: 'registry.example.com:80/app',
    },
    {
      name: 'the http port goes with http',
      text: 'http://registry.example.com:80/app',
      is: 'registry.example.com/app',
    },
    {
      name: 'registry-1 is docker.io',
      text: 'registry-1.docker.io/library/nginx:1',
      is: 'docker.io/library/nginx:1',
    },
    {
      name: 'the hub host is docker.io',
      text: 'registry.hub.docker.com/nginx',
      is: 'docker.io/library/nginx',
    },
    {
      name: 'index.docker.io in capitals is docker.io',
      text: 'Index.Docker.io/nginx',
      is: 'docker.io/library/nginx',
    },
    {
      name: 'docker-pullable goes',
      text: `docker-pullable://nginx@sha256:${hex}`,
      is: `docker.io/library/nginx@sha256:${hex}`,
    },
    { name: 'docker:// goes', text: 'docker://nginx:1', is: 'docker.io/library/nginx:1' },
    {
      name: 'oci:// and a trailing slash go',
      text: 'oci://r.example.com/charts/app/',
      is: 'r.example.com/charts/app',
    },
    {
      name: 'tag and digest are both kept',
      text: `r.example.com/a:1@sha256:${hex}`,
      is: `r.example.com/a:1@sha256:${hex}`,
    },
    { name: 'sha512 is a digest', text: `r.example.com/a@${sha512}`, is: `r.example.com/a@${sha512}` },
    { name: 'a host that is only its capitals keeps them', text: 'DOCKER/app', is: 'DOCKER/app' },
    { name: 'a host that is only its port keeps it', text: 'registry:443/app', is: 'registry:443/app' },
    { name: 'an IPv6 host is a host', text: '[FC00::1]:5000/app', is: '[fc00::1]:5000/app' },
    { name: 'localhost with a path is a host', text: 'localhost/app', is: 'localhost/app' },
    {
      name: 'localhost alone with a port is a Hub name',
      text: 'localhost:5000',
      is: 'docker.io/library/localhost:5000',
    },
  ])('$name', ({ text, is }) => {
    expect(normalizeReference(text)?.string).toBe(is)
  })

  it.each([
    { name: 'an underscore in the host is no reference', text: 'my_registry.example.com/app' },
    { name: 'a host and a slash is no Hub repository', text: 'registry.example.com/' },
    { name: 'oci:// with a host alone is none', text: 'oci://registry.example.com' },
    { name: 'https:// with one word as host is none', text: 'https://nginx/app' },
    { name: 'a bare digest is none', text: `sha256:${hex}` },
    { name: 'an image id is none', text: hex },
    { name: 'docker:// and a digest is none', text: `docker://sha256:${hex}` },
    { name: 'capitals in the path are none', text: 'registry.example.com/App' },
    { name: 'a short digest is none', text: 'nginx@sha256:e6693c20186f837fc393390135d8a598a96a' },
    { name: 'a capital digest is none', text: `nginx@sha256:${hex.toUpperCase()}` },
    { name: 'two digests are none', text: `nginx@sha256:${hex}@sha256:${hex}` },
    { name: 'an unknown algorithm is none', text: `nginx@sha3:${hex}` },
    { name: 'white space is none', text: ' nginx' },
    { name: 'a template is none', text: '{{ .Values.image }}' },
    { name: 'an empty text is none', text: '' },
    { name: 'more than 1 KiB is none', text: `registry.example.com/${'a'.repeat(1024)}` },
  ])('$name', ({ text }) => {
    expect(normalizeReference(text)).toBeUndefined()
  })

  it('adds latest only to a name without tag and digest', () => {
    const pulled = ['nginx', 'nginx:1', `nginx@sha256:${hex}`].map((text) => {
      const reference = normalizeReference(text)
      return reference && pulledString(reference)
    })
    expect(pulled).toEqual([
      'docker.io/library/nginx:latest',
      'docker.io/library/nginx:1',
      `docker.io/library/nginx@sha256:${hex}`,
    ])
  })
})

const grammar =
  /^(?:[a-z0-9]+(?:[.-][a-z0-9]+)*(?::[0-9]{1,5})?\/)?[a-z0-9]{1,8}(?:[._-][a-z0-9]{1,4})?(?:\/[a-z0-9]{1,8}){0,2}(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,10})?(?:@sha256:[a-f0-9]{64})?$/

describe('properties', () => {
  it('normalising twice is normalising once, whatever the text', () => {
    const anyText = fc.oneof(
      fc.stringMatching(grammar),
      fc.string({ maxLength: 60 }),
      fc
        .tuple(fc.constantFrom('oci://', 'HTTP://', 'docker://', ''), fc.stringMatching(grammar))
        .map((pair) => pair.join('')),
    )
    fc.assert(
      fc.property(anyText, (text) => {
        const once = normalizeReference(text)
        if (once !== undefined) expect(normalizeReference(once.string)).toEqual(once)
      }),
      { numRuns: 500 },
    )
  })

  it('reads back what it printed', () => {
    fc.assert(
      fc.property(fc.stringMatching(grammar), (text) => {
        const outcome = parseReference(text)
        if (outcome.ok) expect(parseReference(printReference(outcome.reference))).toEqual(outcome)
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    'a'.repeat(1000),
    'a-'.repeat(500),
    'a.'.repeat(500),
    'a/'.repeat(500),
    `${'-'.repeat(1000)}A`,
    'a__'.repeat(330) + '!',
  ])('answers at once on hostile input', (text) => {
    const started = performance.now()
    for (let i = 0; i < 20; i++) normalizeReference(text)
    // A step that grew with the square of the text, let alone faster, would take minutes.
    expect(performance.now() - started).toBeLessThan(10_000)
  })
})
