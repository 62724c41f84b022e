/** Commit ids as people and builders write them. */

/** A whole id of SHA-1 or SHA-256 anywhere in a text, as in `<id>-dirty`, `sha1:<id>`, `git@<id>`. */
const wholeId = /(?<![0-9a-f])(?:[0-9a-f]{64}|[0-9a-f]{40})(?![0-9a-f])/
/** What `git describe` writes: a tag, how many commits since, and the commit (git-describe(1)). */
const described = /-[0-9]+-g([0-9a-f]{4,40})(?:-dirty|-modified)?$/
const hexadecimal = /^[0-9a-f]{4,64}$/
const lengthMax = 200

/**
 * The commit that a text names, in lower case: a whole id wherever it stands in it, a short one alone or as `git describe`
 * writes it. A text that names none comes back as it is, for whoever asks Git to say that it cannot tell; it is not nothing.
 * Undefined for no text.
 */
export function commitIn(text: string | undefined): string | undefined {
  const trimmed = text?.trim().slice(0, lengthMax).toLowerCase() ?? ''
  if (trimmed === '') return undefined
  return hexadecimal.test(trimmed)
    ? trimmed
    : (wholeId.exec(trimmed)?.[0] ?? described.exec(trimmed)?.[1] ?? trimmed)
}

/** Whether it can be looked for: hexadecimal digits, as many as Git takes for an abbreviation, and no more than an id has. */
export function isCommitId(commit: string): boolean {
  return hexadecimal.test(commit)
}

/** Whether it is worth asking a repository for, beside what its references reach: fewer digits name anything. */
export function isAskable(commit: string): boolean {
  return hexadecimal.test(commit) && commit.length >= 7
}
