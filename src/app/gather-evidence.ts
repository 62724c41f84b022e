/**
 * Asks every source of evidence, and stops the run when one did not answer in full.
 *
 * A source is left out only by its name on the command line, and the plan then says so. What a source doubts about
 * its own answer (a cluster without pods, half of the references gone) counts as incomplete until it is accepted by
 * name: an empty answer and no answer lead to opposite plans.
 */
import type { Evidence, SourceEvidence, SourceProblem } from '../core/evidence/evidence.ts'
import { dropProblems } from '../core/evidence/drop-guard.ts'
import type { ManagedNames } from '../core/evidence/managed-names.ts'
import { OperationalError } from '../core/errors/errors.ts'
import type { InstantMs } from '../core/inventory/inventory.ts'
import type { EvidenceSource } from '../ports/evidence-source.ts'
import type { Memory, SourceSnapshot } from '../ports/memory.ts'
import type { RunOptions } from '../ports/run-options.ts'

export interface EvidenceRequest {
  readonly managed: ManagedNames
  /** Names given with `--without-evidence`: `kubernetes:lab`, or `lab` for everything of that name. */
  readonly leftOut: readonly string[]
  /** Names given with `--accept`, as problems tell them. */
  readonly accepted: readonly string[]
}

export interface EvidencePorts {
  readonly sources: readonly EvidenceSource[]
  readonly memory: Memory | undefined
  readonly now: () => InstantMs
}

/** A source that could have protected images did not answer in full; planning stops here. */
export class EvidenceIncompleteError extends OperationalError {
  readonly code = 'EVIDENCE_INCOMPLETE'
  readonly hint: string
  override readonly category = 'incomplete'
  readonly sources: readonly SourceEvidence[]

  constructor(sources: readonly SourceEvidence[]) {
    const names = sources.map((source) => source.name)
    const told = sources.flatMap((source) =>
      incompleteProblems(source).map((text) => `${source.name}: ${text}`),
    )
    super(
      `${names.join(', ')} did not say in full what is in use, so nothing was planned.\n  ${told.join('\n  ')}`,
    )
    this.sources = sources
    this.hint = hintFor(sources)
  }
}

/** A name on the command line that no source has. */
export class UnknownSourceError extends OperationalError {
  readonly code = 'UNKNOWN_SOURCE'
  readonly hint: string
  override readonly category = 'usage'

  constructor(name: string, known: readonly string[]) {
    super(`There is no source of evidence called ${name}.`)
    this.hint = known.length === 0 ? 'No source is configured.' : `The sources are:\n  ${known.join('\n  ')}`
  }
}

/**
 * Gathers evidence from every source that is not left out, all at once.
 *
 * @throws EvidenceIncompleteError when one of them did not answer in full
 * @throws UnknownSourceError when a name to leave out is nobody's
 */
export async function gatherEvidence(
  request: EvidenceRequest,
  ports: EvidencePorts,
  options: RunOptions = {},
): Promise<Evidence> {
  const takenAt = ports.now()
  const sources = await askSources(request, ports, options)
  const incomplete = sources.filter((source) => !source.complete && !source.leftOut)
  if (incomplete.length > 0) throw new EvidenceIncompleteError(incomplete)
  for (const source of sources) {
    if (!source.leftOut) await remember(source, takenAt, ports.memory)
  }
  return { takenAt, sources }
}

/** The same without stopping: what every source said, complete or not, for showing it to a person. */
export async function askSources(
  request: EvidenceRequest,
  ports: EvidencePorts,
  options: RunOptions = {},
): Promise<readonly SourceEvidence[]> {
  const known = ports.sources.map((source) => source.name)
  for (const name of request.leftOut) {
    if (!known.some((source) => isNamed(source, name))) throw new UnknownSourceError(name, known)
  }
  options.onEvent?.({ kind: 'phase', phase: 'evidence' })
  return Promise.all(ports.sources.map((source) => ask(source, request, ports, options)))
}

async function ask(
  source: EvidenceSource,
  request: EvidenceRequest,
  ports: EvidencePorts,
  options: RunOptions,
): Promise<SourceEvidence> {
  if (request.leftOut.some((name) => isNamed(source.name, name))) return leftOut(source.name)
  const answer = await source.gather(request.managed, options)
  const last = await ports.memory?.lastSnapshot(source.name)
  const known = new Set(answer.problems.flatMap(({ accept }) => accept ?? []))
  // A doubt that the source has told itself is not told again.
  const drops = dropProblems(last, answer).filter(({ accept }) => accept === undefined || !known.has(accept))
  const problems = [...answer.problems, ...drops].map((problem) => accepted(problem, request.accepted))
  const doubts = problems.filter((problem) => problem.severity === 'incomplete')
  const wasDoubted = answer.problems.some((problem) => problem.severity === 'incomplete')
  // A source that calls itself incomplete without saying why cannot be accepted by name.
  return { ...answer, problems, complete: doubts.length === 0 && (answer.complete || wasDoubted) }
}

/** What a doubt says of how it is accepted, which has happened. */
const howToAccept = / If that is right, accept it by name:\n.*$/s

function accepted(problem: SourceProblem, names: readonly string[]): SourceProblem {
  if (problem.severity !== 'incomplete' || problem.accept === undefined || !names.includes(problem.accept)) {
    return problem
  }
  return {
    ...problem,
    severity: 'warning',
    text: `Accepted by name (${problem.accept}): ${problem.text.replace(howToAccept, '')}`,
  }
}

/** `lab` means every source of that name; `kubernetes:lab` only the one. */
function isNamed(source: string, name: string): boolean {
  return source === name || source.slice(source.indexOf(':') + 1) === name
}

function leftOut(name: string): SourceEvidence {
  return {
    name,
    complete: false,
    leftOut: true,
    identity: undefined,
    objects: 0,
    pods: undefined,
    references: [],
    digests: [],
    problems: [{ severity: 'warning', text: `${name} was left out on purpose.`, accept: undefined }],
  }
}

async function remember(source: SourceEvidence, at: InstantMs, memory: Memory | undefined): Promise<void> {
  if (memory === undefined) return
  const snapshot = snapshotOf(source, at)
  const last = snapshot.reached === undefined ? await memory.lastSnapshot(source.name) : undefined
  // Whoever did not ask which commits are reached has learnt nothing that would replace what is known.
  const reached = snapshot.reached ?? last?.reached
  await memory.rememberSnapshot(source.name, reached === undefined ? snapshot : { ...snapshot, reached })
}

/** What the drop guard compares the next answer with. */
function snapshotOf(
  { identity, objects, pods, references, linked }: SourceEvidence,
  at: InstantMs,
): SourceSnapshot {
  return {
    at,
    identity,
    objects,
    pods,
    references: references.length,
    ...(linked !== undefined && { reached: linked.reached }),
  }
}

function incompleteProblems(source: SourceEvidence): readonly string[] {
  const texts = source.problems.flatMap((problem) =>
    problem.severity === 'incomplete' ? [problem.text] : [],
  )
  return texts.length > 0 ? texts : ['it is marked as incomplete.']
}

function hintFor(sources: readonly SourceEvidence[]): string {
  const lines = sources.flatMap((source) => [
    `  --without-evidence=${source.name}`,
    ...source.problems.flatMap((problem) =>
      problem.accept === undefined ? [] : [`  --accept=${problem.accept}`],
    ),
  ])
  return `Restore access, or go on without it on purpose with one of:\n${[...new Set(lines)].join('\n')}`
}
