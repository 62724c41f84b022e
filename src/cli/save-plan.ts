/** Saves a plan so that there is either the whole of it or none: apply goes by nothing else. */
import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { OperationalError } from '../core/errors/errors.ts'
import { planDocument } from '../core/plan/plan-file.ts'
import type { Plan } from '../core/plan/plan.ts'
import { inChunks, jsonPieces } from './views/documents.ts'

/** A file that the command line asks for cannot be written. */
export class OutputFileError extends OperationalError {
  readonly code = 'OUTPUT_FILE_UNWRITABLE'
  readonly hint = 'Check that its folder exists, may be written to, and has room.'

  constructor(path: string, options: { readonly cause: unknown }) {
    super(`${path} cannot be written.`, options)
  }
}

/**
 * Writes `plan/v1` beside `path` and moves it there when it is on disk.
 *
 * @throws OutputFileError
 */
export async function savePlan(plan: Plan, path: string): Promise<void> {
  await saveText(path, jsonPieces(planDocument(plan)))
}

/** The same for any text in pieces. @throws OutputFileError */
export async function saveText(path: string, pieces: Iterable<string>): Promise<void> {
  const beside = `${path}.${randomBytes(4).toString('hex')}.part`
  try {
    const file = await open(beside, 'wx')
    try {
      for (const chunk of inChunks(pieces)) await file.write(chunk)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(beside, path)
  } catch (cause) {
    await rm(beside, { force: true })
    throw new OutputFileError(path, { cause })
  }
}
