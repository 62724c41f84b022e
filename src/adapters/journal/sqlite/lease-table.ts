/** Leases as rows of the state: one transaction compares and sets. */
import type { Holding, LeaseTable } from '../lease-table.ts'
import type { Database } from './database.ts'
import { textToColumn } from './names.ts'

export function createSqliteLeaseTable(database: Database): LeaseTable {
  return {
    change: (resource, change) =>
      database.transaction((it) => {
        const key = textToColumn(resource)
        const row = it.prepare('SELECT token, lease FROM leases WHERE resource = ?').get(key)
        const lease = row?.['lease']
        const holding = typeof lease === 'string' ? (JSON.parse(lease) as Holding) : undefined
        const next = change(row === undefined ? undefined : { token: Number(row['token']), holding })
        if (next === undefined) return
        it.prepare(
          `INSERT INTO leases (resource, token, lease) VALUES (?, ?, ?)
           ON CONFLICT (resource) DO UPDATE SET token = excluded.token, lease = excluded.lease`,
        ).run(key, next.token, next.holding === undefined ? null : JSON.stringify(next.holding))
      }),
  }
}
