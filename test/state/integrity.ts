/** SQLite's own opinion of a file. */
import { createNodeEngine } from '../../src/adapters/journal/sqlite/node-engine.ts'
import { createWasmEngine } from '../../src/adapters/journal/sqlite/wasm-engine.ts'
import { FileLock } from '../../src/adapters/journal/sqlite/file-lock.ts'
import type { SqlConnection } from '../../src/adapters/journal/sqlite/engine.ts'
import { thisProcess } from '../../src/adapters/journal/process-identity.ts'

/** Works on a database file past the stores, under its lock. */
export function withFile<T>(path: string, engine: 'node' | 'wasm', use: (connection: SqlConnection) => T): T {
  const lock = new FileLock(`${path}.lock`, thisProcess())
  if (!lock.tryAcquire()) throw new Error(`${path} is locked`)
  try {
    const connection = ((engine === 'node' ? createNodeEngine() : undefined) ?? createWasmEngine()).open(
      path,
      lock,
    )
    try {
      return use(connection)
    } finally {
      connection.close()
    }
  } finally {
    lock.release()
  }
}

export async function integrityOf(path: string, engine: 'node' | 'wasm'): Promise<string> {
  return withFile(path, engine, (connection) =>
    connection
      .prepare('PRAGMA integrity_check')
      .all()
      .map((row) => String(row['integrity_check']))
      .join('\n'),
  )
}
