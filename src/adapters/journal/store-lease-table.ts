/**
 * The lease of a storage, kept in the storage: one file for each token, of which the highest counts.
 *
 * To take the lease is to make the file of the next token, which only one of two can (`create`); so a token is never given
 * twice, on any store that can make a file that must not be there yet. Renewing rewrites one's own file, which nobody else
 * does.
 */
import type { SweepableStore } from '../../ports/mutable-sweep-store.ts'
import type { LeaseRow, LeaseTable } from './lease-table.ts'

const FOLDER = '.winnow/lease'
const LEASE_BYTES_MAX = 64 * 1024
const TOKEN_DIGITS = 12

export function createStoreLeaseTable(store: SweepableStore): LeaseTable {
  return {
    async change(_resource, change) {
      for (;;) {
        const tokens = await listTokens(store)
        const current = tokens.at(-1)
        const row = current === undefined ? undefined : await readRow(store, current)
        // Somebody took the next token and tidied this one away.
        if (current !== undefined && row === undefined) continue
        const next = change(row)
        if (next === undefined) return
        const bytes = Buffer.from(JSON.stringify(next))
        if (next.token === row?.token) return store.write(keyOf(next.token), bytes)
        if (!(await store.create(keyOf(next.token), bytes))) continue
        // Safe: a lower token has lost the lease, and its holder looks at the highest before it does anything.
        await store.removeAll(tokens.map(keyOf))
        return
      }
    },
  }
}

async function listTokens(store: SweepableStore): Promise<readonly number[]> {
  const entries = (await store.list(FOLDER)) ?? []
  return entries
    .filter(({ name }) => /^\d+\.json$/.test(name))
    .map(({ name }) => Number.parseInt(name, 10))
    .toSorted((a, b) => a - b)
}

async function readRow(store: SweepableStore, token: number): Promise<LeaseRow | undefined> {
  const file = await store.read(keyOf(token), LEASE_BYTES_MAX)
  if (file === undefined) return undefined
  // Written by this program alone; what is no JSON holds nobody off, and its token stays taken.
  const row = parse(Buffer.from(file.bytes).toString('utf8'))
  return row === undefined ? { token, holding: undefined } : { ...row, token }
}

function parse(text: string): LeaseRow | undefined {
  try {
    return JSON.parse(text) as LeaseRow
  } catch {
    return undefined
  }
}

function keyOf(token: number): string {
  return `${FOLDER}/${String(token).padStart(TOKEN_DIGITS, '0')}.json`
}
