/** Commit ids as people and builders write them. */

/** Fewer digits name a commit only in small repositories; Git itself abbreviates to seven. */
const commitId = /^[0-9a-f]{7,64}$/

/**
 * The commit id that a text spells, in lower case: 7 to 64 hexadecimal digits. Undefined for anything else, which names
 * no commit.
 */
export function commitIn(text: string | undefined): string | undefined {
  // Longer texts are asked in numbers, and are no ids; they are not copied first.
  if (text === undefined || text.length < 7 || text.length > 64) return undefined
  const lower = text.toLowerCase()
  return commitId.test(lower) ? lower : undefined
}
