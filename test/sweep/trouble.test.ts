/** Sweeps that meet each other, a full disk, or a kill; and pushes that come while bytes are set aside. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ended } from '../faults/cli.ts'
import { expectGone, expectKept, sorted } from './check-sweep.ts'
import { allOf, f1TaggedIndex, type FaultTree } from './fault-trees.ts'
import { judge, listBlobs } from './oracle.ts'
import { allAtOnce, fingerprint, makeSweeper, removeProgram, taken, type Sweeper } from './sweeper.ts'
import { at, DAY_MS, deleteManifest, pushImage, put, storeBlob, type StoredManifest } from './trees.ts'

// The program is started several times over, by machines that have more to do.
vi.setConfig({ testTimeout: 240_000 })

const [MOUNT, UNMOUNT] = ['mount', 'umount'] as const

let sweeper: Sweeper
beforeEach(async () => {
  sweeper = await makeSweeper()
})
afterEach(() => sweeper.remove())
afterAll(removeProgram)

async function until(isSo: () => boolean, what: string): Promise<void> {
  for (let waited = 0; waited < 30_000; waited += 10) {
    if (isSo()) return
    await sleep(10)
  }
  throw new Error(`It did not come to this: ${what}`)
}

const isSetAside = ({ garbage }: FaultTree) => garbage.every((digest) => !listBlobs(sweeper.root).has(digest))

describe('a second sweep', () => {
  const waiting = ['--apply', '--quarantine', '1h', '--settle', '20s'] as const

  it('is refused while one is at work, with another state directory too; a plan is not', async () => {
    const tree = f1TaggedIndex(sweeper.root)
    const first = sweeper.start(waiting)
    try {
      await until(() => isSetAside(tree), 'the first sweep set bytes aside')
      const before = fingerprint(sweeper.root, 'docker')
      const second = await sweeper.sweep(allAtOnce, { state: 'another' })
      expect(second.code, second.stderr).toBe(1)
      const planned = await sweeper.sweep([], { state: 'a-third' })
      expect(planned.code, planned.stderr).toBe(0)
      expect(fingerprint(sweeper.root, 'docker')).toEqual(before)
    } finally {
      first.kill('SIGKILL')
    }
  })

  it('takes over what a killed one left, within 30 seconds, and ends it', async () => {
    const tree = f1TaggedIndex(sweeper.root)
    const first = sweeper.start(waiting)
    await until(() => isSetAside(tree), 'the first sweep set bytes aside')
    first.kill('SIGKILL')
    const killed = performance.now()
    for (;;) {
      const { code, stderr } = await sweeper.sweep(allAtOnce, { state: 'another' })
      if (code === 0) break
      expect(code, stderr).toBe(1)
      expect(performance.now() - killed).toBeLessThan(40_000)
      await sleep(1000)
    }
    expectKept(sweeper.root, tree.needed)
    expectGone(sweeper.root, tree.garbage)
    expect(
      filesBeside('docker').filter((name) => tree.garbage.some((each) => name.includes(each.slice(7)))),
    ).toEqual([])
  })
})

/** What Winnow keeps in the store, beside the registry's folder. */
function filesBeside(name: string): readonly string[] {
  const others = readdirSync(sweeper.root).filter((entry) => entry !== name)
  return others.flatMap((entry) => fingerprint(sweeper.root, entry)).map((line) => line.split(' ')[0] ?? '')
}

describe('bytes that are set aside', () => {
  const settling = ['--apply', '--quarantine', '5s', '--settle', '4s'] as const
  let tree: FaultTree
  let image: StoredManifest

  beforeEach(() => {
    tree = f1TaggedIndex(sweeper.root)
    image = pushImage(sweeper.root, 'late/app', { tags: ['1.0'] })
    deleteManifest(sweeper.root, 'late/app', image.digest)
  })

  const meanwhile = async (act: () => void): Promise<void> => {
    const end = ended(sweeper.start(settling))
    await until(
      () => allOf(image).every((digest) => !listBlobs(sweeper.root).has(digest)),
      'they are set aside',
    )
    act()
    const { code, stderr } = await end
    expect(code, stderr).toBe(0)
  }

  it.each([
    {
      name: 'a revision is linked',
      act: (): void => put(sweeper.root, at.revision('late/app', image.digest), image.digest, 0),
    },
    {
      name: 'a tag is set',
      act: (): void => put(sweeper.root, at.current('late/app', '2.0'), image.digest, 0),
    },
  ])('come back when $name before the second mark, all that the image needs', async ({ act }) => {
    await meanwhile(act)
    expectKept(sweeper.root, [...tree.needed, ...allOf(image)])
  })

  it('come back when a layer is linked, and only those', async () => {
    const [, layer = ''] = image.blobs
    await meanwhile(() => put(sweeper.root, at.layer('other/repository', layer), layer, 0))
    expectKept(sweeper.root, [...tree.needed, layer])
  })

  it('do not come back over bytes that were uploaded meanwhile', async () => {
    const [, layer = ''] = image.blobs
    const content = 'layer of late/app 1.0 '
    await meanwhile(() => {
      expect(storeBlob(sweeper.root, content).digest).toBe(layer)
      put(sweeper.root, at.blob(layer), content, 0)
      put(sweeper.root, at.layer('late/app', layer), layer, 0)
    })
    expectKept(sweeper.root, [...tree.needed, layer])
  })

  it('are not freed before their time, and come back by --restore RUN', async () => {
    const garbage = [...tree.garbage, ...allOf(image)]
    const before = sorted(listBlobs(sweeper.root).keys())
    const swept = await sweeper.sweep(['--apply', '--quarantine', '1h', '--settle', '0s'])
    expect(swept.code, swept.stderr).toBe(0)
    expect(swept.report).toMatchObject({ summary: { setAside: garbage.length, freed: 0, bytesFreed: 0 } })
    expectGone(sweeper.root, garbage)
    const restored = await sweeper.sweep(['--restore', swept.report?.run ?? ''])
    expect(restored.code, restored.stderr).toBe(0)
    expect(sorted(listBlobs(sweeper.root).keys())).toEqual(before)
    expectKept(sweeper.root, garbage)
  })

  it('come back one by one by --restore DIGEST; what was freed is named, and the exit is not 0', async () => {
    const [one = '', ...rest] = allOf(image)
    await sweeper.sweep(['--apply', '--quarantine', '1h', '--settle', '0s'])
    const restored = await sweeper.sweep(['--restore', one])
    expect(restored.code, restored.stderr).toBe(0)
    expectKept(sweeper.root, [one])
    expectGone(sweeper.root, rest)
    // Restored by hand and still unneeded: a later sweep may set it aside again, but the others are due.
    const freed = await sweeper.sweep(allAtOnce)
    expect(freed.code, freed.stderr).toBe(0)
    const late = await sweeper.sweep(['--restore', rest[0] ?? ''])
    expect(late.code).not.toBe(0)
    expect(late.stdout + late.stderr).toContain(rest[0])
  })

  it('are needed by a manifest that lies among them: a mark reads it there', async () => {
    const inner = pushImage(sweeper.root, 'late/app', { name: 'second' })
    deleteManifest(sweeper.root, 'late/app', inner.digest)
    const first = await sweeper.sweep(['--apply', '--quarantine', '1h', '--settle', '0s'])
    expect([...taken(first)]).toContain(inner.digest)
    put(sweeper.root, at.revision('late/app', inner.digest), inner.digest, 0)
    const second = await sweeper.sweep(allAtOnce)
    expect(second.code, second.stderr).toBe(0)
    expectKept(sweeper.root, [...tree.needed, ...allOf(inner)])
  })
})

describe('a quarantine of nothing beside a registry that may run', () => {
  const hasty = ['--apply', '--grace', '0s', '--quarantine', '0s'] as const

  it('frees in one run what nobody needs where nobody writes, and says on what terms', async () => {
    const tree = f1TaggedIndex(sweeper.root)
    const swept = await sweeper.sweep(hasty)
    expect(swept.code, swept.stderr).toBe(0)
    expect(sorted(taken(swept))).toEqual(sorted(tree.garbage))
    expect(swept.report).toMatchObject({ summary: { freed: tree.garbage.length } })
    expect(swept.stderr).toContain('freed after a wait of 5s instead of 10m')
    expectKept(sweeper.root, tree.needed)
  })

  it('frees nothing while somebody pushes, and all of it when they have ended', async () => {
    const tree = f1TaggedIndex(sweeper.root)
    let pushes = 0
    const pusher = setInterval(() => {
      pushes += 1
      pushImage(sweeper.root, 'busy/app', { tags: [`1.${pushes}`] })
    }, 500)
    const busy = await sweeper.sweep(hasty).finally(() => {
      clearInterval(pusher)
    })
    expect(busy.code, busy.stderr).toBe(0)
    expect(busy.report).toMatchObject({ summary: { setAside: tree.garbage.length, freed: 0 } })
    expect(busy.stderr).toContain('stay set aside although the quarantine is over')
    const quiet = await sweeper.sweep(hasty)
    expect(quiet.report).toMatchObject({ summary: { freed: tree.garbage.length } })
    expect([...judge(sweeper.root, 0).missing]).toEqual([])
  })
})

describe('a sweep that is killed', () => {
  it('at any moment leaves all that is needed, and a later one ends what it began', async () => {
    const tree = f1TaggedIndex(sweeper.root)
    for (const afterMs of [300, 400, 500, 600, 700, 800, 1000]) {
      const child = sweeper.start(allAtOnce)
      const end = ended(child)
      const timer = setTimeout(() => child.kill('SIGKILL'), afterMs)
      await end
      clearTimeout(timer)
      expectKept(sweeper.root, tree.needed)
    }
    await sleep(1000)
    for (let waited = 0; waited < 40; waited++) {
      const { code, stderr } = await sweeper.sweep(allAtOnce)
      if (code === 0) break
      expect(code, stderr).toBe(1)
      await sleep(1000)
    }
    expectKept(sweeper.root, tree.needed)
    expectGone(sweeper.root, tree.garbage)
    expect([...judge(sweeper.root, DAY_MS).garbage]).toEqual([])
  })
})

const mounting = canMount() ? undefined : 'a small file system cannot be mounted here'
const onSmallDisk = mounting === undefined ? 'a full disk' : `a full disk (skipped: ${mounting})`

describe.skipIf(mounting)(onSmallDisk, () => {
  it('stops a sweep that cannot write down what it does, and costs nothing', async () => {
    mkdirSync(sweeper.root)
    execFileSync(MOUNT, ['-t', 'tmpfs', '-o', 'size=1m,mode=755', 'tmpfs', sweeper.root])
    try {
      const tree = f1TaggedIndex(sweeper.root)
      fillUp(sweeper.root)
      const swept = await sweeper.sweep(allAtOnce)
      expectKept(sweeper.root, tree.needed)
      if (swept.code === 0) expectGone(sweeper.root, tree.garbage)
      else {
        expectKept(sweeper.root, tree.garbage)
        expect(swept.stderr).toContain('STORAGE_NOT_WRITABLE')
      }
      rmSync(join(sweeper.root, 'ballast'), { recursive: true })
      const again = await sweeper.sweep(allAtOnce)
      expect(again.code, again.stderr).toBe(0)
      expectKept(sweeper.root, tree.needed)
      expectGone(sweeper.root, tree.garbage)
    } finally {
      execFileSync(UNMOUNT, [sweeper.root])
    }
  })

  it('names the run that it ends, and how to go on', async () => {
    const tree = f1TaggedIndex(sweeper.root)
    const journal = join(sweeper.root, '.winnow/journal')
    mkdirSync(journal, { recursive: true })
    // What is full is only where the sweep writes down what it does: its lease has room.
    execFileSync(MOUNT, ['-t', 'tmpfs', '-o', 'size=4k,mode=755', 'tmpfs', journal])
    try {
      fillUp(journal)
      const { code, stderr } = await sweeper.sweep(allAtOnce)
      expect(code).toBe(1)
      expect(stderr).toMatch(
        /no space left[^]*This was run r-\S+\. It had changed nothing\. .*\n {2}winnow sweep onprem --apply\n/,
      )
      expectKept(sweeper.root, tree.needed)
      expectKept(sweeper.root, tree.garbage)
    } finally {
      execFileSync(UNMOUNT, [journal])
    }
  })
})

function fillUp(root: string): void {
  // Ever smaller pieces, until not even a page is left.
  for (let size = 65_536; size >= 1; size = Math.floor(size / 16)) {
    for (let each = 0; ; each++) {
      try {
        put(root, `ballast/${size}-${each}`, Buffer.alloc(size))
      } catch {
        break
      }
    }
  }
}

function canMount(): boolean {
  if (process.getuid?.() !== 0 || !existsSync('/proc/mounts')) return false
  const folder = join('/tmp', `winnow-mount-${process.pid}`)
  mkdirSync(folder)
  try {
    execFileSync(MOUNT, ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'ignore' })
    execFileSync(UNMOUNT, [folder], { stdio: 'ignore' })
    return true
  } catch {
    return false
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
