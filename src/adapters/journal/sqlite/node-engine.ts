/**
 * SQLite as Node brings it along (`node:sqlite`: Node 22.13 and later without a flag).
 *
 * The interfaces below are the few calls that are used, written here because the oldest supported Node has no types
 * for them.
 */
import type { SqlConnection, SqlEngine, SqlRow, SqlStatement, SqlValue } from './engine.ts'

interface NodeSqlite {
  readonly DatabaseSync: new (path: string) => NodeDatabase
}

interface NodeDatabase {
  exec(sql: string): void
  prepare(sql: string): NodeStatement
  close(): void
}

interface NodeStatement {
  run(...values: readonly SqlValue[]): { readonly changes: number | bigint }
  all(...values: readonly SqlValue[]): readonly SqlRow[]
}

/** The built-in engine, or undefined where this Node has none. */
export function createNodeEngine(): SqlEngine | undefined {
  const sqlite = loadQuietly()
  if (sqlite === undefined) return undefined
  return { name: 'node', open: (path) => new NodeConnection(new sqlite.DatabaseSync(path)) }
}

/** Node 22 announces on stderr that its SQLite is experimental; we use a pinned few calls and test them there. */
function loadQuietly(): NodeSqlite | undefined {
  const original = Object.getOwnPropertyDescriptor(process, 'emitWarning')
  const emit = process.emitWarning.bind(process) as (...warning: readonly unknown[]) => void
  // The swap lasts for this one synchronous call, and lets every other warning through.
  process.emitWarning = (...warning: readonly unknown[]): void => {
    if (!/\bSQLite\b.*experimental/i.test(String(warning[0]))) emit(...warning)
  }
  try {
    // Not an import: bundlers and older Nodes would fail on the name.
    return process.getBuiltinModule('node:sqlite') as NodeSqlite | undefined
  } finally {
    if (original !== undefined) Object.defineProperty(process, 'emitWarning', original)
  }
}

class NodeConnection implements SqlConnection {
  readonly #database: NodeDatabase

  constructor(database: NodeDatabase) {
    this.#database = database
  }

  exec(sql: string): void {
    this.#database.exec(sql)
  }

  prepare(sql: string): SqlStatement {
    const statement = this.#database.prepare(sql)
    return {
      run: (...values) => Number(statement.run(...values).changes),
      get: (...values) => statement.all(...values)[0],
      all: (...values) => statement.all(...values),
    }
  }

  close(): void {
    this.#database.close()
  }

  lastFailure(): unknown {
    return undefined
  }
}
