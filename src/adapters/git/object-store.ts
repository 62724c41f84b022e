/**
 * Reading the objects of a repository through an empty repository of our own, whose object directory is the other's.
 *
 * So nothing beside the objects is looked at: not the other's configuration (which could name programs to run), not its
 * replacements, grafts or hooks; and no remote is known here, so an object that is not there is not there, and is not
 * fetched from anywhere by a git of any version.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunOptions } from '../../ports/run-options.ts'
import { gitText } from './git-text.ts'
import type { Git, GitCommand, GitEnd } from './run-git.ts'

export interface ObjectStore {
  readonly git: Git
  /** How many hexadecimal digits an id has: 40 or 64. */
  readonly idDigits: number
  /** Runs a command that reads objects. */
  run(command: GitCommand, options: RunOptions): Promise<GitEnd>
}

export interface ObjectPlace {
  /** The `objects` folder of the repository. */
  readonly objects: string
  readonly objectFormat: string
}

/** Opens the objects of a repository for as long as the work takes. */
export async function withObjects<T>(
  git: Git,
  { objects, objectFormat }: ObjectPlace,
  options: RunOptions,
  work: (store: ObjectStore) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'winnow-git-'))
  try {
    const words = ['init', '--quiet', '--bare', '--template=', `--object-format=${objectFormat}`, folder]
    await gitText(git, { words }, options)
    const environment = { GIT_DIR: folder, GIT_OBJECT_DIRECTORY: objects }
    return await work({
      git,
      idDigits: objectFormat === 'sha256' ? 64 : 40,
      run: (command, runOptions) => git.run({ ...command, environment }, runOptions),
    })
  } finally {
    // Safe: the folder was made a moment ago for this alone, and the objects it pointed at lie elsewhere.
    await rm(folder, { recursive: true, force: true })
  }
}
