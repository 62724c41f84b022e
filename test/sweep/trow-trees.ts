/**
 * Writes Trow's data folder on disk, as its two generations leave it: files alone up to 0.6, a database from 0.7 on.
 *
 * Shares no code with `src/`: what it knows of Trow was read from Trow. Images are made here as well, for trees of other
 * layouts too.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sqlite from 'node-sqlite3-wasm'
import { DAY_MS, digestOf, put, type Descriptor } from './trees.ts'

export interface MadeBlob extends Descriptor {
  readonly bytes: Uint8Array
}

export interface MadeImage {
  readonly manifest: MadeBlob
  /** Configuration and layers. */
  readonly blobs: readonly MadeBlob[]
}

const ofOci = 'application/vnd.oci.image'

export function makeBlob(content: string | Uint8Array, mediaType: string): MadeBlob {
  const bytes = Buffer.from(content)
  return { mediaType, digest: digestOf(bytes), size: bytes.length, bytes }
}

export function makeImage(name: string, layers: readonly string[], subject?: Descriptor): MadeImage {
  const made = layers.map((layer) => makeBlob(layer, `${ofOci}.layer.v1.tar+gzip`))
  const config = makeBlob(
    JSON.stringify({ os: 'linux', architecture: 'amd64', name }),
    `${ofOci}.config.v1+json`,
  )
  return {
    manifest: makeDocument({
      mediaType: `${ofOci}.manifest.v1+json`,
      config: bare(config),
      layers: made.map(bare),
      ...(subject && { subject: bare(subject) }),
    }),
    blobs: [config, ...made],
  }
}

export function makeIndex(children: readonly Descriptor[]): MadeBlob {
  return makeDocument({ mediaType: `${ofOci}.index.v1+json`, manifests: children.map(bare) })
}

function makeDocument(fields: { readonly mediaType: string; readonly [field: string]: unknown }): MadeBlob {
  return makeBlob(JSON.stringify({ schemaVersion: 2, ...fields }, null, 2), fields.mediaType)
}

function bare({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size }
}

/** Up to 0.6: `blobs/sha256/<hex>`, `manifests/<repository>/<tag>`, `scratch/<uuid>`. */
export class OldTrowTree {
  readonly root: string

  constructor(root: string) {
    this.root = root
  }

  store(...blobs: readonly MadeBlob[]): void {
    for (const { digest, bytes } of blobs) put(this.root, this.keyOf(digest), bytes)
  }

  keyOf(digest: string): string {
    return `blobs/${digest.replace(':', '/')}`
  }

  /** Every digest the tag ever had, newest first. */
  tag(repository: string, tag: string, history: readonly string[]): void {
    const lines = history.map((digest, i) => {
      const date = new Date(1_600_000_000_000 - i * DAY_MS).toISOString()
      return `${digest} ${date.replace('Z', '456789Z')}\n`
    })
    put(this.root, `manifests/${repository}/${tag}`, lines.join(''))
  }

  upload(name: string, content: string): void {
    put(this.root, `scratch/${name}`, content)
  }
}

export interface NewTrowBlob {
  readonly digest: string
  readonly size: number
  readonly lastAccessed: Date
  /** The manifest that refers to it. */
  readonly manifest?: string
}

/** From 0.7 on: `trow.db`, its newest rows still in the write-ahead log, and `blobs/<digest>`. */
export function writeNewTrow(root: string, blobs: readonly NewTrowBlob[]): void {
  const folder = mkdtempSync(join(tmpdir(), 'winnow-test-trow-'))
  const database = new sqlite.Database(join(folder, 'trow.db'))
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE')
    database.exec('PRAGMA journal_mode = WAL')
    database.exec(schema)
    for (const { digest, size, lastAccessed, manifest } of blobs) {
      database.run('INSERT INTO blob VALUES (?, ?, ?)', [digest, size, lastAccessed.getTime() / 1000])
      if (manifest !== undefined)
        database.run('INSERT INTO manifest_blob_assoc VALUES (?, ?)', [manifest, digest])
      put(root, `blobs/${digest}`, Buffer.alloc(size))
    }
    mkdirSync(join(root, 'uploads'), { recursive: true })
    // Copied while it is open, as it lies under a Trow that runs.
    for (const name of ['trow.db', 'trow.db-wal']) {
      if (existsSync(join(folder, name))) copyFileSync(join(folder, name), join(root, name))
    }
  } finally {
    database.close()
    rmSync(folder, { recursive: true })
  }
}

const schema = `
  CREATE TABLE manifest (digest TEXT PRIMARY KEY, json BLOB, blob BLOB);
  CREATE TABLE blob (digest TEXT PRIMARY KEY, size INTEGER NOT NULL, last_accessed INTEGER NOT NULL);
  CREATE TABLE tag (repo TEXT, tag TEXT, manifest_digest TEXT REFERENCES manifest (digest) ON DELETE CASCADE,
    PRIMARY KEY (repo, tag));
  CREATE TABLE repo_blob_assoc (repo_name TEXT, blob_digest TEXT, manifest_digest TEXT);
  CREATE TABLE manifest_blob_assoc (manifest_digest TEXT, blob_digest TEXT);
  CREATE TABLE blob_upload (uuid TEXT PRIMARY KEY, offset INTEGER, updated_at INTEGER, repo TEXT);
`
