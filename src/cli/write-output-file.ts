/** Writes a file that the command line names: whole, or not at all. */
import { randomBytes } from 'node:crypto'
import { rename, rm, writeFile } from 'node:fs/promises'
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
