/** Reads text files that people and agents write: whole, of bounded size, and as valid UTF-8, or not at all. */
import { open, type FileHandle } from 'node:fs/promises'
import { InterruptedError, OperationalError } from '../../core/errors/errors.ts'
import type { RunOptions } from '../../ports/run-options.ts'

/** Twenty times what the evidence of the largest clusters takes; more is a wrong file. */
const fileBytesMax = 64 * 1024 * 1024

export class TextFileError extends OperationalError {
  readonly code = 'EVIDENCE_TEXT_FILE_UNREADABLE'
  override readonly category = 'incomplete'
  readonly hint: string

  constructor(path: string, what: string, hint: string, options?: { readonly cause?: unknown }) {
    super(`${path} ${what}.`, options)
    this.hint = hint
  }
}

/**
 * The text of the file at `path`.
 *
 * @throws TextFileError when it is not there, no file to read, too large or no UTF-8; InterruptedError when cancelled
 */
export async function readTextFile(
  path: string,
  options: RunOptions = {},
  bytesMax = fileBytesMax,
): Promise<string> {
  refuseInterrupted(options)
  const bytes = await readBytes(path, bytesMax)
  refuseInterrupted(options)
  try {
    // A character that is guessed could make another image of a line.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new TextFileError(path, 'is not UTF-8 text', 'Save it as UTF-8.', { cause })
  }
}

async function readBytes(path: string, bytesMax: number): Promise<Uint8Array> {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'r')
    const stat = await file.stat()
    // A pipe is as good as a file: `<(kubectl …)` is how shells hand over what a command prints.
    if (!stat.isFile() && !stat.isFIFO()) throw new TextFileError(path, 'is no file to read', 'Name a file.')
    if (stat.size > bytesMax) throw tooLarge(path, bytesMax)
    return await readBounded(file, path, bytesMax)
  } catch (error) {
    if (error instanceof TextFileError) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    const what = code === 'ENOENT' ? 'is not there' : `cannot be read (${code})`
    throw new TextFileError(path, what, 'Correct the path, or give this user the right to read it.', {
      cause: error,
    })
  } finally {
    await file?.close()
  }
}

/** It may have grown since it was looked at, and a pipe tells no size at all. */
async function readBounded(file: FileHandle, path: string, bytesMax: number): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of file.createReadStream({ autoClose: false })) {
    const bytes = Buffer.from(chunk as Uint8Array)
    length += bytes.length
    if (length > bytesMax) throw tooLarge(path, bytesMax)
    chunks.push(bytes)
  }
  return Buffer.concat(chunks)
}

function tooLarge(path: string, bytesMax: number): TextFileError {
  return new TextFileError(
    path,
    `is larger than ${bytesMax} bytes`,
    'Check that it is the right file; if it is, split it.',
  )
}

function refuseInterrupted({ signal, stop }: RunOptions): void {
  if (signal?.aborted === true || stop?.aborted === true) throw new InterruptedError()
}
