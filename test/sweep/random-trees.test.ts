/**
 * The program on random storage: what it plans to take, and takes, is exactly what the oracle lets go; what the oracle keeps
 * is there afterwards, byte for byte. A failure names the seed (WINNOW_SEED), and WINNOW_SWEEP_TREES says how many.
 */
import { rmSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Random } from '../oracle/random.ts'
import { missing, titled } from '../servers/find.ts'
import { expectKept, sorted } from './check-sweep.ts'
import { judge, listBlobs } from './oracle.ts'
import { allAtOnce, makeSweeper, removeProgram, taken, wholeImages, type Sweeper } from './sweeper.ts'
import {
  ageAll,
  at,
  DAY_MS,
  deleteManifest,
  digestOf,
  pushAttestation,
  pushImage,
  pushIndex,
  pushReferrer,
  put,
  setTag,
  storeBlob,
  uploadAlias,
  uploadBlob,
  type StoredManifest,
} from './trees.ts'

// The program is started several times over, by machines that have more to do.
vi.setConfig({ testTimeout: 240_000 })

const first = Number(process.env['WINNOW_SEED'] ?? 0)
const count = Number(process.env['WINNOW_SWEEP_TREES'] ?? (process.env['CI'] === 'true' ? 60 : 12))
const seeds = Array.from({ length: count }, (_, each) => first + each)

const repositories = ['app', 'app/nested', 'team/api', 'team/app', 'other/deep/er/web'] as const

let sweeper: Sweeper
beforeEach(async () => {
  sweeper = await makeSweeper()
})
afterEach(() => sweeper.remove())
afterAll(removeProgram)

describe('random storage', () => {
  it.each(seeds)('is swept as the oracle says (seed %i)', async (seed) => {
    const { root } = sweeper
    makeRandomTree(root, new Random(seed))
    const before = judge(root, DAY_MS)
    expect(before.obstacles).toEqual([])
    const planned = await sweeper.sweep()
    expect(planned.code, planned.stderr).toBe(0)
    expectAllowed(taken(planned), before)
    const swept = await sweeper.sweep(allAtOnce)
    expect(swept.code, swept.stderr).toBe(0)
    expectAllowed(taken(swept), before)
    const stays = [...before.live.keys(), ...before.young, ...before.leased]
    expectKept(
      root,
      stays.filter((digest) => isThere(digest, before)),
    )
    const after = judge(root, DAY_MS)
    expect(sorted(after.missing)).toEqual(sorted(before.missing))
    expect([...after.garbage]).toEqual([])
  })
})

// Who judges the program is judged by a registry.
describe.skipIf(missing('docker-registry'))(titled('the oracle', 'docker-registry'), () => {
  it.each(seeds.slice(0, 6))('lets go of nothing that a registry gives out (seed %i)', async (seed) => {
    const { root } = sweeper
    makeRandomTree(root, new Random(seed))
    const before = await wholeImages(root)
    const { garbage, mayStay } = judge(root, DAY_MS)
    for (const digest of [...garbage, ...mayStay]) removeBlob(root, digest)
    expect(await wholeImages(root)).toEqual(before)
  })
})

type Judged = ReturnType<typeof judge>

/** Aliases have no bytes of their own, and what was lost before cannot be kept. */
function isThere(digest: string, { missing }: Judged): boolean {
  return digest.startsWith('sha256:') && !missing.has(digest)
}

function expectAllowed(digests: ReadonlySet<string>, { garbage, mayStay, live }: Judged): void {
  expect(sorted([...digests].filter((digest) => live.has(digest)))).toEqual([])
  expect(sorted([...digests].filter((digest) => !mayStay.has(digest)))).toEqual(sorted(garbage))
}

function makeRandomTree(root: string, random: Random): void {
  const images: StoredManifest[] = []
  for (let each = random.between(4, 25); each > 0; each--) images.push(pushSomething(root, random, images))
  for (const image of images) {
    if (random.chance(0.35)) deleteIfThere(root, image)
    else if (random.chance(0.2)) setTag(root, image.repository, 'moving', image.digest)
  }
  for (let each = random.between(0, 4); each > 0; each--) damage(root, random, images)
  // Always something that stays and something that goes: an empty storage is refused, rightly.
  pushImage(root, 'app', { tags: ['stays'] })
  storeBlob(root, 'named by nobody')
}

function pushSomething(root: string, random: Random, images: readonly StoredManifest[]): StoredManifest {
  const repository = random.pick(repositories)
  const here = images.filter((image) => image.repository === repository)
  const tags = random.chance(0.6) ? [`t${random.between(1, 6)}`] : []
  const kind = here.length === 0 ? 0 : random.next()
  if (kind > 0.85) return pushReferrer(root, repository, random.pick(here), `referrer ${random.next()}`)
  if (kind > 0.7) return pushAttestation(root, repository, random.pick(here))
  if (kind > 0.45) return pushIndex(root, repository, { tags, children: random.some(here, 0, 3) })
  const layers = random.some(['a', 'b', 'c', 'd', 'e', `own ${random.next()}`], 0, 4)
  const uploaded = random.chance(0.15) ? [uploadAlias(root, repository, `aliased ${random.next()}`)] : []
  const about = random.chance(0.3) ? 'the same everywhere' : `of ${random.next()}`
  return pushImage(root, repository, { tags, layers, about, uploaded })
}

function deleteIfThere(root: string, image: StoredManifest): void {
  try {
    deleteManifest(root, image.repository, image.digest)
  } catch {
    // The same image was pushed twice, and deleted once already.
  }
}

function damage(root: string, random: Random, images: readonly StoredManifest[]): void {
  const image = random.pick(images)
  const repository = random.pick(repositories)
  const blob = random.pick([...image.blobs, image.digest])
  switch (random.between(0, 6)) {
    case 0:
      // Mounted just now.
      return put(root, at.layer(repository, blob), blob, random.between(0, 20) * 3_600_000)
    case 1:
      return put(root, at.revision(image.repository, image.digest), '')
    case 2:
      return removeBlob(root, blob)
    case 3:
      return rmSync(join(root, at.repository(image.repository), '_layers'), { recursive: true, force: true })
    case 4: {
      const { digest } = uploadBlob(root, repository, `young ${random.next()}`)
      return ageAll(root, at.blob(digest), random.between(0, 20) * 3_600_000)
    }
    case 5:
      return put(root, at.layer(repository, digestOf(`never there ${random.next()}`)), '')
    default:
      return setTag(root, repository, 'points-here', image.digest)
  }
}

function removeBlob(root: string, digest: string): void {
  if (listBlobs(root).has(digest)) unlinkSync(join(root, at.blob(digest)))
}
