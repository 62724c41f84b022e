/** What can be wrong with a state directory, and what people are told. */
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openState } from '../../src/adapters/journal/open-state.ts'
import { defaultStateDirectory } from '../../src/adapters/journal/state-directory.ts'
import { stateMigrations } from '../../src/adapters/journal/sqlite/state-schema.ts'
import { OperationalError } from '../../src/core/errors/errors.ts'
import { runRecord } from '../conformance/journal-store.ts'
import { withFile } from './integrity.ts'
import { engines, temporaryDirectory } from './open.ts'

async function failureOf(attempt: Promise<unknown>): Promise<OperationalError> {
  const error: unknown = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof OperationalError) return error
  throw new Error(`expected an operational error, not ${String(error)}`)
}

describe.each(engines)('a state directory, with the engine %s', (engine) => {
  let directory: ReturnType<typeof temporaryDirectory>
  let path: string
  beforeEach(() => {
    directory = temporaryDirectory()
    path = join(directory.path, 'winnow')
  })
  afterEach(() => {
    directory.remove()
  })
  const open = () => openState(path, { engine, busyMs: 300 })

  it('is made private, with all that is in it', async () => {
    const state = await open()
    await state.journal.beginRun(runRecord('r-1'))
    const modes = ['', 'state.db', 'cache.db', 'state.db-journal'].map(
      (name) => statSync(join(path, name)).mode & 0o777,
    )
    expect(modes).toEqual([0o700, 0o600, 0o600, 0o600])
    await state.close()
  })

  it.each(['state.db', 'cache.db'])(
    'is refused when %s is something else, which is left untouched',
    async (name) => {
      mkdirSync(path)
      writeFileSync(
        join(path, name),
        'A text of mine that is longer than the header of a database file. '.repeat(20),
      )
      const error = await failureOf(open())
      expect(error.code).toBe('STATE_FOREIGN')
      expect(error.hint).toContain(`mv '${join(path, name)}'`)
      expect(readFileSync(join(path, name), 'utf8')).toMatch(/^A text of mine/)
    },
  )

  it("is refused when state.db is another program's database", async () => {
    mkdirSync(path)
    withFile(join(path, 'state.db'), engine, (connection) => {
      connection.exec('CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)')
    })
    expect((await failureOf(open())).code).toBe('STATE_FOREIGN')
  })

  it('is refused when a newer Winnow wrote it, and still opens for that one', async () => {
    await (await open()).close()
    const set = (version: number): void => {
      withFile(join(path, 'state.db'), engine, (connection) => {
        connection.exec(`PRAGMA user_version = ${version}`)
      })
    }
    set(99)
    const error = await failureOf(open())
    expect(error.code).toBe('STATE_NEWER')
    expect(error.message).toContain('version 99')
    set(stateMigrations.length)
    await (await open()).close()
  })

  it('is refused when it is damaged, with the cure', async () => {
    const state = await open()
    for (let n = 0; n < 50; n += 1)
      await state.journal.beginRun(runRecord(`r-${n}`, { plan: 'x'.repeat(500) }))
    await state.close()
    const file = join(path, 'state.db')
    const bytes = readFileSync(file)
    bytes.fill(0x5a, 4_096)
    writeFileSync(file, bytes)
    const again = open().then(async (opened) => {
      try {
        await opened.journal.listRuns()
      } finally {
        await opened.close()
      }
    })
    const error = await failureOf(again)
    expect(error.code).toBe('STATE_CORRUPT')
    expect(error.hint).toContain(`mv '${file}'`)
  })

  it('is refused when a file stands in its place', async () => {
    writeFileSync(path, '')
    expect((await failureOf(open())).code).toBe('STATE_UNAVAILABLE')
  })

  it.skipIf(process.getuid?.() === 0)('is refused when it may not be written', async () => {
    mkdirSync(path)
    chmodSync(path, 0o500)
    expect((await failureOf(open())).code).toBe('STATE_UNAVAILABLE')
  })

  it.skipIf(!existsSync('/dev/full'))('says so when the disk is full', async () => {
    mkdirSync(path)
    symlinkSync('/dev/full', join(path, 'state.db'))
    expect(['STATE_DISK_FULL', 'STATE_UNAVAILABLE']).toContain((await failureOf(open())).code)
  })

  it('names the process that holds a file for too long', async () => {
    const state = await open()
    const lock = join(path, 'state.db.lock')
    // Alive, and not in our process table: nobody to be judged from here.
    symlinkSync('winnow|00ff-1|4711|1|elsewhere', lock)
    const error = await failureOf(state.journal.listRuns())
    expect(error.code).toBe('STATE_BUSY')
    expect(error.message).toContain('process 4711 on another machine')
    expect(error.hint).toContain(`rm -d '${lock}'`)
  })

  it('is not written after it was closed', async () => {
    const state = await open()
    await state.close()
    await state.close()
    await expect(state.journal.beginRun(runRecord('r-1'))).rejects.toThrow('is closed')
  })
})

describe('the default state directory', () => {
  it.each([
    { env: { XDG_STATE_HOME: '/x', HOME: '/home/a' }, directory: '/x/winnow' },
    { env: { XDG_STATE_HOME: 'relative', HOME: '/home/a' }, directory: '/home/a/.local/state/winnow' },
    { env: { XDG_STATE_HOME: '', HOME: '/home/a' }, directory: '/home/a/.local/state/winnow' },
  ])('for $env is $directory', ({ env, directory }) => {
    expect(defaultStateDirectory(env)).toBe(directory)
  })
})
