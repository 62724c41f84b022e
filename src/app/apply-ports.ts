/** What applying is handed, and what it says of every line. */
import type { RegistryName, RepositoryName } from '../core/image/names.ts'
import type { InstantMs } from '../core/inventory/inventory.ts'
import type { RunId } from '../core/journal/entry.ts'
import type { PlanAction } from '../core/plan/plan.ts'
import type { JournalStore } from '../ports/journal-store.ts'
import type { LeaseStore } from '../ports/lease.ts'
import type { MutableRegistry } from '../ports/mutable-registry.ts'
import type { ReadableRegistry } from '../ports/readable-registry.ts'
import type { GitPorts } from './ask-git.ts'
import type { EvidencePorts } from './gather-evidence.ts'
import type { HeldLeases } from './leases.ts'

export interface RegistryPorts {
  readonly reader: ReadableRegistry
  readonly writer: MutableRegistry
}

export interface ApplyPorts extends EvidencePorts {
  readonly registries: ReadonlyMap<RegistryName, RegistryPorts>
  /** Left out: no Git repository can be asked again. */
  readonly git?: GitPorts
  readonly journal: JournalStore
  readonly leases: LeaseStore
  readonly newRunId: (at: InstantMs) => RunId
}

export type LineOutcome = 'deleted' | 'untagged' | 'drifted' | 'in-use' | 'blocked' | 'failed'

/** The repository that is worked on, and what it takes to act there. */
export interface RepositoryPlace {
  readonly run: RunId
  readonly registry: RegistryName
  readonly repository: RepositoryName
  readonly driver: RegistryPorts
  readonly ports: Pick<ApplyPorts, 'journal' | 'now'>
  readonly leases: HeldLeases
  /** The next number for an intent of the run. */
  readonly sequence: () => number
}

/** What makes of a line, which was told as deleted, another one. */
export interface CompanyTrouble {
  readonly outcome: 'blocked' | 'failed' | 'drifted'
  readonly text: string
}

export interface LineReport {
  readonly action: PlanAction
  readonly outcome: LineOutcome
  /** Why it was not done, or a remark; empty when there is nothing to say. */
  readonly text: string
  /** Somebody else had removed it before: there was nothing left to do. @default false */
  readonly alreadyGone?: true
}
