/** What was last seen of each repository, for as long as a look counts anywhere in a run: a minute. */
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'

const lookAgeMaxMs = 60_000

export class Looks<T> {
  readonly #read: (repository: RepositoryName, options: RunOptions | undefined) => Promise<T>
  readonly #seen = new Map<RepositoryName, { readonly at: number; readonly what: Promise<T> }>()

  constructor(read: (repository: RepositoryName, options: RunOptions | undefined) => Promise<T>) {
    this.#read = read
  }

  look(repository: RepositoryName, options: RunOptions | undefined): Promise<T> {
    const known = this.#seen.get(repository)
    if (known !== undefined && performance.now() - known.at < lookAgeMaxMs) return known.what
    const what = this.#read(repository, options)
    this.#seen.set(repository, { at: performance.now(), what })
    // A look that failed shows nothing, and the next question looks again.
    what.catch(() => this.#seen.delete(repository))
    return what
  }

  /** Brings what was seen up to what was done meanwhile. */
  async change(repository: RepositoryName, change: (what: T) => void): Promise<void> {
    const known = this.#seen.get(repository)
    if (known !== undefined) change(await known.what)
  }
}
