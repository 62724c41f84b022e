/**
 * A named source of evidence. It is asked after the inventory was taken, so that a deployment in between is seen.
 *
 * A source never throws for what the world does to it: it answers with `complete: false` and a problem that says what
 * failed and what cures it. It throws InterruptedError when cancelled.
 */
import type { SourceEvidence } from '../core/evidence/evidence.ts'
import type { ManagedNames } from '../core/evidence/managed-names.ts'
import type { RunOptions } from './run-options.ts'

export interface EvidenceSource {
  readonly name: string
  gather(managed: ManagedNames, options?: RunOptions): Promise<SourceEvidence>
}
