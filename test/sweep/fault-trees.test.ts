/**
 * `winnow sweep` on a tree for each fault of the registry's own collector: the real program, judged by the oracle and by
 * what a registry that is started afterwards can still give out.
 */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { distributionBinaries, startDockerRegistry } from '../servers/docker-registry.ts'
import { missing, titled } from '../servers/find.ts'
import { expectJudged, expectKept, expectSwept, sorted } from './check-sweep.ts'
import { f10ManyTags, f3VanishingLink, faults, type FaultTree } from './fault-trees.ts'
import { judge } from './oracle.ts'
import { pushFault, realFaults } from './real-trees.ts'
import { deletedAfterListing, isTracing, openedFiles, vanishing } from './strace.ts'
import { allAtOnce, fingerprint, makeSweeper, removeProgram, type Sweeper } from './sweeper.ts'
import { ageAll, at, DAY_MS } from './trees.ts'

// The program is started several times over, by machines that have more to do.
vi.setConfig({ testTimeout: 240_000 })

let sweeper: Sweeper
beforeEach(async () => {
  sweeper = await makeSweeper()
})
afterEach(() => sweeper.remove())
afterAll(removeProgram)

describe.skipIf(missing('docker-registry'))(titled('trees written by hand', 'docker-registry'), () => {
  it.each(faults)('$id, $title: all that is needed stays, and the rest goes', async ({ make }) => {
    await expectSwept(sweeper, make(sweeper.root))
  })
})

describe.each(['debian', 'v3'] as const)('trees left by a real registry: %s', (line) => {
  const binary = distributionBinaries[line]

  it.skipIf(missing(binary, 'docker-registry')).each(realFaults)(
    titled('$id: all that is needed stays, and the rest goes', binary, 'docker-registry'),
    async (fault) => {
      const server = await startDockerRegistry({ binary: line, storageDir: sweeper.root })
      const tree = await pushFault(fault, server).finally(server.stop)
      const { young, leased } = judge(sweeper.root, DAY_MS)
      expect(young.size + leased.size, 'everything was pushed just now').toBeGreaterThan(0)
      for (const key of [at.blobs, at.repositories]) ageAll(sweeper.root, key)
      for (const digest of tree.untouchable ?? []) ageAll(sweeper.root, at.layer('team/app', digest), 60_000)
      await expectSwept(sweeper, tree)
    },
  )

  it.skipIf(missing(binary))(
    titled('hold the same kinds of files as those written by hand', binary),
    async () => {
      for (const { id, push } of realFaults.filter((fault) => ['F1', 'F2', 'F6', 'F11'].includes(fault.id))) {
        const [byHand, real] = [join(sweeper.folder, `hand-${id}`), join(sweeper.folder, `real-${id}`)]
        faults.find((fault) => fault.id === id)?.make(byHand)
        const server = await startDockerRegistry({ binary: line, storageDir: real })
        await pushFault({ id, push }, server).finally(server.stop)
        expect(shapesIn(byHand), id).toEqual(shapesIn(real))
      }
    },
  )
})

describe('a link that vanishes between list and read (F3)', () => {
  const strace = isTracing() ? undefined : 'strace cannot trace here'
  const title = (text: string): string => (strace === undefined ? text : `${text} (skipped: ${strace})`)

  /** Only the image of the vanishing link has a tag; that the others stay marked hangs on the links beside it. */
  function untaggedButOne(): FaultTree {
    const tree = f3VanishingLink(sweeper.root)
    for (const { repository, tag, digest } of judge(sweeper.root, DAY_MS).tags)
      if (repository === 'team/app' && at.revision(repository, digest) !== tree.vanishing)
        rmSync(join(sweeper.root, at.tag(repository, tag)), { recursive: true })
    expectJudged(sweeper.root, tree)
    return tree
  }

  it.skipIf(strace)(title('and is there again: nothing is lost, or nothing is done'), async () => {
    const tree = untaggedButOne()
    const before = fingerprint(sweeper.root, 'docker')
    const path = join(sweeper.root, tree.vanishing ?? '')
    const swept = await sweeper.sweep(allAtOnce, { under: vanishing(path, join(sweeper.folder, 'trace')) })
    expect(readFileSync(join(sweeper.folder, 'trace'), 'utf8'), 'the link was read').toContain('ENOENT')
    expect([0, 6], swept.stderr).toContain(swept.code)
    if (swept.code === 6) expect(fingerprint(sweeper.root, 'docker')).toEqual(before)
    expectKept(sweeper.root, tree.needed)
  })

  it.skipIf(strace)(
    title('and is gone, because it was deleted just then: the rest stays marked'),
    async () => {
      const tree = untaggedButOne()
      const deleted = (tree.vanishing ?? '').split('/').at(-2) ?? ''
      // As DELETE by digest does: the link, and then every tag on it.
      const tags = judge(sweeper.root, DAY_MS)
        .tags.filter(({ digest }) => digest === `sha256:${deleted}`)
        .map(({ tag }) => at.tag('team/app', tag))
      const gone = [tree.vanishing ?? '', ...tags, ...tags.map((tag) => `${tag}/current/link`)]
      const trace = join(sweeper.folder, 'trace')
      const paths = gone.map((key) => join(sweeper.root, key))
      const { code, stderr } = await sweeper.sweep(allAtOnce, { under: deletedAfterListing(paths, trace) })
      expect(code, stderr).toBe(0)
      const asked = readFileSync(trace, 'utf8')
      for (const key of [tree.vanishing ?? '', ...tags.map((tag) => `${tag}/current/link`)])
        expect(asked, 'it was listed, and looked for').toContain(key)
      for (const key of gone) rmSync(join(sweeper.root, key), { recursive: true, force: true })
      const { live, missing } = judge(sweeper.root, DAY_MS)
      expect([...missing]).toEqual([])
      // All that the others need, which is more than the image that stays in another repository.
      expect(live.size).toBeGreaterThan(tree.needed.length / 2)
      expectKept(sweeper.root, [...live.keys()])
    },
  )
})

describe.skipIf(!isTracing())('a repository with many tags (F10)', () => {
  it('is read in steps that grow with the tags and not with their square', async () => {
    const opened = async (tags: number): Promise<number> => {
      rmSync(sweeper.root, { recursive: true, force: true })
      f10ManyTags(sweeper.root, tags)
      const trace = join(sweeper.folder, `trace-${tags}`)
      const swept = await sweeper.sweep([], { under: openedFiles(trace), state: `state-${tags}` })
      expect(swept.code, swept.stderr).toBe(0)
      return readFileSync(trace, 'utf8').split(at.base).length - 1
    }
    const [few, more, most] = [await opened(50), await opened(100), await opened(200)]
    // Twice as many more tags: twice as many more files; with a square it would be four times.
    expect((most - more) / (more - few)).toBeLessThan(2.5)
  })
})

describe('the oracle', () => {
  it.each(faults)('and the tree of $id agree on what is needed', ({ make }) => {
    expectJudged(sweeper.root, make(sweeper.root))
  })
})

/** Paths with every name and digest in them replaced by what it is. */
function shapesIn(root: string): readonly string[] {
  const shapes = fingerprint(root).map((line) =>
    (line.split(' ')[0] ?? '')
      .replaceAll(/[0-9a-f]{64}/g, 'HEX')
      .replaceAll(/sha256\/[0-9a-f]{2}\b/g, 'sha256/XX')
      .replaceAll(/tags\/[^/]+/g, 'tags/TAG')
      // A server keeps the folder of uploads after the last of them.
      .replaceAll(/^.*\/_uploads.*$/g, ''),
  )
  return sorted(new Set(shapes.filter((shape) => shape.startsWith(at.base))))
}
