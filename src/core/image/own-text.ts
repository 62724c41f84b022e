/** Labels, annotations and captures come from strangers: `__proto__` is a key like any other, and `constructor` is none. */

/** The text under a key; undefined where it is not there, whatever every object has. */
export function ownText(texts: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(texts, key) ? texts[key] : undefined
}
