/** Lets errors pass, with what only the caller knows added to them: the run that they end, what stands, how to go on. */
import { OperationalError } from '../core/errors/errors.ts'

/** @throws whatever `work` throws; an operational error has the note then */
export async function noting<T>(note: () => string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof OperationalError) error.addNote(note())
    throw error
  }
}
