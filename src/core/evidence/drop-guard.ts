/**
 * Doubts an answer that is much smaller than the last good one. An API that answers 200 with half of the objects looks
 * exactly like a cluster in which half of the workloads were removed; only a person can tell them apart, so the plan
 * stops until the person accepts the drop by its name (reference: kubernetes, section 5).
 */
import { lostLinks } from '../git/lost-links.ts'
import type { InstantMs } from '../inventory/inventory.ts'
import type { SourceEvidence, SourceProblem } from './evidence.ts'

/** What a source said last time, when its answer was whole. */
export interface LastAnswer {
  readonly at: InstantMs
  readonly identity: string | undefined
  readonly objects: number
  readonly pods: number | undefined
  readonly references: number
  /** Of a Git repository: linked commits that were reached, with the reference that did. */
  readonly reached?: ReadonlyMap<string, string>
}

/** A drop is doubted when it is larger than this share of the last count … */
const dropShareMax = 0.5
/** … and larger than this number, so that small clusters may shrink. */
const dropCountMax = 20

/**
 * What must be accepted by name before the answer `now` is believed. `last` is undefined the first time; then only an
 * empty cluster is doubted. An answer that was left out is not judged.
 *
 * Names to accept: `NAME/identity`, `NAME/no-pods`, `NAME/fewer-pods`, `NAME/fewer-references`, `NAME/fewer-objects`,
 * `NAME/lost-links`, with the
 * name of the source for `NAME`.
 */
export function dropProblems(last: LastAnswer | undefined, now: SourceEvidence): readonly SourceProblem[] {
  if (now.leftOut) return []
  const empty = now.pods === 0 ? [noPods(now.name)] : []
  if (last === undefined) return empty
  const another =
    last.identity !== undefined && now.identity !== last.identity ? [anotherWorld(last, now)] : []
  const drops = [
    ...(now.pods === 0 ? [] : drop(now.name, 'pods', last.pods, now.pods)),
    ...drop(now.name, 'references', last.references, now.references.length),
    ...drop(now.name, 'objects', last.objects, now.objects),
  ]
  return [...another, ...empty, ...drops, ...lost(last, now)]
}

function lost({ reached }: LastAnswer, { name, linked }: SourceEvidence): readonly SourceProblem[] {
  const text = reached === undefined || linked === undefined ? undefined : lostLinks(reached, linked)
  return text === undefined
    ? []
    : [doubt(name, 'lost-links', `${text.charAt(0).toUpperCase()}${text.slice(1)}.`)]
}

function noPods(name: string): SourceProblem {
  return doubt(
    name,
    'no-pods',
    `${name} shows no pod at all. A cluster without pods is rare, and a list that was cut off looks the same.`,
  )
}

function anotherWorld(last: LastAnswer, now: SourceEvidence): SourceProblem {
  const answered = now.identity === undefined ? 'one that does not tell its identity' : now.identity
  return doubt(
    now.name,
    'identity',
    `${now.name} is another cluster than last time: ${answered} instead of ${String(last.identity)}. What the former one runs would be unprotected.`,
  )
}

function drop(
  name: string,
  what: 'pods' | 'references' | 'objects',
  before: number | undefined,
  after: number | undefined,
): readonly SourceProblem[] {
  // A count that is not told any more is no smaller one.
  if (before === undefined || after === undefined) return []
  const lost = before - after
  if (lost <= dropCountMax || lost <= before * dropShareMax) return []
  const text = `${name} shows ${after} ${what} and showed ${before} last time. More than half is gone.`
  return [doubt(name, `fewer-${what}`, text)]
}

function doubt(name: string, what: string, text: string): SourceProblem {
  const accept = `${name}/${what}`
  return {
    severity: 'incomplete',
    text: `${text} If that is right, accept it by name:\n--accept ${accept}`,
    accept,
  }
}
