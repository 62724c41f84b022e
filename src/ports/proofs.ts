/**
 * What was proved of registries whose rules for deletion no documentation tells: that deleting a throw-away manifest there
 * removed it, and whether deleting one of its tags removed that tag alone. Losing a proof costs another one.
 */
import type { InstantMs } from '../core/inventory/inventory.ts'

export interface Proof {
  /** The registry's address as it is asked: scheme, host, port and path, without a slash at its end. */
  readonly address: string
  /** The product that it was taken for: `yandex`. */
  readonly kind: string
  readonly at: InstantMs
  /** Deleting one tag left its manifest and the sibling tag. */
  readonly deletesTags: boolean
}

export interface ProofStore {
  /** In place of an older proof of the same address and kind. */
  rememberProof(proof: Proof): Promise<void>
  /** The newest proof, however old; undefined when there is none. */
  proofOf(address: string, kind: string): Promise<Proof | undefined>
  /** For when the opposite was seen. */
  forgetProof(address: string, kind: string): Promise<void>
}
