/** One sweep of a tree, from plan to a second run, with the oracle and a fresh registry as judges. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { FaultTree } from './fault-trees.ts'
import { judge, listBlobs } from './oracle.ts'
import { allAtOnce, fingerprint, taken, wholeImages, type Sweeper, type Swept } from './sweeper.ts'
import { at, DAY_MS, digestOf } from './trees.ts'

export const sorted = (digests: Iterable<string>): readonly string[] => [...digests].sort()

/** What the tree says of itself, and what the oracle finds, are two accounts; they must agree before anything is swept. */
export function expectJudged(root: string, tree: FaultTree, graceMs = DAY_MS): void {
  const { live, garbage, young, leased, missing, mayStay, obstacles } = judge(root, graceMs)
  expect(tree.needed.filter((digest) => !live.has(digest))).toEqual([])
  expect(sorted(garbage)).toEqual(sorted(tree.garbage))
  expect(sorted(new Set([...young, ...leased]))).toEqual(sorted(tree.untouchable ?? []))
  expect(sorted(missing)).toEqual(sorted(tree.lost ?? []))
  expect({ mayStay: [...mayStay], obstacles }).toEqual({ mayStay: [], obstacles: [] })
}

/** What must be there, byte for byte. */
export function expectKept(root: string, digests: readonly string[]): void {
  const broken = digests.filter((digest) => {
    const path = join(root, at.blob(digest))
    return !existsSync(path) || digestOf(readFileSync(path)) !== digest
  })
  expect(broken, 'needed, and gone or changed').toEqual([])
}

export function expectGone(root: string, digests: readonly string[]): void {
  const stored = listBlobs(root)
  expect(
    digests.filter((digest) => stored.has(digest)),
    'not needed, and left',
  ).toEqual([])
}

export async function expectPlanned(sweeper: Sweeper, garbage: readonly string[]): Promise<void> {
  const before = fingerprint(sweeper.root)
  const planned = await sweeper.sweep()
  expect(planned.code, planned.stderr).toBe(0)
  expect(planned.report).toMatchObject({
    schemaVersion: 'sweep/v1',
    applied: false,
    complete: true,
    summary: { blobsGarbage: garbage.length, freed: 0, restored: 0 },
  })
  expect(sorted(taken(planned))).toEqual(sorted(garbage))
  expect(fingerprint(sweeper.root), 'a plan writes nothing').toEqual(before)
}

/** Plans, sweeps, and sweeps once more; returns what the first of the two runs that change something said. */
export async function expectSwept(sweeper: Sweeper, tree: FaultTree): Promise<Swept> {
  const { root } = sweeper
  expectJudged(root, tree)
  const wholeBefore = await wholeImages(root)
  await expectPlanned(sweeper, tree.garbage)

  const swept = await sweeper.sweep(allAtOnce)
  expect(swept.code, swept.stderr).toBe(0)
  expect(swept.report).toMatchObject({ applied: true, summary: { freed: tree.garbage.length } })
  expect(sorted(taken(swept))).toEqual(sorted(tree.garbage))
  expectLeft(root, tree)

  const again = await sweeper.sweep(allAtOnce)
  expect(again.code, again.stderr).toBe(0)
  expect(sorted(taken(again))).toEqual([])
  expectLeft(root, tree)
  expect(unneededLinks(root), 'links to nothing').toEqual([])
  for (const key of tree.goes ?? []) expect(existsSync(join(root, key)), key).toBe(false)
  const wholeAfter = new Set(await wholeImages(root))
  expect(
    wholeBefore.filter((name) => !wholeAfter.has(name)),
    'whole before, broken now',
  ).toEqual([])
  return swept
}

function expectLeft(root: string, tree: FaultTree): void {
  expectKept(root, [...tree.needed, ...(tree.untouchable ?? [])])
  expectGone(root, tree.garbage)
}

/**
 * A link that a manifest still needs stays, though its bytes are lost: a push can bring them back. What a manifest needs
 * whose own bytes are lost nobody knows: then all links of its repository stay.
 */
function unneededLinks(root: string): readonly string[] {
  const { danglingLinks, live, missing } = judge(root, DAY_MS)
  const named = (key: string): string => key.split('/').slice(-3, -1).join(':')
  return danglingLinks.filter((key) => {
    const manifests = join(root, key.slice(0, key.indexOf('/_layers/')), '_manifests')
    const isUnknown = linkedIn(manifests).some((digest) => missing.has(digest))
    return !isUnknown && !live.has(named(key))
  })
}

/** What the links of revisions and tags in a folder `_manifests` say. */
function linkedIn(manifests: string): readonly string[] {
  if (!existsSync(manifests)) return []
  const files = readdirSync(manifests, { recursive: true, encoding: 'utf8' })
  return files
    .filter((name) => name.endsWith('/link'))
    .map((name) => {
      const [, algorithm, hex] = name.split('/')
      return name.startsWith('revisions/')
        ? `${algorithm}:${hex}`
        : readFileSync(join(manifests, name), 'utf8')
    })
}
