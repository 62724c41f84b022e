import fc from 'fast-check'
import { expect, it } from 'vitest'
import { linkFileLine, parseLinkFile } from './link-file.ts'

const commit = '9a'.repeat(20)
const image = `registry.example.com/team/app@sha256:${'1c'.repeat(32)}`

it('reads what it writes', () => {
  const line = linkFileLine({ image, commits: [commit], source: 'https://git.example.com/ö', ref: 'main' })
  expect(line).toBe(
    `{"schemaVersion":"link/v1","image":"${image}","commits":["${commit}"],"ref":"main","source":"https://git.example.com/ö"}\n`,
  )
  const { links, problems } = parseLinkFile(`\n${line}\r\n${line}`, 'links.ndjson')
  expect(problems).toEqual([])
  expect(links).toHaveLength(2)
  expect(links[0]).toMatchObject({
    image: { domain: 'registry.example.com', path: 'team/app', digest: `sha256:${'1c'.repeat(32)}` },
    commits: [commit],
    ref: 'main',
    where: 'links.ndjson:2',
  })
  expect(links[1]?.where).toBe('links.ndjson:4')
})

it('takes ids in any case, each once, and passes over keys it does not know', () => {
  const line = { schemaVersion: 'link/v1', image, commits: [commit.toUpperCase(), commit], later: 1 }
  expect(parseLinkFile(JSON.stringify(line), 'f').links[0]?.commits).toEqual([commit])
})

const good = { schemaVersion: 'link/v1', image, commits: [commit] }

it.each([
  { name: 'no JSON', line: '{"schemaVersion":"li', says: /no JSON object/ },
  { name: 'no object', line: '[]', says: /no JSON object/ },
  { name: 'another version', line: { ...good, schemaVersion: 'link/v2' }, says: /"link\/v2".*"link\/v1"/ },
  { name: 'no version', line: { ...good, schemaVersion: undefined }, says: /missing/ },
  { name: 'no image', line: { ...good, image: 7 }, says: /no image reference/ },
  { name: 'an image by its tag', line: { ...good, image: 'r.example.com/a:1' }, says: /no digest/ },
  { name: 'no commits', line: { ...good, commits: [] }, says: /no list/ },
  { name: 'a short commit', line: { ...good, commits: [commit, '9a9a9a9'] }, says: /commits\[1\]/ },
])('names the place of a line with $name', ({ line, says }) => {
  const text = typeof line === 'string' ? line : JSON.stringify(line)
  const { links, problems } = parseLinkFile(`${JSON.stringify(good)}\n${text}\n`, 'a/links.ndjson')
  expect(links).toHaveLength(1)
  expect(problems).toHaveLength(1)
  expect(problems[0]).toMatch(/^a\/links\.ndjson:2: /)
  expect(problems[0]).toMatch(says)
})

it('tells of every line that is neither a link nor empty', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), (texts) => {
      const lines = texts.join('\n').split('\n')
      const { links, problems } = parseLinkFile(texts.join('\n'), 'f')
      expect(links.length + problems.length).toBe(lines.filter((line) => line.trim() !== '').length)
    }),
  )
})
