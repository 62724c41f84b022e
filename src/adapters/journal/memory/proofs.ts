/** Proofs kept in memory: for tests, and for looks at a registry that leave nothing behind. */
import type { Proof, ProofStore } from '../../../ports/proofs.ts'

export function createMemoryProofStore(): ProofStore {
  const proofs = new Map<string, Proof>()
  const key = (address: string, kind: string): string => JSON.stringify([address, kind])
  return {
    async rememberProof(proof) {
      proofs.set(key(proof.address, proof.kind), proof)
    },
    async proofOf(address, kind) {
      return proofs.get(key(address, kind))
    },
    async forgetProof(address, kind) {
      proofs.delete(key(address, kind))
    },
  }
}
