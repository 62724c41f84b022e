import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseReferenceFile } from './reference-file.ts'

const hex = 'e6693c20186f837fc393390135d8a598a96a833917917789d63766cab6c59582'

describe('lines that say what to keep', () => {
  it.each([
    { name: 'a short name', text: 'nginx', is: 'docker.io/library/nginx:latest' },
    {
      name: 'a full name',
      text: 'registry.example.com/team/app:1.2',
      is: 'registry.example.com/team/app:1.2',
    },
    {
      name: 'tag and digest are both kept',
      text: `nginx:1@sha256:${hex}`,
      is: `docker.io/library/nginx:1@sha256:${hex}`,
    },
    {
      name: 'a digest needs no latest',
      text: `nginx@sha256:${hex}`,
      is: `docker.io/library/nginx@sha256:${hex}`,
    },
    { name: 'blanks around it', text: '\t nginx:1  ', is: 'docker.io/library/nginx:1' },
    { name: 'a comment behind it', text: 'nginx:1 # pinned', is: 'docker.io/library/nginx:1' },
    {
      name: 'a chart',
      text: 'oci://registry.example.com/charts/app',
      is: 'registry.example.com/charts/app:latest',
    },
    { name: 'a host by its number', text: '[fc00::1]:5000/app:1', is: '[fc00::1]:5000/app:1' },
  ])('$name', ({ text, is }) => {
    const { complete, references, digests, errors } = parseReferenceFile(text, 'keep.txt')
    expect({ complete, digests, errors }).toEqual({ complete: true, digests: [], errors: [] })
    expect(references.map(({ normalized }) => normalized)).toEqual([is])
  })

  it.each([`sha256:${hex}`, hex, `docker://sha256:${hex}`])('%s is a digest', (text) => {
    expect(parseReferenceFile(text, 'keep.txt')).toEqual({
      complete: true,
      references: [],
      digests: [{ digest: `sha256:${hex}`, where: 'keep.txt:1' }],
      errors: [],
    })
  })

  it('counts lines, whatever ends them, and passes over comments, empty lines and a byte order mark', () => {
    const text = '\uFEFFnginx:1\r\n\r\n# kept for the auditors\n  # too\napp:2\rapp:3\n'
    expect(parseReferenceFile(text, 'dir/keep.txt').references).toEqual([
      { reference: 'nginx:1', normalized: 'docker.io/library/nginx:1', where: 'dir/keep.txt:1' },
      { reference: 'app:2', normalized: 'docker.io/library/app:2', where: 'dir/keep.txt:5' },
      { reference: 'app:3', normalized: 'docker.io/library/app:3', where: 'dir/keep.txt:6' },
    ])
  })
})

describe('lines that are wrong', () => {
  it.each([
    { text: 'registry.example.com/team/*', says: /pattern/ },
    { text: 'https://registry.example.com/team/app:1', says: /web address/ },
    { text: '{{ .Values.image }}', says: /template/ },
    { text: 'nginx:1 nginx:2', says: /One reference a line/ },
    { text: `sha256:${hex.slice(1)}`, says: /digest/ },
    { text: `sha256:${hex.toUpperCase()}`, says: /digest/ },
    { text: hex.toUpperCase(), says: /digest/ },
    { text: 'nginx@sha256:abc', says: /digest/ },
    { text: 'registry.example.com/Team/app', says: /Capital/ },
    { text: 'my_registry.example.com/app', says: /no image reference/ },
    { text: 'nginx:', says: /no image reference/ },
    { text: 'registry.example.com/', says: /no image reference/ },
    { text: `a/${'b'.repeat(2000)}`, says: /longer/ },
  ])('$text', ({ text, says }) => {
    const { complete, references, digests, errors } = parseReferenceFile(`nginx\n${text}`, 'keep.txt')
    expect(complete).toBe(false)
    expect(references).toHaveLength(1)
    expect(digests).toEqual([])
    expect(errors).toEqual([
      {
        line: 2,
        text: text.length > 200 ? `${text.slice(0, 200)}…` : text,
        message: expect.stringMatching(says) as string,
      },
    ])
  })

  it('shows no credential', () => {
    const { errors } = parseReferenceFile('https://me:secret@registry.example.com/app', 'keep.txt')
    expect(errors).toHaveLength(1)
    expect(JSON.stringify(errors)).not.toContain('secret')
  })
})

it('accounts for every line that is neither empty nor a comment', () => {
  const line = fc.oneof(
    fc.constantFrom('nginx', `sha256:${hex}`, 'x y', '*', 'a.io/b:1'),
    fc.string({ maxLength: 30 }).map((text) => text.replace(/[\r\n]/g, ' ')),
  )
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const spoken = lines.filter((text) => text.trim() !== '' && !text.trim().startsWith('#')).length
      const { references, digests, errors, complete } = parseReferenceFile(lines.join('\n'), 'f')
      expect(references.length + digests.length + errors.length).toBe(spoken)
      expect(complete).toBe(errors.length === 0)
    }),
  )
})
