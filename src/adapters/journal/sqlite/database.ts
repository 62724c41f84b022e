/**
 * One database file that several processes share.
 *
 * Promises: a transaction is whole or absent, whatever kills the process; when `transaction` returns, what it wrote
 * survives a power cut; a file that is not ours, damaged, or too new is refused and never written; waiting for other
 * processes never blocks the event loop and ends in an error that names who is in the way.
 *
 * Why a rollback journal and not a write-ahead log: both engines can read it (the WebAssembly one has no shared
 * memory), so a newer Node and an older one work on the same file. PERSIST keeps the journal file and so spares
 * creating and removing it with every commit.
 */
import * as fs from 'node:fs'
import { dirname } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { OperationalError } from '../../../core/errors/errors.ts'
import type { SqlConnection, SqlEngine, SqlStatement } from './engine.ts'
import {
  StateBusyError,
  StateCorruptError,
  StateDiskFullError,
  StateForeignError,
  StateNewerError,
  StateUnavailableError,
} from './errors.ts'
import { FileLock } from './file-lock.ts'
import type { ProcessIdentity } from '../process-identity.ts'
import { syncFolder } from './wasm-files.ts'

/** One step of the schema: brings a file from the version before to the next. */
export type Migration = (connection: SqlConnection) => void

export interface DatabaseOptions {
  readonly engine: SqlEngine
  readonly self: ProcessIdentity
  /** Marks the file as ours, and as this one of ours (SQLite's `application_id`). */
  readonly applicationId: number
  /** Migration at index n makes version n + 1. Only ever appended to. */
  readonly migrations: readonly Migration[]
  /** How long to wait for other processes, in milliseconds. @default 20000 */
  readonly busyMs?: number
}

/** Longer than a lock that nobody can judge is watched (file-lock.ts), so that one left by the dead is outwaited. */
const defaultBusyMs = 20_000
const pauseMaxMs = 40

export class Database {
  readonly path: string
  readonly #options: DatabaseOptions
  readonly #lock: FileLock
  #connection: SqlConnection | undefined
  readonly #statements = new Map<string, SqlStatement>()

  private constructor(path: string, options: DatabaseOptions) {
    this.path = path
    this.#options = options
    this.#lock = new FileLock(`${path}.lock`, options.self)
  }

  /**
   * Opens or creates the file and brings it to the newest version.
   * @throws StateUnavailableError, StateForeignError, StateCorruptError, StateNewerError, StateBusyError,
   *   StateDiskFullError
   */
  static async open(path: string, options: DatabaseOptions): Promise<Database> {
    const database = new Database(path, options)
    await database.#locked(() => {
      database.#openFile()
    })
    return database
  }

  /** Runs `work` as one durable transaction; what it throws rolls everything back. `work` must not wait. */
  async transaction<T>(work: (database: this) => T): Promise<T> {
    return this.#locked(() => this.#run('BEGIN IMMEDIATE', () => work(this)))
  }

  /** Runs `work` on one state of the file, without writing. */
  async read<T>(work: (database: this) => T): Promise<T> {
    return this.#locked(() => this.#run('BEGIN', () => work(this)))
  }

  /** A statement, prepared once; only to be used within `transaction` and `read`. */
  prepare(sql: string): SqlStatement {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#open().prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  async close(): Promise<void> {
    if (this.#connection === undefined) return
    await this.#locked(() => {
      this.#statements.clear()
      this.#connection?.close()
      this.#connection = undefined
    })
  }

  #open(): SqlConnection {
    if (this.#connection === undefined) throw new Error(`${this.path} is closed.`)
    return this.#connection
  }

  #openFile(): void {
    createPrivate(this.path)
    const connection = this.#options.engine.open(this.path, this.#lock)
    this.#connection = connection
    try {
      // FULL syncs the journal before the database and the database before the commit counts.
      connection.exec(
        'PRAGMA journal_mode = PERSIST; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 4194304',
      )
      connection.exec('PRAGMA cache_size = -8000; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON')
      this.#migrate(connection)
    } catch (error) {
      this.#connection = undefined
      connection.close()
      throw error
    }
  }

  #migrate(connection: SqlConnection): void {
    const { applicationId, migrations } = this.#options
    for (;;) {
      const version = readNumber(connection, 'PRAGMA user_version')
      const mark = readNumber(connection, 'PRAGMA application_id')
      const isNew =
        mark === 0 && version === 0 && readNumber(connection, 'SELECT count(*) FROM sqlite_schema') === 0
      if (!isNew && mark !== applicationId) throw new StateForeignError(this.path)
      if (version > migrations.length) throw new StateNewerError(this.path, version, migrations.length)
      const migration = migrations[version]
      if (migration === undefined) return
      this.#run('BEGIN IMMEDIATE', () => {
        migration(connection)
        connection.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version + 1}`)
      })
    }
  }

  #run<T>(begin: string, work: () => T): T {
    const connection = this.#open()
    connection.exec(begin)
    try {
      const result = work()
      // Whoever was suspended long enough to lose the lock must not commit over what came since.
      if (!this.#lock.confirm()) throw new Error('The lock of this database was lost.')
      connection.exec('COMMIT')
      return result
    } catch (error) {
      rollBack(connection)
      throw error
    }
  }

  /** Runs `work` under the lock of the file, waiting for it in small steps. */
  async #locked<T>(work: () => T): Promise<T> {
    const started = performance.now()
    const busyMs = this.#options.busyMs ?? defaultBusyMs
    for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, pauseMaxMs)) {
      try {
        if (this.#lock.tryAcquire()) {
          try {
            return work()
          } finally {
            this.#lock.release()
          }
        }
      } catch (error) {
        // Another tool may hold SQLite's own locks for a moment; that is waited for just as well.
        if (!isBusy(error)) throw this.#explain(error)
      }
      const waitedMs = performance.now() - started
      if (waitedMs > busyMs)
        throw new StateBusyError(this.path, this.#lock.holder(), waitedMs, `${this.path}.lock`)
      await sleep(pauseMs)
    }
  }

  #explain(error: unknown): unknown {
    if (error instanceof OperationalError || !(error instanceof Error)) return error
    const cause = this.#connection?.lastFailure() ?? error
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code === 'ENOSPC' || code === 'EDQUOT' || /database or disk is full/.test(error.message)) {
      return new StateDiskFullError(dirname(this.path), { cause })
    }
    if (/file is not a database/.test(error.message))
      return new StateForeignError(this.path, { cause: error })
    if (/malformed|corrupt/.test(error.message)) return new StateCorruptError(this.path, { cause: error })
    if (isRefusal(code) || /readonly database|unable to open|could not open|disk I\/O/i.test(error.message)) {
      return new StateUnavailableError(dirname(this.path), { cause })
    }
    return error
  }
}

function rollBack(connection: SqlConnection): void {
  try {
    connection.exec('ROLLBACK')
  } catch {
    // SQLite has rolled back by itself, or cannot: then the next opening does, from the journal. The first error
    // says more than this one.
  }
}

function readNumber(connection: SqlConnection, sql: string): number {
  const row = connection.prepare(sql).get()
  return Number(row === undefined ? 0 : Object.values(row)[0])
}

/** Creates the file empty and private, durably; one that is there is left as it is. */
function createPrivate(path: string): void {
  const existed = fs.existsSync(path)
  fs.closeSync(fs.openSync(path, 'a', 0o600))
  if (!existed) syncFolder(dirname(path))
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && /^database (?:table )?is locked/.test(error.message)
}

function isRefusal(code: unknown): boolean {
  return typeof code === 'string' && /^E[A-Z]+$/.test(code)
}
