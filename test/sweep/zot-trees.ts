/**
 * Writes OCI image layouts on disk, one or a tree of them, and zot's storage, which is such a tree beside two databases.
 * Shares no code with `src/`.
 */
import { linkSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Descriptor } from './trees.ts'
import { put } from './trees.ts'
import type { MadeBlob } from './trow-trees.ts'

/** A descriptor of index.json, and its tag if it has one. */
export interface IndexRow extends Descriptor {
  readonly tag?: string
}

export class LayoutTree {
  readonly root: string

  constructor(root: string) {
    this.root = root
  }

  /** Begins or rewrites a layout; '' is one at the root. */
  index(pool: string, rows: readonly IndexRow[]): void {
    const manifests = rows.map(({ mediaType, digest, size, tag }) => ({
      mediaType,
      digest,
      size,
      ...(tag !== undefined && { annotations: { 'org.opencontainers.image.ref.name': tag } }),
    }))
    put(this.root, join(pool, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
    put(this.root, join(pool, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
  }

  store(pool: string, ...blobs: readonly MadeBlob[]): void {
    for (const { digest, bytes } of blobs) put(this.root, this.keyOf(pool, digest), bytes)
  }

  keyOf(pool: string, digest: string): string {
    return join(pool, 'blobs', digest.replace(':', '/'))
  }

  /** As zot does it on a disk for a blob that another repository has. */
  linkBlob(from: string, to: string, digest: string): void {
    const path = join(this.root, this.keyOf(to, digest))
    mkdirSync(dirname(path), { recursive: true })
    linkSync(join(this.root, this.keyOf(from, digest)), path)
  }
}

/** The tree of a zot with deduplication and search. */
export function beginZotTree(root: string): LayoutTree {
  put(root, 'cache.db', 'bbolt')
  put(root, 'meta.db', 'bbolt')
  put(root, '_trivy/db/trivy.db', 'scanner')
  return new LayoutTree(root)
}
