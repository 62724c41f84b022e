import * as fs from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { thisProcess } from '../process-identity.ts'
import { FileLock } from './file-lock.ts'
import { createWasmEngine } from './wasm-engine.ts'
import { WasmFiles } from './wasm-files.ts'

let folder: string
let path: string
let lock: FileLock
beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'winnow-wasm-'))
  path = join(folder, 'state.db')
  lock = new FileLock(`${path}.lock`, thisProcess())
})
afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true })
})

describe('the WebAssembly engine', () => {
  it('asks for nothing that its file system does not offer', () => {
    const source = fs.readFileSync(createRequire(import.meta.url).resolve('node-sqlite3-wasm'), 'utf8')
    const used = new Set([...source.matchAll(/\bfs\.(\w+)/g)].map((match) => match[1] ?? ''))
    const files = new WasmFiles()
    expect([...used].filter((name) => !(name in files))).toEqual([])
    expect(source.match(/require\("(?:node:)?fs"\)/g)).toEqual(['require("node:fs")'])
  })

  it('touches nothing while our lock is not held', () => {
    const connection = createWasmEngine().open(path, lock)
    expect(() => {
      connection.exec('CREATE TABLE t (a)')
    }).toThrow(/locked/)
    expect(lock.tryAcquire()).toBe(true)
    connection.exec('CREATE TABLE t (a)')
    lock.release()
    expect(() => connection.prepare('SELECT * FROM t').all()).toThrow(/locked/)
    connection.close()
  })

  // The fault of the bare engine: it takes its own lock for somebody else's, and leaves half a transaction in place.
  it('rolls back what a killed process left half-written', () => {
    expect(lock.tryAcquire()).toBe(true)
    const engine = createWasmEngine()
    const first = engine.open(path, lock)
    first.exec(
      'PRAGMA journal_mode = PERSIST; PRAGMA cache_size = 10; CREATE TABLE t (a INTEGER PRIMARY KEY, b)',
    )
    first.exec(
      'WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO t SELECT i, hex(zeroblob(900)) FROM n',
    )
    first.exec("BEGIN IMMEDIATE; UPDATE t SET b = 'half' || b")
    // As on disk at a kill: pages of the open transaction are in the database, the journal that undoes them beside it.
    const other = join(folder, 'copy.db')
    fs.copyFileSync(path, other)
    fs.copyFileSync(`${path}-journal`, `${other}-journal`)
    first.close()
    lock.release()
    expect(fs.readFileSync(other).includes('half')).toBe(true)

    const otherLock = new FileLock(`${other}.lock`, thisProcess())
    expect(otherLock.tryAcquire()).toBe(true)
    const second = engine.open(other, otherLock)
    expect(second.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
    expect(second.prepare("SELECT count(*) AS c FROM t WHERE b LIKE 'half%'").get()).toEqual({ c: 0 })
    second.close()
    otherLock.release()
  })

  it('goes on with a statement after it failed', () => {
    lock.tryAcquire()
    const connection = createWasmEngine().open(path, lock)
    connection.exec('CREATE TABLE t (a INTEGER NOT NULL UNIQUE)')
    const insert = connection.prepare('INSERT INTO t VALUES (?)')
    expect(insert.run(1)).toBe(1)
    expect(() => insert.run(1)).toThrow(/UNIQUE/)
    expect(insert.run(2)).toBe(1)
    connection.close()
    lock.release()
  })

  it('creates files that only their owner can read', () => {
    const files = new WasmFiles()
    const fd = files.openSync(path, fs.constants.O_CREAT | fs.constants.O_RDWR, 0o644)
    expect(fs.statSync(path).mode & 0o777).toBe(0o600)
    files.fsyncSync(fd)
    files.closeSync(fd)
  })
})
