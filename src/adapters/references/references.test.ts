import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { InterruptedError } from '../../core/errors/errors.ts'
import type { ManagedNames } from '../../core/evidence/managed-names.ts'
import { createEvidenceFileSources, readEvidenceFile } from './evidence-file-source.ts'
import { readTextFile, TextFileError } from './read-text-file.ts'
import { createReferenceFileSource, readReferenceFile } from './reference-file-source.ts'

const managed: ManagedNames = { registries: [], tagsOf: () => new Set() }
const digest = `sha256:${'ab'.repeat(32)}`
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'winnow-references-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

describe('a reference file as a source', () => {
  it('tells what is in use, and where it stands', async () => {
    const path = await file('keep.txt', `# kept\nnginx:1\n${digest}\n`)
    const source = createReferenceFileSource({ name: 'pinned', path })
    expect(source.name).toBe('references:pinned')
    expect(await source.gather(managed)).toEqual({
      name: 'references:pinned',
      complete: true,
      leftOut: false,
      identity: undefined,
      objects: 2,
      pods: undefined,
      references: [{ reference: 'docker.io/library/nginx:1', where: `${path}:2` }],
      digests: [{ digest, where: `${path}:3` }],
      problems: [],
    })
  })

  it('is incomplete with a wrong line, names it, and keeps what the others say', async () => {
    const path = await file('wrong.txt', 'nginx:1\n*\n')
    const answer = await createReferenceFileSource({ name: 'pinned', path }).gather(managed)
    expect(answer.complete).toBe(false)
    expect(answer.references).toHaveLength(1)
    expect(answer.problems).toMatchObject([
      { severity: 'incomplete', accept: 'references:pinned/wrong-lines' },
    ])
    expect(answer.problems[0]?.text).toContain(`${path}:2: "*"`)
  })

  it.each([
    {
      name: 'a file that is not there',
      make: () => Promise.resolve(join(folder, 'none.txt')),
      says: 'is not there',
    },
    { name: 'a folder', make: () => Promise.resolve(folder), says: 'no file to read' },
    {
      name: 'what is not UTF-8',
      make: () => file('latin.txt', new Uint8Array([0x6e, 0xe4, 0x0a])),
      says: 'UTF-8',
    },
  ])('is incomplete for $name, and does not throw', async ({ make, says }) => {
    const answer = await createReferenceFileSource({ name: 'pinned', path: await make() }).gather(managed)
    expect(answer).toMatchObject({ complete: false, references: [], problems: [{ severity: 'incomplete' }] })
    expect(answer.problems[0]?.text).toContain(says)
  })

  it('sees what was written since it was asked last', async () => {
    const path = await file('grows.txt', 'a\n')
    const source = createReferenceFileSource({ name: 'grows', path })
    expect((await source.gather(managed)).references).toHaveLength(1)
    await writeFile(path, 'a\nb\n')
    expect((await source.gather(managed)).references).toHaveLength(2)
  })

  it('throws when cancelled, instead of answering less', async () => {
    const path = await file('keep2.txt', 'nginx:1\n')
    const source = createReferenceFileSource({ name: 'pinned', path })
    await expect(source.gather(managed, { signal: AbortSignal.abort() })).rejects.toThrow(InterruptedError)
  })

  it('can be shown line by line', async () => {
    const path = await file('shown.txt', 'nginx\nx y\n')
    const { references, errors } = await readReferenceFile(path)
    expect(references[0]).toMatchObject({ reference: 'nginx', normalized: 'docker.io/library/nginx:latest' })
    expect(errors[0]).toMatchObject({ line: 2, text: 'x y' })
  })
})

describe('evidence files as sources', () => {
  const document = {
    schemaVersion: 'evidence/v1',
    takenAt: '2026-01-31T00:00:00Z',
    sources: [
      { name: 'kubernetes:a', complete: true, references: [{ reference: 'nginx:1', where: 'Pod a/b' }] },
      { name: 'helm:a', complete: false },
    ],
  }

  it('gives each source its name and its answer', async () => {
    const path = await file('evidence.json', JSON.stringify(document))
    expect((await readEvidenceFile(path)).takenAt).toBe(Date.parse('2026-01-31T00:00:00Z'))
    const sources = await createEvidenceFileSources([path])
    expect(sources.map(({ name }) => name)).toEqual(['kubernetes:a', 'helm:a'])
    const answers = await Promise.all(sources.map((source) => source.gather(managed)))
    expect(answers).toMatchObject([
      { complete: true, references: [{ reference: 'docker.io/library/nginx:1', where: 'Pod a/b' }] },
      { complete: false, references: [] },
    ])
  })

  it('makes an incomplete source of a file that cannot be relied on', async () => {
    const good = await file('good.json', JSON.stringify(document))
    const cut = await file('cut.json', JSON.stringify(document).slice(0, 60))
    const sources = await createEvidenceFileSources([good, cut, join(folder, 'none.json')])
    const answers = await Promise.all(sources.map((source) => source.gather(managed)))
    expect(answers.map(({ name, complete }) => [name, complete])).toEqual([
      ['kubernetes:a', true],
      ['helm:a', false],
      [`evidence:${cut}`, false],
      [`evidence:${join(folder, 'none.json')}`, false],
    ])
  })
})

it('refuses a file past the limit instead of reading a part of it', async () => {
  const path = await file('large.txt', 'nginx:1\n'.repeat(100))
  await expect(readTextFile(path, {}, 100)).rejects.toThrow(TextFileError)
  await expect(readTextFile(path, {}, 800)).resolves.toHaveLength(800)
})
