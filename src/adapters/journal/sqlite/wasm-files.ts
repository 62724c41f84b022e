/**
 * The file system as the WebAssembly engine sees it.
 *
 * The engine (node-sqlite3-wasm 0.8.60) guards a database by a bare directory, `<database>.lock`. That has two faults
 * a journal cannot live with. The directory survives a kill -9. Worse, whoever holds it finds it when it asks
 * "does anybody hold a reserved lock?", takes a half-finished transaction for a running one, and never rolls it back:
 * the file is then corrupt (measured: half of the kills). And a journal file that was just created is not made durable
 * in its folder. So the engine is given this module in place of `node:fs`:
 *
 * - it may lock only what our own lock (file-lock.ts) already holds, and nobody else then holds a reserved lock;
 * - it writes only while that lock is still ours, however long the process was suspended;
 * - the first sync of a file that was created syncs its folder too, as SQLite's own Unix layer does;
 * - files are private, and the last refusal of the operating system is kept for the error message.
 */
import * as fs from 'node:fs'
import { dirname } from 'node:path'
import type { FileLock } from './file-lock.ts'

/** What the engine calls of `node:fs`; the list was read off its source and a test compares it. */
export interface EngineFiles {
  readonly constants: typeof fs.constants
  readFileSync(path: string): Uint8Array
  accessSync(path: string, mode: number): void
  openSync(path: string, flags: number | string, mode?: number): number
  closeSync(fd: number): void
  readSync(fd: number, into: Uint8Array, offset: number, length: number, position: number | bigint): number
  writeSync(fd: number, from: Uint8Array, offset: number, length: number, position: number): number
  fsyncSync(fd: number): void
  ftruncateSync(fd: number, length: number): void
  fstatSync(fd: number): { readonly size: number }
  unlinkSync(path: string): void
  mkdirSync(path: string): void
  rmdirSync(path: string): void
}

export class WasmFiles implements EngineFiles {
  readonly constants = fs.constants
  /** The last refusal of the operating system; the engine itself reports only that something failed. */
  lastFailure: unknown
  /** Locks by the database file they guard. */
  readonly #locks = new Map<string, FileLock>()
  readonly #open = new Map<number, { readonly path: string; folderSynced: boolean }>()

  guard(path: string, lock: FileLock): void {
    this.#locks.set(path, lock)
  }

  unguard(path: string): void {
    this.#locks.delete(path)
  }

  readFileSync(path: string): Uint8Array {
    return fs.readFileSync(path)
  }

  accessSync(path: string, mode: number): void {
    // Asked under our lock, which nobody shares: no other process can hold a reserved lock now.
    if (this.#lockFor(path) !== undefined) throw notThere()
    fs.accessSync(path, mode)
  }

  mkdirSync(path: string): void {
    // EEXIST is how this engine says "busy".
    if (this.#lockFor(path)?.isHeld() !== true)
      throw Object.assign(new Error('not locked'), { code: 'EEXIST' })
  }

  rmdirSync(): void {
    // Our own lock outlives the engine's idea of it, until the transaction is over.
  }

  openSync(path: string, flags: number | string, mode = 0o600): number {
    return this.#noting(() => {
      const existed = fs.existsSync(path)
      // A database file is private from its first moment; the engine asks for 0644.
      const fd = fs.openSync(path, flags, mode & 0o600)
      this.#open.set(fd, { path, folderSynced: existed })
      return fd
    })
  }

  closeSync(fd: number): void {
    this.#open.delete(fd)
    fs.closeSync(fd)
  }

  readSync(fd: number, into: Uint8Array, offset: number, length: number, position: number | bigint): number {
    return this.#noting(() => fs.readSync(fd, into, offset, length, position))
  }

  writeSync(fd: number, from: Uint8Array, offset: number, length: number, position: number): number {
    return this.#noting(() => {
      this.#mayChange(this.#open.get(fd)?.path)
      return fs.writeSync(fd, from, offset, length, position)
    })
  }

  ftruncateSync(fd: number, length: number): void {
    this.#noting(() => {
      this.#mayChange(this.#open.get(fd)?.path)
      fs.ftruncateSync(fd, length)
    })
  }

  fsyncSync(fd: number): void {
    this.#noting(() => {
      fs.fsyncSync(fd)
      const file = this.#open.get(fd)
      if (file === undefined || file.folderSynced) return
      syncFolder(dirname(file.path))
      file.folderSynced = true
    })
  }

  fstatSync(fd: number): { readonly size: number } {
    return fs.fstatSync(fd)
  }

  unlinkSync(path: string): void {
    this.#noting(() => {
      // Safe: a journal is removed only by whoever holds the lock, after its transaction is over or rolled back.
      this.#mayChange(path)
      fs.unlinkSync(path)
    })
  }

  /** The lock that the engine means by `<database>.lock`. */
  #lockFor(path: string): FileLock | undefined {
    return path.endsWith('.lock') ? this.#locks.get(path.slice(0, -'.lock'.length)) : undefined
  }

  #mayChange(path: string | undefined): void {
    if (path === undefined) return
    const lock = this.#locks.get(path.replace(/-(?:journal|wal)$/, ''))
    if (lock?.isHeld() !== true)
      throw new Error('The lock of this database was lost, so nothing is written to it.')
  }

  #noting<T>(call: () => T): T {
    try {
      return call()
    } catch (error) {
      this.lastFailure = error
      throw error
    }
  }
}

/** Makes what was created, renamed or removed in a folder durable. */
export function syncFolder(path: string): void {
  // Windows opens no folder for syncing, and its journaled file system needs none.
  if (process.platform === 'win32') return
  const fd = fs.openSync(path, 'r')
  try {
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}

function notThere(): Error {
  return Object.assign(new Error('no such file'), { code: 'ENOENT' })
}
