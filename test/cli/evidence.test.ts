/** `winnow evidence`: what is in use, from files and from sources, as people and programs read it. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { evidenceSchema } from '../../src/cli/schemas/file-formats.ts'
import { parseEvidenceFile } from '../../src/core/evidence/evidence-file.ts'
import { makeSampleFolder, type SampleFolder } from '../support/sample-folder.ts'
import { winnow } from '../support/winnow-in-process.ts'

let folder = ''
let sample: SampleFolder

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'winnow-evidence-'))
  sample = await makeSampleFolder()
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  await sample.remove()
})

const digest = `sha256:${'a'.repeat(64)}`

async function fileOf(text: string, name = 'keep.txt'): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

function references(...files: readonly string[]): readonly string[] {
  return files.flatMap((file) => ['--references', file])
}

describe('winnow evidence --references', () => {
  it('tells every line of a file, normalised, with its place, and needs no configuration', async () => {
    const file = await fileOf(`# pinned\nx\n\nhost:5000/a/b:1@${digest}   # both\n${digest}\n`)
    const { code, stdout, stderr } = await winnow(['evidence', ...references(file), '-o', 'json'])
    expect([code, stderr]).toEqual([0, ''])
    expect(JSON.parse(stdout)).toMatchObject({
      schemaVersion: 'evidence/v1',
      complete: true,
      references: [
        { reference: 'x', normalized: 'docker.io/library/x:latest', where: `${file}:2` },
        {
          reference: `host:5000/a/b:1@${digest}`,
          normalized: `host:5000/a/b:1@${digest}`,
          where: `${file}:4`,
        },
      ],
      digests: [{ digest, where: `${file}:5` }],
      errors: [],
    })
  })

  it('tells wrong lines, is incomplete, and ends with 6; what could be read is there all the same', async () => {
    const file = await fileOf('x:1\nteam/*\nteam/UPPER\n')
    const { code, stdout, stderr } = await winnow(['evidence', ...references(file), '-o', 'json'])
    const document = evidenceSchema.parse(JSON.parse(stdout))
    expect(code).toBe(6)
    expect(document.complete).toBe(false)
    expect(document.errors?.map(({ line, text }) => [line, text])).toEqual([
      [2, 'team/*'],
      [3, 'team/UPPER'],
    ])
    expect(document.references).toHaveLength(1)
    expect(stderr).toContain(`${file}:2`)
  })

  it('names the file of a wrong line when there are several', async () => {
    const [good, bad] = [await fileOf('x\n', 'good.txt'), await fileOf('??\n', 'bad.txt')]
    const { code, stdout } = await winnow(['evidence', ...references(good, bad), '-o', 'json'])
    expect(code).toBe(6)
    expect(JSON.parse(stdout)).toMatchObject({ errors: [{ file: bad, line: 1 }], sources: [{}, {}] })
  })

  it('prints what --evidence reads: the same references, and still incomplete', async () => {
    const file = await fileOf('x:1\n??\n')
    const { stdout } = await winnow(['evidence', ...references(file), '-o', 'json'])
    const [source] = parseEvidenceFile(stdout, 'evidence.json').sources
    expect(source).toMatchObject({
      complete: false,
      references: [{ reference: 'docker.io/library/x:1', where: `${file}:1` }],
    })
    expect(source?.problems[0]?.text).toContain('??')
  })

  it('ends with 6 for a file that is not there', async () => {
    const { code, stdout, stderr } = await winnow([
      'evidence',
      ...references(join(folder, 'no.txt')),
      '-o',
      'json',
    ])
    expect([code, stdout]).toEqual([6, ''])
    expect(stderr).toContain('no.txt is not there')
  })
})

describe('winnow evidence', () => {
  it('writes evidence/v1, the same to the file and to stdout', async () => {
    const out = join(folder, 'evidence.json')
    const { code, stdout } = await winnow(['evidence', ...sample.words, '-o', 'json', '--out', out])
    expect(code).toBe(0)
    expect(await readFile(out, 'utf8')).toBe(stdout)
    const document = evidenceSchema.parse(JSON.parse(stdout))
    expect(document.sources.map(({ name, complete }) => [name, complete])).toEqual([
      ['kubernetes:lab', true],
      ['helm:lab', true],
      ['references:pinned', true],
    ])
  })

  it('says that a source was left out, and is done all the same', async () => {
    const { code, stdout } = await winnow([
      'evidence',
      ...sample.words,
      '--without-evidence',
      'references:pinned',
    ])
    expect(code).toBe(0)
    expect(stdout).toContain('references:pinned: left out on purpose')
  })

  it('ends with 6 when a source does not answer, and tells what the others said', async () => {
    const config = join(sample.path, 'broken.yaml')
    const text = await readFile(join(sample.path, 'winnow.yaml'), 'utf8')
    await writeFile(config, text.replace('keep.txt', 'gone.txt'))
    const { code, stdout, stderr } = await winnow([
      'evidence',
      ...['--config', config, '--state', join(sample.path, 'state')],
    ])
    expect(code).toBe(6)
    expect(stdout).toContain('references:pinned: INCOMPLETE')
    expect(stdout).toContain('kubernetes:lab: complete')
    expect(stderr).toContain('gone.txt')
  })

  it('ends with 64 for a source that nobody has', async () => {
    const { code } = await winnow(['evidence', ...sample.words, '--without-evidence', 'nobody'])
    expect(code).toBe(64)
  })
})
