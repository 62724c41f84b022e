/**
 * Reads one Git repository by the git of this machine: a clone at a path as it stands (or fetched, where that was asked for),
 * or an address by way of a copy of our own. docs/git-reading.md tells all of it.
 *
 * Promises: what fails is a problem with its cure and never a shorter history; nothing in a foreign clone is run, changed or
 * removed; no secret is in the words of a command, in an error or in an event.
 */
import { InterruptedError, OperationalError } from '../../core/errors/errors.ts'
import type { GitHistory } from '../../core/git/git-history.ts'
import type { SourceProblem } from '../../core/evidence/evidence.ts'
import type { GitReader, GitRequest } from '../../ports/git-reader.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import { errorCode } from '../http/redact.ts'
import { defaultGitLimits } from './git-limits.ts'
import type { GitReaderSettings } from './git-settings.ts'
import { requireGit } from './git-version.ts'
import { readAddress } from './read-address.ts'
import { readClone } from './read-clone.ts'
import { unreadHistory } from './read-history.ts'
import { createGit, type Git } from './run-git.ts'

/** A reader of one repository; nothing is looked at before it is asked. */
export function createGitReader(settings: GitReaderSettings): GitReader {
  return {
    name: settings.name,
    async read(request, options = {}) {
      const git = gitOf(settings)
      options.onEvent?.({ kind: 'phase', phase: 'git', subject: settings.name })
      try {
        await requireGit(git, options)
        return await readPlace(git, settings, request, options)
      } catch (error) {
        if (options.signal?.aborted === true) throw new InterruptedError()
        return unreadHistory(settings.name, [problemOf(error, git)])
      }
    },
  }
}

/** Git as these settings have it. */
export function gitOf({ environment, limits, program }: GitReaderSettings): Git {
  return createGit({
    environment: environment ?? process.env,
    limits: { ...defaultGitLimits, ...limits },
    ...(program !== undefined && { program }),
  })
}

function readPlace(
  git: Git,
  settings: GitReaderSettings,
  request: GitRequest,
  options: RunOptions,
): Promise<GitHistory> {
  const { place } = settings
  return place.kind === 'clone'
    ? readClone(git, { ...settings, place }, request, options)
    : readAddress(git, { ...settings, place }, request, options)
}

/**
 * What stops the plan, for people. What the file system refuses is no bug of ours either.
 *
 * @throws whatever is neither
 */
function problemOf(error: unknown, { redactor }: Git): SourceProblem {
  if (error instanceof InterruptedError) throw error
  if (error instanceof OperationalError) return incomplete(redactor.text(`${error.message} ${error.hint}`))
  const code = errorCode(error)
  if (!(error instanceof Error) || code === undefined) throw error
  return incomplete(redactor.text(`${error.message} (${code}) Correct that, then run the command again.`))
}

function incomplete(text: string): SourceProblem {
  return { severity: 'incomplete', text, accept: undefined }
}
