/**
 * What a run has seen so far: the one list of a whole key, of which each repository is read once, and which tags the last
 * reading of a repository showed, so that a deletion never takes a tag that nobody has seen.
 */
import type { StoredManifest } from './stored-manifests.ts'

/** A list that is older is not what a registry holds; then the repository itself is asked. */
const WHOLE_AGE_MAX_MS = 600_000
/** Whoever applies a plan has a few repositories at work at a time. */
const LOOKS_MAX = 64

export class Looks {
  #whole = new Map<string, readonly StoredManifest[]>()
  #wholeAt = 0
  readonly #folders = new Map<string, ReadonlySet<string>>()

  keepWhole(byRepository: ReadonlyMap<string, readonly StoredManifest[]>): void {
    this.#whole = new Map(byRepository)
    this.#wholeAt = Date.now()
  }

  /** Given out once: whoever reads a repository again wants to know how it is now. */
  takeFromWhole(repository: string): readonly StoredManifest[] | undefined {
    const files = Date.now() - this.#wholeAt > WHOLE_AGE_MAX_MS ? undefined : this.#whole.get(repository)
    this.#whole.delete(repository)
    return files
  }

  /** Something was changed, so nothing read before may be given out. */
  forgetWhole(): void {
    this.#whole.clear()
  }

  saw(repository: string, files: readonly StoredManifest[]): void {
    this.#folders.delete(repository)
    this.#folders.set(repository, new Set(files.map(({ folder }) => folder)))
    const [oldest] = this.#folders.keys()
    if (this.#folders.size > LOOKS_MAX && oldest !== undefined) this.#folders.delete(oldest)
  }

  /** Whether the last reading showed this folder; true where there was none. */
  hasSeen(repository: string, folder: string): boolean {
    return this.#folders.get(repository)?.has(folder) ?? true
  }
}
