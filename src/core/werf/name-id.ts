/**
 * How werf names images in the tags of its commit records: MurmurHash3 (x86, 32 bits, seed 0) of the image's name in
 * UTF-8, in hexadecimal digits without leading zeros. It is one-way, and two names may share an id.
 */

const c1 = 0xcc9e2d51
const c2 = 0x1b873593

/** The id of an image's name: 1 to 8 digits; `0` for the image without a name. */
export function werfNameId(name: string): string {
  return murmur3(utf8(name)).toString(16)
}

/** MurmurHash3_x86_32 with seed 0, as its author published it. */
function murmur3(bytes: readonly number[]): number {
  let hash = 0
  const whole = bytes.length - (bytes.length % 4)
  for (let at = 0; at < whole; at += 4) {
    hash = rotated(hash ^ mixed(little(bytes, at, 4)), 13)
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0
  }
  hash ^= mixed(little(bytes, whole, bytes.length - whole))
  return finished(hash ^ bytes.length)
}

function mixed(block: number): number {
  return Math.imul(rotated(Math.imul(block, c1), 15), c2)
}

function finished(hash: number): number {
  let last = hash ^ (hash >>> 16)
  last = Math.imul(last, 0x85ebca6b)
  last ^= last >>> 13
  last = Math.imul(last, 0xc2b2ae35)
  return (last ^ (last >>> 16)) >>> 0
}

/** Up to four bytes as a number, the lowest first. */
function little(bytes: readonly number[], at: number, count: number): number {
  let block = 0
  for (let i = 0; i < count; i++) block |= (bytes[at + i] ?? 0) << (8 * i)
  return block
}

function rotated(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by))
}

/** RFC 3629; half of a surrogate pair, which no encoder can write, becomes U+FFFD as everywhere. */
function utf8(text: string): readonly number[] {
  return [...text].flatMap((character) => {
    const written = character.codePointAt(0) ?? 0
    const point = written >= 0xd800 && written < 0xe000 ? 0xfffd : written
    if (point < 0x80) return [point]
    if (point < 0x800) return [0xc0 | (point >> 6), tail(point)]
    if (point < 0x10000) return [0xe0 | (point >> 12), tail(point >> 6), tail(point)]
    return [0xf0 | (point >> 18), tail(point >> 12), tail(point >> 6), tail(point)]
  })
}

function tail(bits: number): number {
  return 0x80 | (bits & 0x3f)
}
