/**
 * The references of a repository, as they stand in it: names and what they point at, no object opened.
 *
 * Symbolic references (origin/HEAD) are another name of a branch that is listed anyway, and are left out. A reference that
 * cannot be read is an error: git itself only warns and goes on, and a list without it would look whole.
 */
import type { RunOptions } from '../../ports/run-options.ts'
import { explainFailure } from './explain-failure.ts'
import { GitReadError } from './git-errors.ts'
import { splitLines } from './git-text.ts'
import { overLimit, type Git, type GitCommand } from './run-git.ts'

export interface ListedReference {
  /** `refs/tags/v1`. */
  readonly name: string
  /** The id of what it points at: a commit, a tag, or anything else. */
  readonly target: string
}

/** @param place how to find the repository: words before the command, a folder, an environment */
export async function listReferences(
  git: Git,
  place: GitCommand,
  prefixes: readonly string[],
  options: RunOptions,
): Promise<readonly ListedReference[]> {
  const references: ListedReference[] = []
  const lines = splitLines((bytes, start, end) => {
    const [target = '', name = '', symbolic = ''] = bytes.toString('utf8', start, end).split('\0')
    if (symbolic !== '') return
    references.push({ name, target })
    if (references.length > git.limits.referencesMax) {
      throw overLimit(`it has more than ${git.limits.referencesMax} references`)
    }
  })
  const format = '--format=%(objectname)%00%(refname)%00%(symref)'
  const words = [...place.words, 'for-each-ref', format, '--', ...prefixes]
  const { status, stderr } = await git.run({ ...place, words, onOutput: lines.add }, options)
  if (status !== 0) throw explainFailure(stderr, status, place.folder)
  if (/ignoring (?:broken ref|ref with broken name)/.test(stderr)) throw brokenReference(stderr)
  lines.finish()
  return references
}

function brokenReference(stderr: string): GitReadError {
  return new GitReadError(
    'corrupt',
    `The repository has a reference that cannot be read. Git said: ${stderr.slice(-300)}`,
    'Delete that reference if it is garbage (its file lies below .git/refs), or fetch it again.',
  )
}
