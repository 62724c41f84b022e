/** `winnow plan`: what it shows, what it saves, and how it ends. Nothing here may change the registry. */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { treeDigest } from '../../src/cli/tree-digest.ts'
import { parsePlanFile } from '../../src/core/plan/plan-file.ts'
import { makeSampleFolder, type SampleFolder } from '../support/sample-folder.ts'
import { winnow } from '../support/winnow-in-process.ts'

let sample: SampleFolder
let untouched: string
/** How many images the plan of the sample deletes: about 152, a few more or less by the day of the week and month. */
let deletes: number

beforeAll(async () => {
  sample = await makeSampleFolder()
  deletes = parsePlanFile((await winnow(['plan', '-o', 'json', ...sample.words])).stdout, 'stdout').actions
    .length
  expect(Math.abs(deletes - 152)).toBeLessThan(8)
  untouched = (await treeDigest(join(sample.path, 'registry'))).digest
})

afterAll(async () => {
  const after = (await treeDigest(join(sample.path, 'registry'))).digest
  await sample.remove()
  expect(after).toBe(untouched)
})

const at = (name: string): string => join(sample.path, name)

/** A copy of the sample's configuration, with one text replaced. */
async function configWith(from: string, to: string): Promise<readonly string[]> {
  const text = await readFile(at('winnow.yaml'), 'utf8')
  expect(text).toContain(from)
  await writeFile(at('other.yaml'), text.replace(from, to))
  return ['--config', at('other.yaml'), '--state', at('state')]
}

describe('winnow plan', () => {
  it('ends with 0 and says that nothing was changed', async () => {
    const { code, stdout } = await winnow(['plan', ...sample.words])
    expect(code).toBe(0)
    expect(stdout).toContain(`Plan: delete ${deletes} images (`)
    expect(stdout).toMatch(
      /^Plan: delete \d+ images \(\d+ manifests, \d+ tags\), keep \d+\. Nothing was changed\.$/m,
    )
    expect(stdout).toMatch(/… \d+ more \(--show all\)/)
  })

  it('ends with 2 when asked to tell deletions, and saves the same plan that it prints', async () => {
    const words = ['plan', '--out', at('plan.json'), '--detailed-exitcode', '-o', 'json', ...sample.words]
    const { code, stdout, stderr } = await winnow(words)
    expect(code).toBe(2)
    expect(await readFile(at('plan.json'), 'utf8')).toBe(stdout)
    expect(parsePlanFile(stdout, 'stdout').actions).toHaveLength(deletes)
    expect(stderr).toContain(`winnow apply ${at('plan.json')}`)
  })

  it('says the closest rule of an image that no rule keeps', async () => {
    const { stdout } = await winnow(['plan', ...sample.words])
    expect(stdout).toMatch(/pr-437 .* 15d old, past 14d \(pull requests\) +unmatched +winnow\.yaml:\d+/)
  })

  it('shows what stays, with its reasons, on --show all', async () => {
    const { stdout } = await winnow(['plan', '--show', 'all', ...sample.words])
    expect(stdout).toMatch(/^ {2}= .*newest of \d+ by semver/m)
    expect(stdout).not.toContain('--show all')
  })

  it('shows a plan over a limit, names the key, ends with 5 and saves nothing', async () => {
    const words = await configWith('maxShare: 80%', 'maxShare: 10%')
    const { code, stdout, stderr } = await winnow(['plan', '--out', at('never.json'), ...words])
    expect(code).toBe(5)
    expect(stdout).toContain(`Plan: delete ${deletes} images`)
    expect(stderr).toContain('limits.maxShare')
    expect(await readdir(sample.path)).not.toContain('never.json')
  })

  it('plans nothing and ends with 6 when a source cannot answer, and goes on when it is left out by name', async () => {
    const words = await configWith('dump: lab.json', 'dump: gone.json')
    const refused = await winnow(['plan', ...words])
    expect([refused.code, refused.stdout]).toEqual([6, ''])
    const { code, stdout } = await winnow(['plan', '--without-evidence', 'lab', ...words])
    expect(code).toBe(0)
    expect(stdout).toContain('kubernetes:lab LEFT OUT')
  })

  it('is the same offline, byte for byte, twice', async () => {
    const { stdout: inventory } = await winnow(['inventory', '-o', 'json', ...sample.words])
    await writeFile(at('inventory.json'), inventory)
    const now = ['--inventory', at('inventory.json'), '--now', new Date().toISOString()]
    const words = ['plan', '-o', 'json', ...now, ...sample.words]
    const [one, two] = [await winnow(words), await winnow(words)]
    expect(one.code).toBe(0)
    expect(two.stdout).toBe(one.stdout)
    expect(parsePlanFile(one.stdout, 'stdout').actions).toHaveLength(deletes)
    await rm(at('inventory.json'))
  })
})

describe('bad words', () => {
  it.each([
    { words: ['plan', '--now', 'yesterday'], code: 64, says: 'is not a time' },
    { words: ['plan', '--expires', '1x'], code: 64, says: 'is not a duration' },
    {
      words: ['plan', '--without-evidence', 'nobody'],
      code: 64,
      says: 'no source of evidence called nobody',
    },
    { words: ['plan', '--otu', 'x'], code: 64, says: 'Did you mean --out?' },
    { words: ['plann'], code: 64, says: 'Did you mean plan?' },
    { words: ['plan', '--inventory', 'nope.json'], code: 1, says: 'nope.json cannot be read' },
    { words: ['simulate', '--at', '30d'], code: 64, says: '+30d' },
    { words: ['apply'], code: 64, says: '--yes' },
    { words: ['undo', 'r-1', '--yes'], code: 64, says: 'winnow history' },
    { words: ['explain', 'team/api:3.1.3'], code: 1, says: 'team/api:3.1.2' },
  ])('$words end with $code and a way out', async ({ words, code, says }) => {
    const isKnown = words[0] !== 'plann'
    const ended = await winnow([...words, ...(isKnown ? sample.words : [])])
    expect([ended.code, ended.stdout]).toEqual([code, ''])
    expect(ended.stderr).toContain(says)
    expect(ended.stderr).not.toMatch(/\n\s+at .*:\d+:\d+/)
  })

  it('a missing configuration ends with 3 and says how to write one', async () => {
    const { code, stderr } = await winnow(['plan', '--config', at('nope.yaml')])
    expect(code).toBe(3)
    expect(stderr).toContain('winnow init')
  })
})

describe('winnow simulate', () => {
  it('plans for a later day, and its plan cannot be applied today', async () => {
    const { code, stdout } = await winnow(['simulate', '--at', '+90d', '-o', 'json', ...sample.words])
    const plan = parsePlanFile(stdout, 'stdout')
    expect(code).toBe(0)
    expect(plan.now).toBeGreaterThan(Date.now() + 89 * 86_400_000)
    expect(plan.expiresAt).toBe(plan.now)
    expect(plan.actions.length).toBeGreaterThan(deletes)
  })
})

describe('winnow explain', () => {
  it.each([
    { word: 'team/api:2.2.0', says: /^team\/api:2\.2\.0 → KEEP$[^]*Helm release shop\/shop-api revision 1/m },
    { word: 'sample/team/web:pr-405', says: /^team\/web:pr-405 → DELETE$[^]*not kept: \d+d old, past 14d/m },
    { word: 'registry.example.com/team/web:2.3.1', says: /^team\/web:2\.3\.1 → KEEP$/m },
    { word: 'base/debian:12.1', says: /no policy governs its repository/ },
  ])('tells the story of $word', async ({ word, says }) => {
    const { code, stdout } = await winnow(['explain', word, ...sample.words])
    expect(code).toBe(0)
    expect(stdout).toMatch(says)
  })

  it('finds an image by the digest that a plan prints, and tells the same in JSON', async () => {
    const { stdout: plan } = await winnow(['plan', ...sample.words])
    const short = /sha256:[0-9a-f]{8}…/.exec(plan)?.[0] ?? ''
    const { code, stdout } = await winnow(['explain', short, '-o', 'json', ...sample.words])
    expect(code).toBe(0)
    const story = JSON.parse(stdout) as { schemaVersion: string; digest: string; outcome: string }
    expect(story).toMatchObject({ schemaVersion: 'explain/v1', outcome: 'delete' })
    expect(story.digest.startsWith(short.slice(0, -1))).toBe(true)
  })
})
