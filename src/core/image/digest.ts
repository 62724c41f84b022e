/**
 * Digests, as the OCI image specification's descriptor chapter defines them: `algorithm:encoded`.
 *
 * Only registered algorithms with their exact lengths and lower-case hex are digests here. Anything else is refused
 * at the edge, so that inside the program two equal contents always have equal strings.
 */

export type Digest = string & { readonly __brand: 'Digest' }

const registered = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/

/** The digest that `text` spells, or undefined when it spells none. */
export function parseDigest(text: string): Digest | undefined {
  return registered.test(text) ? (text as Digest) : undefined
}

/** `sha256:1c2e…`: short enough for a table, long enough for a person to tell two apart. */
export function shortDigest(digest: Digest): string {
  const colon = digest.indexOf(':')
  return `${digest.slice(0, colon + 13)}`
}
