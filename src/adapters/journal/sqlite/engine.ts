/** The little that the stores ask of SQLite, so that two engines can give it. */
import type { FileLock } from './file-lock.ts'

export type SqlValue = number | string | Uint8Array | null
export type SqlRow = Readonly<Record<string, unknown>>

export interface SqlStatement {
  /** Runs to the end; returns how many rows changed. */
  run(...values: readonly SqlValue[]): number
  get(...values: readonly SqlValue[]): SqlRow | undefined
  all(...values: readonly SqlValue[]): readonly SqlRow[]
}

export interface SqlConnection {
  exec(sql: string): void
  prepare(sql: string): SqlStatement
  /** Statements that were prepared are of no use afterwards. */
  close(): void
  /** What the operating system last refused, when the engine knows more than its error says. */
  lastFailure(): unknown
}

export interface SqlEngine {
  readonly name: 'node' | 'wasm'
  /** Opens or creates the file. `lock` guards it; the engine may refuse to touch the file while it is not held. */
  open(path: string, lock: FileLock): SqlConnection
}
