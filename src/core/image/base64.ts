/** Base64 to bytes (RFC 4648, sections 4 and 5): the standard alphabet and the one for addresses, padded or not. */

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const values = new Map([...alphabet].map((letter, value) => [letter.charCodeAt(0), value]))
values.set('-'.charCodeAt(0), 62)
values.set('_'.charCodeAt(0), 63)

/** The bytes that a text spells, or undefined when it is no base64; line breaks are none of it. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const letters = text.replace(/={1,2}$/, '')
  if (letters.length % 4 === 1) return undefined
  const bytes = new Uint8Array(Math.floor((letters.length * 3) / 4))
  let held = 0
  let bits = 0
  let at = 0
  for (let i = 0; i < letters.length; i += 1) {
    const value = values.get(letters.charCodeAt(i))
    if (value === undefined) return undefined
    held = ((held << 6) | value) & 0xffffff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes[at] = (held >> bits) & 0xff
      at += 1
    }
  }
  return bytes
}
