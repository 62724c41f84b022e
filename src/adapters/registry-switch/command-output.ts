/**
 * Where a command writes to, and what comes out of it line by line while it runs.
 *
 * It is a file that has no name any more, and not a pipe: what a start command leaves running keeps its output, and would
 * be killed by its next line once nobody reads the other end.
 */
import { randomUUID } from 'node:crypto'
import { open, unlink, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const pollMs = 50
const chunkBytes = 64 * 1024
/** A longer line is told in parts. */
const lineCharsMax = 4096

export interface CommandOutput {
  /** For the command's stdout and stderr. */
  readonly fd: number
  /** Tells what came until now, and ends; an unfinished line is told too. */
  close(): Promise<void>
}

/** Undefined where no file can be made: a command that brings a registry back runs without one. */
export async function openCommandOutput(onLine: (line: string) => void): Promise<CommandOutput | undefined> {
  const path = join(tmpdir(), `winnow-${randomUUID()}`)
  let file: FileHandle
  try {
    // Only this user may read it, and both outputs add to its end.
    file = await open(path, 'ax+', 0o600)
    await unlink(path)
  } catch {
    return undefined
  }
  const lines = lineSplitter(onLine)
  const closing = new AbortController()
  const following = follow(file, lines.add, closing.signal)
  return {
    fd: file.fd,
    async close() {
      closing.abort()
      await following
      lines.end()
      await file.close()
    },
  }
}

/** Reads what is added until told to stop, and then once more. Never fails: output is worth no failed window. */
async function follow(
  file: FileHandle,
  add: (bytes: Uint8Array) => void,
  closing: AbortSignal,
): Promise<void> {
  let position = 0
  for (let isLast = false; ;) {
    try {
      position = await readFrom(file, position, add)
    } catch {
      return
    }
    if (isLast) return
    await sleep(pollMs, undefined, { signal: closing }).catch(() => undefined)
    isLast = closing.aborted
  }
}

async function readFrom(file: FileHandle, from: number, add: (bytes: Uint8Array) => void): Promise<number> {
  const { size } = await file.stat()
  // `echo … >/dev/stderr` in a script begins the file anew.
  let position = size < from ? 0 : from
  while (position < size) {
    const buffer = new Uint8Array(Math.min(chunkBytes, size - position))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position)
    if (bytesRead === 0) break
    add(buffer.subarray(0, bytesRead))
    position += bytesRead
  }
  return position
}

function lineSplitter(onLine: (line: string) => void): {
  readonly add: (bytes: Uint8Array) => void
  readonly end: () => void
} {
  const decoder = new TextDecoder()
  let rest = ''
  const take = (text: string): void => {
    const lines = (rest + text).split(/\r?\n|\r/)
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(line)
    while (rest.length > lineCharsMax) {
      onLine(rest.slice(0, lineCharsMax))
      rest = rest.slice(lineCharsMax)
    }
  }
  return {
    add: (bytes) => take(decoder.decode(bytes, { stream: true })),
    end() {
      take(decoder.decode())
      if (rest !== '') onLine(rest)
    },
  }
}
