/** Layers that a container runtime would unpack: a gzip-compressed tar with one file in it. */
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { sha256 } from './registry-tree.ts'

export interface Layer {
  readonly bytes: Uint8Array
  /** The digest of the tar before compression (OCI image specification, `rootfs.diff_ids`). */
  readonly diffId: string
}

const BLOCK = 512
/** The operating system's number in the gzip header (RFC 1952); "unknown", so that every machine writes the same. */
const GZIP_OS_OFFSET = 9
const GZIP_OS_UNKNOWN = 255

/** A layer of about `sizeBytes`, whose content follows from `seed` alone and does not compress, like real programs. */
export function makeLayer(seed: string, path: string, sizeBytes: number): Layer {
  const content = createHash('shake256', { outputLength: sizeBytes }).update(seed).digest()
  const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)
  // A tar ends with two empty blocks (POSIX ustar).
  const tar = Buffer.concat([tarHeader(path, content.length), content, padding, Buffer.alloc(2 * BLOCK)])
  // Stored, not deflated: versions of zlib differ in what they make of the same bytes.
  const bytes = gzipSync(tar, { level: 0 })
  bytes[GZIP_OS_OFFSET] = GZIP_OS_UNKNOWN
  return { bytes, diffId: sha256(tar) }
}

function tarHeader(path: string, sizeBytes: number): Buffer {
  const header = Buffer.alloc(BLOCK)
  header.write(path, 0, 100, 'latin1')
  header.write('0000755\0', 100, 'latin1')
  header.write('0000000\0', 108, 'latin1')
  header.write('0000000\0', 116, 'latin1')
  header.write(`${octal(sizeBytes)}\0`, 124, 'latin1')
  header.write(`${octal(0)}\0`, 136, 'latin1')
  // The checksum counts its own field as spaces.
  header.write('        ', 148, 'latin1')
  header.write('0', 156, 'latin1')
  header.write('ustar\u000000', 257, 'latin1')
  const checksum = header.reduce((sum, byte) => sum + byte, 0)
  header.write(`${checksum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return header
}

function octal(value: number): string {
  return value.toString(8).padStart(11, '0')
}
