/** Writes a file that the command line names: whole, or not at all. */
import { randomBytes } from 'node:crypto'
import { open, rename, rm, writeFile } from 'node:fs/promises'
import { OperationalError } from '../core/errors/errors.ts'

/** The file that a result was to be saved in cannot be written. */
class OutputFileError extends OperationalError {
  readonly code = 'OUTPUT_FILE_UNWRITABLE'
  readonly hint = 'Check that the folder exists, that you may write there, and that the disk is not full.'

  constructor(path: string, options: { readonly cause: unknown }) {
    super(`${path} cannot be written.`, options)
  }
}

/**
 * Writes `text`, whole or in pieces, to `path`, over a file that is there. Another program never reads half of it: the text is written
 * beside the file first, and takes its name when it is whole.
 *
 * @throws OutputFileError
 */
export async function writeOutputFile(path: string, text: string | Iterable<string>): Promise<void> {
  const beside = `${path}.${randomBytes(4).toString('hex')}.part`
  try {
    await writeFile(beside, text, { flag: 'wx' })
    await rename(beside, path)
  } catch (cause) {
    await rm(beside, { force: true })
    throw new OutputFileError(path, { cause })
  }
}

/**
 * Appends one line, with its end, to a file that others may append to at the same moment: one write, which the system puts
 * behind everything that is there. A last line without an end is ended first.
 *
 * @throws OutputFileError
 */
export async function appendLine(path: string, line: string): Promise<void> {
  try {
    const file = await open(path, 'a+')
    try {
      const { size } = await file.stat()
      const last = size === 0 ? undefined : (await file.read(Buffer.alloc(1), 0, 1, size - 1)).buffer[0]
      const bytes = Buffer.from(last === undefined || last === 0x0a ? line : `\n${line}`)
      const { bytesWritten } = await file.write(bytes)
      if (bytesWritten !== bytes.length) throw new Error(`only ${bytesWritten} of ${bytes.length} bytes fit`)
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (cause) {
    throw new OutputFileError(path, { cause })
  }
}
