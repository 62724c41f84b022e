/**
 * Keys of digests for packed tables: a shard (the first byte) and the next 52 bits as a number.
 *
 * Two digests of one key are possible and harmless where keys are used: the mark. A digest that shares the key of a
 * marked one is kept (expected once in 10^18 pairs). What is to go is always compared by its whole digest.
 * The algorithm is left out on purpose: it could only make fewer keys equal.
 */

/** How many shards there are: one for each value of the first byte. */
export const SHARDS = 256

/** The shard of a digest spelled in lower-case hex. */
export function shardOfHex(hex: string): number {
  return Number.parseInt(hex.slice(0, 2), 16)
}

/** The key within its shard of a digest spelled in lower-case hex. */
export function keyOfHex(hex: string): number {
  return Number.parseInt(hex.slice(2, 15), 16)
}

/** The key within its shard of a digest that begins at `offset`; needs eight bytes. */
export function keyOfBytes(bytes: Uint8Array, offset: number): number {
  const high =
    (byteAt(bytes, offset + 1) << 16) | (byteAt(bytes, offset + 2) << 8) | byteAt(bytes, offset + 3)
  const low = (byteAt(bytes, offset + 4) << 16) | (byteAt(bytes, offset + 5) << 8) | byteAt(bytes, offset + 6)
  return high * 0x1000_0000 + low * 16 + (byteAt(bytes, offset + 7) >>> 4)
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0
}

const hexOfByte: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
)

/** Lower-case hex of `length` bytes. */
export function hexOfBytes(bytes: Uint8Array, offset: number, length: number): string {
  let text = ''
  for (let i = offset; i < offset + length; i += 1) text += hexOfByte[bytes[i] ?? 0] ?? ''
  return text
}

/**
 * Writes hex as bytes; the caller knows that it is lower-case hex of even length.
 *
 * @param from where the hex begins in `text`; @default 0
 * @param length how many bytes it is; @default all that follow
 */
export function writeHex(
  text: string,
  into: Uint8Array,
  offset: number,
  from = 0,
  length: number = (text.length - from) >>> 1,
): void {
  for (let i = 0; i < length; i += 1) {
    const at = from + 2 * i
    into[offset + i] = (nibble(text.charCodeAt(at)) << 4) | nibble(text.charCodeAt(at + 1))
  }
}

function nibble(code: number): number {
  return code < 0x3a ? code - 0x30 : code - 0x57
}

/** Orders records by `width` bytes at their offsets. */
export function compareBytes(bytes: Uint8Array, a: number, b: number, width: number): number {
  for (let i = 0; i < width; i += 1) {
    const difference = byteAt(bytes, a + i) - byteAt(bytes, b + i)
    if (difference !== 0) return difference
  }
  return 0
}
