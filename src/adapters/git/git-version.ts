/** Which git this machine has, and whether it is new enough. */
import type { RunOptions } from '../../ports/run-options.ts'
import { GitReadError } from './git-errors.ts'
import { gitText } from './git-text.ts'
import { gitVersionMin, type Git } from './run-git.ts'

/**
 * The version, as `2.39.5`.
 *
 * @throws GitReadError when there is no git or it is too old
 */
export async function requireGit(git: Git, options: RunOptions): Promise<string> {
  const said = (await gitText(git, { words: ['--version'] }, options)).trim()
  const version = /(\d+)\.(\d+)(?:\.\d+)*/.exec(said)
  if (version !== null && isEnough(Number(version[1]), Number(version[2]))) return version[0]
  throw new GitReadError(
    'git-too-old',
    `This machine's git says it is "${said.slice(0, 100)}"; Winnow needs ${gitVersionMin} or newer.`,
    `Install git ${gitVersionMin} or newer where Winnow runs.`,
  )
}

function isEnough(major: number, minor: number): boolean {
  const [majorMin = 0, minorMin = 0] = gitVersionMin.split('.').map(Number)
  return major > majorMin || (major === majorMin && minor >= minorMin)
}
