import { describe, expect, it } from 'vitest'
import { parseDigest } from '../../core/image/digest.ts'
import { parseManifest } from '../../core/image/parse-manifest.ts'
import { sha256 } from './registry-tree.ts'
import { sampleWorld } from './sample-world.ts'

const now = Date.parse('2026-06-15T12:00:00Z')
const world = sampleWorld(now, true)
const paths = world.files.map(({ path }) => path)
const textOf = (path: string): string =>
  Buffer.from(world.files.find((file) => file.path === path)?.bytes ?? []).toString('utf8')

describe('the sample world', () => {
  it('is the same twice', () => {
    expect(fingerprint(sampleWorld(now, true))).toBe(fingerprint(world))
  })

  it('has the same shape an hour later, so that no golden count depends on the clock', () => {
    const kinds = (at: number): number => sampleWorld(at, true).files.length
    expect(kinds(now + 3_600_000)).toBe(world.files.length)
    expect(kinds(Date.parse('2027-01-01T00:00:01Z'))).toBe(world.files.length)
  })

  it('has no path twice and no date after now', () => {
    expect(new Set(paths).size).toBe(paths.length)
    expect(world.files.filter(({ modifiedAt }) => modifiedAt > now || !Number.isInteger(modifiedAt))).toEqual(
      [],
    )
  })

  it('stays small', () => {
    expect(world.files.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThan(8_000_000)
  })

  it('stores every blob under the digest of its bytes', () => {
    const blobs = world.files.filter(({ path }) => path.endsWith('/data'))
    expect(blobs.length).toBeGreaterThan(500)
    for (const { path, bytes } of blobs) expect(path.split('/').at(-2)).toBe(sha256(bytes).slice(7))
  })

  it('has only manifests that parse, and every blob they name', () => {
    const linked = world.files.filter(({ path }) => path.includes('/_manifests/revisions/'))
    for (const { path, bytes } of linked) {
      const digest = parseDigest(Buffer.from(bytes).toString('latin1'))!
      const manifest = world.files.find((file) => file.path === blobPath(digest))!
      const facts = parseManifest(manifest.bytes, undefined, digest)
      const repository = /repositories\/(.+)\/_manifests/.exec(path)?.[1]
      for (const blob of [...(facts.config ? [facts.config] : []), ...facts.layers]) {
        expect(world.files.find((file) => file.path === blobPath(blob.digest))?.bytes.length).toBe(
          blob.sizeBytes,
        )
        expect(paths).toContain(
          `registry/docker/registry/v2/repositories/${repository}/_layers/${blob.digest.replace(':', '/')}/link`,
        )
      }
      for (const child of facts.children)
        expect(paths.some((other) => other.endsWith(`${child.digest.slice(7)}/link`))).toBe(true)
    }
  })

  it('refers in its cluster and its list only to images that exist', () => {
    const references = [
      ...`${textOf('lab.json')}\n${textOf('keep.txt')}`.matchAll(
        /registry\.example\.com\/(team\/[a-z]+)(?::([\w.-]+)|@(sha256:[0-9a-f]{64}))/g,
      ),
    ]
    expect(references.length).toBeGreaterThan(20)
    for (const [, repository, tag, digest] of references) {
      const link =
        tag === undefined ? `revisions/${digest?.replace(':', '/')}/link` : `tags/${tag}/current/link`
      expect(paths).toContain(`registry/docker/registry/v2/repositories/${repository}/_manifests/${link}`)
    }
  })
})

function blobPath(digest: string): string {
  const hex = digest.slice(7)
  return `registry/docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`
}

function fingerprint({ files }: typeof world): string {
  return sha256(
    files.map(({ path, bytes, modifiedAt }) => `${path} ${sha256(bytes)} ${modifiedAt}`).join('\n'),
  )
}
