/** Bytes to JSON, with the depth known before anything walks the result. */

/** The one thing of the platform that core borrows: decoding text depends on nothing and changes nothing. */
declare const TextDecoder: new (
  label: string,
  options: { readonly fatal: boolean },
) => { decode(bytes: Uint8Array): string }

// It keeps nothing from one text to the next, and making one takes longer than most texts.
const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

const QUOTE = 0x22
const BACKSLASH = 0x5c
const [SQUARE_OPENING, SQUARE_CLOSING] = [0x5b, 0x5d]
const [CURLY_OPENING, CURLY_CLOSING] = [0x7b, 0x7d]

/** The JSON value these bytes spell, or undefined when they spell none (JSON itself has no undefined). */
export function decodeJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(strictUtf8.decode(bytes)) as unknown
  } catch {
    return undefined
  }
}

/** How deep brackets nest outside of strings. */
export function depthOf(bytes: Uint8Array): number {
  let depth = 0
  let deepest = 0
  let inString = false
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i] ?? 0
    if (inString) {
      if (byte === BACKSLASH) i += 1
      else if (byte === QUOTE) inString = false
    } else if (byte === QUOTE) inString = true
    else if (byte === SQUARE_OPENING || byte === CURLY_OPENING) {
      depth += 1
      if (depth > deepest) deepest = depth
    } else if (byte === SQUARE_CLOSING || byte === CURLY_CLOSING) depth -= 1
  }
  return deepest
}
