/** Sources of evidence that answer as a test tells them to. */
import type { SourceEvidence } from '../../src/core/evidence/evidence.ts'
import type { EvidenceSource } from '../../src/ports/evidence-source.ts'

/** A whole answer that says nothing is in use, but for what the test gives. */
export function evidenceAnswer(name: string, given: Partial<SourceEvidence> = {}): SourceEvidence {
  return {
    name,
    complete: true,
    leftOut: false,
    identity: undefined,
    objects: 0,
    pods: undefined,
    references: [],
    digests: [],
    problems: [],
    ...given,
  }
}

export function source(answer: SourceEvidence): EvidenceSource {
  return { name: answer.name, gather: () => Promise.resolve(answer) }
}
