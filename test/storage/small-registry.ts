/** A registry of a few images on disk, and ways to damage it. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pushImage, pushMultiPlatform } from '../../src/app/demo/images.ts'
import { setTag, startTree } from '../../src/app/demo/registry-tree.ts'
import { writeSampleFiles } from '../../src/adapters/storage/filesystem/write-sample.ts'
import type { Digest } from '../../src/core/image/digest.ts'
import {
  blobKey,
  currentLink,
  revisionLink,
} from '../../src/adapters/registries/storage-distribution/layout.ts'
import { digestOf, repo, tag } from './world.ts'

export const app = repo('team/app')
const start = Date.parse('2026-01-01T00:00:00Z')
export const day = (n: number): number => start + n * 86_400_000

export interface SmallRegistry {
  readonly dir: string
  /** Tagged 1.0 and latest. */
  readonly release: Digest
  /** Tagged 0.9. */
  readonly older: Digest
  readonly untagged: Digest
  /** Tagged multi; two images and two attestations hang on it. */
  readonly index: Digest
}

/** Repository team/app; times are days 1 to 4 of 2026 in the order of the fields, `latest` was set on day 5. */
export async function writeSmallRegistry(dir: string): Promise<SmallRegistry> {
  const tree = startTree()
  const bases = ['debian']
  const release = pushImage(tree, app, {
    tags: ['1.0'],
    at: day(1),
    program: 'release',
    bases,
    labels: { team: 'a' },
  })
  const older = pushImage(tree, app, { tags: ['0.9'], at: day(2), program: 'older', bases, format: 'docker' })
  const untagged = pushImage(tree, app, { at: day(3), program: 'untagged', bases })
  const index = pushMultiPlatform(tree, app, { tags: ['multi'], at: day(4), program: 'multi', bases })
  setTag(tree, app, 'latest', release.digest, day(5))
  await writeSampleFiles(dir, [...tree.files.values()])
  return {
    dir,
    release: digestOf(release.digest),
    older: digestOf(older.digest),
    untagged: digestOf(untagged.digest),
    index: digestOf(index.digest),
  }
}

export const at = {
  blob: (digest: Digest): string => blobKey(digest),
  revision: (digest: Digest): string => revisionLink(app, digest),
  current: (name: string): string => currentLink(app, tag(name)),
  tags: `docker/registry/v2/repositories/${app}/_manifests/tags`,
  revisions: `docker/registry/v2/repositories/${app}/_manifests/revisions`,
}

/** Writes over a file, or makes it. */
export async function put(dir: string, key: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(dir, key)), { recursive: true })
  await writeFile(join(dir, key), content)
}

export async function drop(dir: string, key: string): Promise<void> {
  await rm(join(dir, key), { recursive: true })
}

export async function bytesOf(dir: string, digest: Digest): Promise<Buffer> {
  return readFile(join(dir, blobKey(digest)))
}

export async function configAndLayersOf(dir: string, digest: Digest): Promise<readonly Digest[]> {
  const manifest = JSON.parse((await bytesOf(dir, digest)).toString()) as {
    config: { digest: string }
    layers: readonly { digest: string }[]
  }
  return [manifest.config, ...manifest.layers].map((blob) => digestOf(blob.digest))
}
