/** Proofs of what deletion does in a registry, in SQLite. */
import type { Proof, ProofStore } from '../../../ports/proofs.ts'
import type { Database } from './database.ts'
import { textFromColumn, textToColumn } from './names.ts'

export function createSqliteProofStore(database: Database): ProofStore {
  return {
    rememberProof: ({ address, kind, at, deletesTags }) =>
      database.transaction((it) => {
        it.prepare(
          `INSERT INTO proofs (address, kind, at, deletes_tags) VALUES (?, ?, ?, ?)
           ON CONFLICT (address, kind) DO UPDATE SET at = excluded.at, deletes_tags = excluded.deletes_tags`,
        ).run(textToColumn(address), textToColumn(kind), at, deletesTags ? 1 : 0)
      }),
    proofOf: (address, kind) => database.read((it) => proofOf(it, address, kind)),
    forgetProof: (address, kind) =>
      database.transaction((it) => {
        // Safe: a proof that is gone only forbids what it allowed.
        it.prepare('DELETE FROM proofs WHERE address = ? AND kind = ?').run(
          textToColumn(address),
          textToColumn(kind),
        )
      }),
  }
}

function proofOf(database: Database, address: string, kind: string): Proof | undefined {
  const [row] = database
    .prepare('SELECT address, kind, at, deletes_tags FROM proofs WHERE address = ? AND kind = ?')
    .all(textToColumn(address), textToColumn(kind))
  return (
    row && {
      address: textFromColumn(row['address']),
      kind: textFromColumn(row['kind']),
      at: Number(row['at']),
      deletesTags: Number(row['deletes_tags']) === 1,
    }
  )
}
