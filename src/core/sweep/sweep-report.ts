/** What a sweep would do or did: `sweep/v1`. */
import type { Digest } from '../image/digest.ts'
import type { InstantMs } from '../inventory/inventory.ts'

export interface SweepReport {
  readonly registry: string
  readonly run: string
  readonly mode: 'online' | 'maintenance'
  /** Nothing younger than this is touched. */
  readonly fence: InstantMs
  readonly applied: boolean
  /** Whether every repository was read in full and everything that was begun was finished. */
  readonly complete: boolean
  readonly summary: SweepSummary
  readonly actions: Iterable<SweepAction>
  readonly warnings: readonly string[]
}

export interface SweepSummary {
  /** Manifests that are linked, and those they refer to. */
  readonly manifests: number
  /** Blobs that are stored, manifests and configs among them. */
  readonly blobs: number
  /** Of these, what a linked manifest needs. */
  readonly blobsMarked: number
  /** Of these, what nobody needs and nothing protects by its age. */
  readonly blobsGarbage: number
  readonly bytesGarbage: number
  readonly setAside: number
  readonly restored: number
  readonly freed: number
  readonly bytesFreed: number
  readonly linksRemoved: number
  readonly repositoriesRemoved: number
  readonly uploadsRemoved: number
}

export type SweepAction =
  | {
      readonly kind: 'set-aside'
      readonly digest: Digest
      readonly sizeBytes: number
      readonly reason: string
      readonly pool?: string
    }
  | {
      readonly kind: 'restore' | 'free'
      readonly digest: Digest
      readonly sizeBytes: number
      readonly reason: string
      readonly pool?: string
    }
  | {
      readonly kind: 'remove-link' | 'remove-repository' | 'remove-upload'
      readonly path: string
      readonly reason: string
    }

export const emptySummary: SweepSummary = {
  manifests: 0,
  blobs: 0,
  blobsMarked: 0,
  blobsGarbage: 0,
  bytesGarbage: 0,
  setAside: 0,
  restored: 0,
  freed: 0,
  bytesFreed: 0,
  linksRemoved: 0,
  repositoriesRemoved: 0,
  uploadsRemoved: 0,
}
