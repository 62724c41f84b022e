/**
 * Collects what extraction finds: each statement once, in an order that does not depend on the order of reading, so
 * that the same cluster always gives the same evidence. Memory grows with distinct statements, not with objects.
 */
import type { Digest } from '../image/digest.ts'
import type { DigestInUse, ReferenceInUse, SourceProblem } from './evidence.ts'

/** What was found amiss, once for each subject; the places are counted. */
interface Finding {
  readonly severity: SourceProblem['severity']
  readonly accept: string | undefined
  readonly say: (places: string) => string
  readonly places: Set<string>
}

const placesShownMax = 3

export class Findings {
  /** By reference or digest, then by place: whether it is only a guess, or known to be of a manifest. */
  readonly #references = new Map<string, Map<string, boolean>>()
  readonly #digests = new Map<Digest, Map<string, boolean>>()
  readonly #problems = new Map<string, Finding>()

  /** One place that names it outright makes it no guess any more. */
  reference(reference: string, where: string, isGuess = false): void {
    mark(this.#references, reference, where, isGuess)
  }

  /** One place where it may be a config makes it one that may be. */
  digest(digest: Digest, where: string, isManifest = false): void {
    mark(this.#digests, digest, where, isManifest)
  }

  /** `say` makes the sentence from the places; it is asked once for each `subject`. */
  problem(
    problem: {
      readonly severity: SourceProblem['severity']
      readonly subject: string
      readonly accept?: string
    },
    where: string,
    say: (places: string) => string,
  ): void {
    const key = `${problem.severity}\n${problem.subject}`
    const found = this.#problems.get(key)
    if (found) found.places.add(where)
    else
      this.#problems.set(key, {
        severity: problem.severity,
        accept: problem.accept,
        say,
        places: new Set([where]),
      })
  }

  references(): readonly ReferenceInUse[] {
    return sortedPairs(this.#references).map(([reference, where, isGuess]) => ({
      reference,
      where,
      ...(isGuess ? { isGuess } : {}),
    }))
  }

  digests(): readonly DigestInUse[] {
    return sortedPairs(this.#digests).map(([digest, where, isManifest]) => ({
      digest,
      where,
      ...(isManifest ? { isManifest } : {}),
    }))
  }

  problems(): readonly SourceProblem[] {
    return [...this.#problems.values()]
      .map(({ severity, accept, say, places }) => ({ severity, text: say(listed(places)), accept }))
      .toSorted((a, b) => compare(a.severity, b.severity) || compare(a.text, b.text))
  }
}

function mark<K>(all: Map<K, Map<string, boolean>>, key: K, where: string, flag: boolean): void {
  const places = all.get(key)
  if (places === undefined) all.set(key, new Map([[where, flag]]))
  else places.set(where, (places.get(where) ?? true) && flag)
}

function sortedPairs<K extends string>(
  all: ReadonlyMap<K, ReadonlyMap<string, boolean>>,
): [K, string, boolean][] {
  return [...all]
    .toSorted(([a], [b]) => compare(a, b))
    .flatMap(([key, places]) =>
      [...places]
        .toSorted(([a], [b]) => compare(a, b))
        .map(([where, flag]): [K, string, boolean] => [key, where, flag]),
    )
}

function listed(places: ReadonlySet<string>): string {
  const sorted = [...places].toSorted(compare)
  const shown = sorted.slice(0, placesShownMax).join(', ')
  const more = sorted.length - placesShownMax
  return more > 0 ? `${shown} and ${more} more` : shown
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
