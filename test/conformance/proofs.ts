/** What every store of proofs must do. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Proof, ProofStore } from '../../src/ports/proofs.ts'
import type { Opened } from './journal-store.ts'

const proof: Proof = { address: 'https://cr.example.com/größe', kind: 'one', at: 7, deletesTags: true }

export function proofStoreConformance(name: string, open: () => Promise<Opened<ProofStore>>): void {
  describe(`proofs: ${name}`, () => {
    let opened: Opened<ProofStore>
    beforeEach(async () => {
      opened = await open()
    })
    afterEach(() => opened.close())

    it('keeps a proof of an address and a kind, and no other', async () => {
      await opened.store.rememberProof(proof)
      const store = await opened.reopen()
      expect(await store.proofOf(proof.address, proof.kind)).toEqual(proof)
      expect(await store.proofOf(proof.address, 'two')).toBeUndefined()
      expect(await store.proofOf('https://other.example.com', proof.kind)).toBeUndefined()
    })

    it('lets the newest count', async () => {
      await opened.store.rememberProof(proof)
      await opened.store.rememberProof({ ...proof, at: 9, deletesTags: false })
      await opened.store.rememberProof({ ...proof, kind: 'two', at: 8 })
      expect(await opened.store.proofOf(proof.address, proof.kind)).toEqual({
        ...proof,
        at: 9,
        deletesTags: false,
      })
    })

    it('forgets the one it is told to', async () => {
      await opened.store.rememberProof(proof)
      await opened.store.rememberProof({ ...proof, kind: 'two' })
      await opened.store.forgetProof(proof.address, proof.kind)
      await opened.store.forgetProof(proof.address, 'never proved')
      expect(await opened.store.proofOf(proof.address, proof.kind)).toBeUndefined()
      expect(await opened.store.proofOf(proof.address, 'two')).toBeDefined()
    })
  })
}
