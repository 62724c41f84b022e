/** The sample world's Git repository is one that git itself reads, and decides as the demo tells. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { join } from 'node:path'
import { makeSampleFolder, type SampleFolder } from '../support/sample-folder.ts'
import { winnow } from '../support/winnow-in-process.ts'
import { git } from './make-repository.ts'

let sample: SampleFolder

beforeAll(async () => {
  sample = await makeSampleFolder(true)
})

afterAll(() => sample.remove())

it('is whole', async () => {
  const clone = join(sample.path, 'api.git')
  expect(await git(clone, ['fsck', '--strict'])).toBe('')
  const log = await git(clone, ['log', '--format=%s', 'refs/remotes/origin/main'])
  const builds = log.split('\n').filter((subject) => subject.startsWith('main '))
  expect(builds).toEqual(Array.from({ length: 18 }, (_, i) => `main ${17 - i}`))
})

it('keeps the newest builds of main and the one that has a tag, and lets the others go', async () => {
  const { code, stdout } = await winnow(['plan', '-o', 'json', ...sample.words])
  expect(code).toBe(0)
  const plan = JSON.parse(stdout) as {
    readonly kept: readonly {
      readonly repository: string
      readonly reasons: readonly { readonly kind: string; readonly text: string }[]
    }[]
    readonly evidence: readonly {
      readonly source: string
      readonly objects: number
      readonly references: number
    }[]
  }
  const texts = plan.kept
    .filter(({ repository }) => repository === 'team/api')
    .flatMap(({ reasons }) => reasons)
    .filter(({ kind }) => kind === 'kept-git')
    .map(({ text }) => text)
  expect(texts.filter((text) => text.endsWith('(main)'))).toHaveLength(5)
  expect(texts.filter((text) => text.includes('← tag fairground'))).toHaveLength(1)
  expect(plan.evidence).toContainEqual(
    expect.objectContaining({ source: 'git:./api.git', complete: true, objects: 39, references: 2 }),
  )
})
