/**
 * SQLite as WebAssembly (node-sqlite3-wasm), for Node without a built-in SQLite.
 *
 * Its loader is run with a file system of ours (wasm-files.ts says why that is needed); the package's version is
 * pinned exactly, and a test fails if a new one asks for something that file system does not offer.
 */
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { compileFunction } from 'node:vm'
import type { Database, JSValue, Statement } from 'node-sqlite3-wasm'
import type { SqlConnection, SqlEngine, SqlRow, SqlStatement } from './engine.ts'
import type { FileLock } from './file-lock.ts'
import { WasmFiles, type EngineFiles } from './wasm-files.ts'

/** Loads the engine; about 20 ms and 10 MB. Every call makes one of its own, with its own memory. */
export function createWasmEngine(): SqlEngine {
  const files = new WasmFiles()
  const loaded = load(files)
  return {
    name: 'wasm',
    open(path: string, lock: FileLock): SqlConnection {
      files.guard(path, lock)
      files.lastFailure = undefined
      try {
        return new WasmConnection(new loaded.Database(path), files, () => {
          files.unguard(path)
        })
      } catch (error) {
        files.unguard(path)
        // The engine says only that it could not; the file system knows why.
        throw files.lastFailure ?? error
      }
    },
  }
}

interface Loaded {
  readonly Database: typeof Database
}

function load(files: EngineFiles): Loaded {
  const require = createRequire(import.meta.url)
  const path = require.resolve('node-sqlite3-wasm')
  const names = ['exports', 'require', 'module', '__filename', '__dirname']
  const run = compileFunction(readFileSync(path, 'utf8'), names, { filename: path }) as (
    ...bound: readonly unknown[]
  ) => void
  const module = { exports: {} }
  const requireOurs = (name: string): unknown => (name === 'node:fs' ? files : require(name))
  run(module.exports, requireOurs, module, path, dirname(path))
  return module.exports as Loaded
}

class WasmConnection implements SqlConnection {
  readonly #database: Database
  readonly #files: WasmFiles
  readonly #closed: () => void
  readonly #statements = new Map<string, Statement>()

  constructor(database: Database, files: WasmFiles, closed: () => void) {
    this.#database = database
    this.#files = files
    this.#closed = closed
  }

  exec(sql: string): void {
    this.#files.lastFailure = undefined
    this.#database.exec(sql)
  }

  prepare(sql: string): SqlStatement {
    const all = (values: readonly JSValue[]): readonly SqlRow[] =>
      this.#using(sql, (it) => it.all([...values]))
    return {
      run: (...values) => this.#using(sql, (it) => it.run([...values]).changes),
      // `all` and not `get`: a statement left on its first row would keep the transaction from ending.
      get: (...values) => all(values)[0],
      all: (...values) => all(values),
    }
  }

  close(): void {
    // The engine frees neither these nor the memory they hold by itself.
    for (const sql of this.#statements.keys()) this.#drop(sql)
    this.#database.close()
    this.#closed()
  }

  lastFailure(): unknown {
    return this.#files.lastFailure
  }

  #using<T>(sql: string, use: (statement: Statement) => T): T {
    this.#files.lastFailure = undefined
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare(sql)
      this.#statements.set(sql, statement)
    }
    try {
      return use(statement)
    } catch (error) {
      // The engine's next use of a statement that failed would fail as well, for the same reason told again.
      this.#drop(sql)
      throw error
    }
  }

  #drop(sql: string): void {
    const statement = this.#statements.get(sql)
    this.#statements.delete(sql)
    try {
      statement?.finalize()
    } catch {
      // SQLite repeats the error of the last run here, which was thrown already; the statement is freed all the same.
    }
  }
}
