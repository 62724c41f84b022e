/**
 * The whole history in one pass: every commit that the references reach, children before parents, from one `git rev-list`
 * whose output is read as bytes while it comes.
 */
import { createCommitPacker, type CommitPacker } from '../../core/git/commit-packer.ts'
import type { CommitGraph } from '../../core/git/commit-graph.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import { explainFailure } from './explain-failure.ts'
import { GitReadError } from './git-errors.ts'
import { splitLines } from './git-text.ts'
import type { ObjectStore } from './object-store.ts'
import { overLimit } from './run-git.ts'

export interface ReadCommits {
  readonly graph: CommitGraph
  /** Commits whose committer date cannot be read: git tells them as made in 1970. */
  readonly undated: number
}

/**
 * @param heads ids of commits
 * @throws GitReadError when git cannot go through all of it
 */
export async function readCommits(
  store: ObjectStore,
  heads: readonly string[],
  options: RunOptions,
): Promise<ReadCommits> {
  const packer = createCommitPacker(store.idDigits)
  if (heads.length === 0) return { graph: packer.finish(), undated: 0 }
  const { commitsMax } = store.git.limits
  let undated = 0
  const lines = splitLines((bytes, start, end) => {
    const seconds = addCommit(packer, store.idDigits, bytes, start, end)
    if (seconds === 0) undated += 1
    if (packer.size > commitsMax) throw overLimit(`it has more than ${commitsMax} commits`)
  })
  // --stdin and nothing but ids on it: no name of a reference is ever taken for an option.
  const words = ['rev-list', '--topo-order', '--parents', '--timestamp', '--stdin']
  const input = heads.map((id) => `${id}\n`)
  const { status, stderr } = await store.run({ words, input, onOutput: lines.add }, options)
  if (status !== 0) throw explainFailure(stderr, status)
  if (lines.finish()) throw unreadable('its last line is cut off')
  return { graph: packer.finish(), undated }
}

const space = 32

/** One line: `SECONDS ID PARENT PARENT…`. Returns the seconds. */
function addCommit(
  packer: CommitPacker,
  idDigits: number,
  bytes: Buffer,
  start: number,
  end: number,
): number {
  let at = start
  let seconds = 0
  for (; at < end && bytes[at] !== space; at++) seconds = seconds * 10 + ((bytes[at] ?? 0) - 48)
  at += 1
  if ((end - at + 1) % (idDigits + 1) !== 0) throw unreadable('a line of it is not what it should be')
  packer.begin(seconds * 1000, bytes, at)
  for (at += idDigits + 1; at < end; at += idDigits + 1) packer.addParent(bytes, at)
  return seconds
}

function unreadable(why: string): GitReadError {
  return new GitReadError(
    'failed',
    `What git printed of the history cannot be read: ${why}.`,
    'Run the command again; if it happens again, report it with the version of git.',
  )
}
