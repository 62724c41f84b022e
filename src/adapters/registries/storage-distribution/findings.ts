/** What is noticed while a repository is read: remarks are told, faults make it incomplete. */
import { OperationalError } from '../../../core/errors/errors.ts'

export interface Findings {
  readonly problems: readonly string[]
  readonly isComplete: boolean
  remark(text: string): void
  fault(text: string): void
  /** Runs one piece of the reading; what fails for a reason of the world becomes a fault, everything else is thrown. */
  attempt<T>(piece: () => Promise<T>): Promise<T | undefined>
}

export function startFindings(): Findings {
  const problems: string[] = []
  let isComplete = true
  const fault = (text: string): void => {
    problems.push(text)
    isComplete = false
  }
  return {
    get problems() {
      // Pieces are read side by side; the order they end in must not show.
      return problems.toSorted()
    },
    get isComplete() {
      return isComplete
    },
    remark: (text) => void problems.push(text),
    fault,
    attempt: async (piece) => {
      try {
        return await piece()
      } catch (error) {
        if (!(error instanceof OperationalError) || error.category !== 'incomplete') throw error
        fault(error.message)
        return undefined
      }
    },
  }
}

/** A name from disk, fit for a terminal: whoever can push can make names, and names can hold control characters. */
export function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 300)).replace(/[\u007f-\u009f]/g, '?')
}
