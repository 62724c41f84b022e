/** Output of git commands as text or lines; never the whole of something long as one string. */
import type { RunOptions } from '../../ports/run-options.ts'
import { explainFailure } from './explain-failure.ts'
import { overLimit, type Git, type GitCommand } from './run-git.ts'

/** Of answers that are a word or a path. */
const textBytesMax = 1024 * 1024

/**
 * All it prints, for short answers.
 *
 * @throws GitReadError when it fails, too; InterruptedError
 */
export async function gitText(git: Git, command: GitCommand, options: RunOptions): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  const onOutput = (chunk: Buffer): void => {
    bytes += chunk.byteLength
    if (bytes > textBytesMax) throw overLimit('a short answer of git does not end')
    chunks.push(Buffer.from(chunk))
  }
  const { status, stderr } = await git.run({ ...command, onOutput }, options)
  if (status !== 0) throw explainFailure(stderr, status, command.folder)
  return Buffer.concat(chunks).toString('utf8')
}

/** Gives on each line that comes in pieces, without its end; good until the function returns. */
export function splitLines(onLine: (bytes: Buffer, start: number, end: number) => void): {
  readonly add: (chunk: Buffer) => void
  /** Gives on a last line without an end; says whether there was one. */
  readonly finish: () => boolean
} {
  let rest: Buffer | undefined
  return {
    add(chunk) {
      let start = 0
      if (rest !== undefined) {
        const end = chunk.indexOf(lineFeed)
        if (end < 0) {
          rest = Buffer.concat([rest, chunk])
          return
        }
        const line = Buffer.concat([rest, chunk.subarray(0, end)])
        rest = undefined
        onLine(line, 0, line.length)
        start = end + 1
      }
      for (let end = chunk.indexOf(lineFeed, start); end >= 0; end = chunk.indexOf(lineFeed, start)) {
        onLine(chunk, start, end)
        start = end + 1
      }
      if (start < chunk.length) rest = Buffer.from(chunk.subarray(start))
    },
    finish() {
      if (rest === undefined) return false
      onLine(rest, 0, rest.length)
      rest = undefined
      return true
    },
  }
}

const lineFeed = 10
