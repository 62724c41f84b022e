/** Storage for the measurement of sweeps: many small repositories that share layers, or one repository with many tags. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export interface SweepTree {
  readonly root: string
  readonly manifests: number
  readonly blobs: number
  readonly garbage: number
}

const IMAGES = 10
/** The last two of ten are deleted. */
const KEPT = 8
/** Of a deleted image: its manifest, its configuration and two layers of its own. */
const BLOBS_OF_AN_IMAGE = 4

interface Writer {
  readonly put: (key: string, content: string) => void
  readonly blob: (content: string) => string
  readonly folder: (key: string) => void
}

/** 2,000 repositories are 16,000 manifests and 84,001 blobs, 16,000 of them garbage. */
export function makeManyRepositories(root: string, repositories: number): SweepTree {
  const tree = {
    root,
    manifests: repositories * KEPT,
    blobs: 1 + repositories * (2 + IMAGES * BLOBS_OF_AN_IMAGE),
    garbage: repositories * (IMAGES - KEPT) * BLOBS_OF_AN_IMAGE,
  }
  if (existsSync(root)) return tree
  const writer = makeWriter(root)
  const base = writer.blob('global')
  for (let r = 0; r < repositories; r++) fillRepository(writer, r, base)
  return tree
}

/** Pushes one more image to every hundredth of the repositories; none of it is garbage. `number` tells one push from another. */
export function pushMore({ root }: SweepTree, repositories: number, number: number): void {
  const writer = makeWriter(root)
  for (let r = 0; r < repositories; r += 100) {
    const name = nameOf(r)
    const own = writer.blob(`more ${r} ${number}`)
    link(writer, name, own)
    pushImage(writer, name, IMAGES + number, [own])
  }
}

/** One repository with an image for every tag; nothing is garbage. */
export function makeManyTags(root: string, tags: number): SweepTree {
  const writer = makeWriter(root)
  const layer = writer.blob('shared')
  link(writer, 'team/app', layer)
  for (let tag = 0; tag < tags; tag++) pushImage(writer, 'team/app', tag, [layer])
  return { root, manifests: tags, blobs: 1 + 2 * tags, garbage: 0 }
}

function nameOf(r: number): string {
  return `team${r % 40}/app${r}`
}

function fillRepository(writer: Writer, r: number, base: string): void {
  const name = nameOf(r)
  const shared = [base, writer.blob(`s1${r}`), writer.blob(`s2${r}`)]
  for (const hex of shared) link(writer, name, hex)
  for (let i = 0; i < IMAGES; i++) {
    const own = [writer.blob(`u1 ${r} ${i}`), writer.blob(`u2 ${r} ${i}`)]
    for (const hex of own) link(writer, name, hex)
    pushImage(writer, name, i, [...shared, ...own], i >= KEPT)
  }
}

function pushImage(
  writer: Writer,
  name: string,
  number: number,
  layers: readonly string[],
  isDeleted = false,
): void {
  const config = writer.blob(JSON.stringify({ created: '2024-01-01T00:00:00Z', of: [name, number] }))
  link(writer, name, config)
  const mediaType = 'application/vnd.docker.image.rootfs.diff.tar.gzip'
  const document = {
    schemaVersion: 2,
    mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    config: {
      mediaType: 'application/vnd.docker.container.image.v1+json',
      size: 50,
      digest: `sha256:${config}`,
    },
    layers: layers.map((hex) => ({ mediaType, size: 10, digest: `sha256:${hex}` })),
  }
  const hex = writer.blob(JSON.stringify(document, null, 1))
  const manifests = `repositories/${name}/_manifests`
  // A deletion leaves the folder.
  if (isDeleted) return writer.folder(`${manifests}/revisions/sha256/${hex}`)
  for (const key of [
    `revisions/sha256/${hex}`,
    `tags/t${number}/current`,
    `tags/t${number}/index/sha256/${hex}`,
  ]) {
    writer.put(`${manifests}/${key}/link`, `sha256:${hex}`)
  }
}

function link(writer: Writer, name: string, hex: string): void {
  writer.put(`repositories/${name}/_layers/sha256/${hex}/link`, `sha256:${hex}`)
}

function makeWriter(root: string): Writer {
  const base = join(root, 'docker/registry/v2')
  const put: Writer['put'] = (key, content) => {
    mkdirSync(dirname(join(base, key)), { recursive: true })
    writeFileSync(join(base, key), content)
  }
  return {
    put,
    folder: (key) => void mkdirSync(join(base, key), { recursive: true }),
    blob: (content) => {
      const hex = createHash('sha256').update(content).digest('hex')
      put(`blobs/sha256/${hex.slice(0, 2)}/${hex}/data`, content)
      return hex
    },
  }
}
