import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { thisProcess } from '../process-identity.ts'
import { FileLock } from './file-lock.ts'

const self = thisProcess()
let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'winnow-lock-'))
  path = join(folder, 'state.db.lock')
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** A lock as a process would have left it. */
function leave(owner: { readonly pid?: number; readonly started?: string; readonly machine?: string }): void {
  const { pid = self.pid, started = self.started, machine = self.machine } = owner
  symlinkSync(['winnow', 'ab12-1', pid, started, machine].join('|').replaceAll('/', '_'), path)
}

function deadPid(): number {
  return spawnSync(process.execPath, ['-e', '']).pid
}

describe('the lock of a file', () => {
  it('is held by one at a time, and leaves nothing behind', () => {
    const [first, second] = [new FileLock(path, self), new FileLock(path, self)]
    expect([first.tryAcquire(), second.tryAcquire(), first.isHeld(), second.isHeld()]).toEqual([
      true,
      false,
      true,
      false,
    ])
    first.release()
    expect([second.tryAcquire(), first.isHeld(), second.isHeld()]).toEqual([true, false, true])
    first.release()
    expect(second.confirm()).toBe(true)
    second.release()
    expect(readdirSync(folder)).toEqual([])
  })

  it.each([
    { name: 'whose process is gone', owner: () => ({ pid: deadPid(), started: '1' }) },
    {
      name: 'whose process is gone, where start times are unknown',
      owner: () => ({ pid: deadPid(), started: '' }),
    },
    { name: 'whose pid another process has by now', owner: () => ({ started: '1' }) },
  ])('is taken at once from a holder $name', ({ owner }) => {
    leave(owner())
    const lock = new FileLock(path, self)
    expect(lock.tryAcquire()).toBe(true)
    expect(lock.confirm()).toBe(true)
    lock.release()
    expect(readdirSync(folder)).toEqual([])
  })

  it('is never taken from a process that lives, however long it holds on', async () => {
    leave({})
    const lock = new FileLock(path, self, { watchMs: 20 })
    expect(lock.tryAcquire()).toBe(false)
    await sleep(60)
    expect(lock.tryAcquire()).toBe(false)
  })

  it.each([
    {
      name: 'on another machine',
      create: () => {
        leave({ machine: 'elsewhere' })
      },
    },
    {
      name: 'that nobody can read',
      create: () => {
        writeFileSync(path, '')
      },
    },
  ])('is taken from a holder $name only after it stood still for long', async ({ create }) => {
    create()
    const lock = new FileLock(path, self, { watchMs: 50 })
    expect(lock.tryAcquire()).toBe(false)
    await sleep(80)
    expect(lock.tryAcquire()).toBe(true)
    lock.release()
  })

  it('is watched anew when its holder changes', async () => {
    leave({ machine: 'elsewhere' })
    const lock = new FileLock(path, self, { watchMs: 60 })
    expect(lock.tryAcquire()).toBe(false)
    await sleep(40)
    unlinkSync(path)
    leave({ machine: 'elsewhere too' })
    expect(lock.tryAcquire()).toBe(false)
    await sleep(40)
    expect(lock.tryAcquire()).toBe(false)
  })

  it('leaves a directory in its place to a person', async () => {
    mkdirSync(path)
    const lock = new FileLock(path, self, { watchMs: 10 })
    expect(lock.tryAcquire()).toBe(false)
    await sleep(30)
    expect(lock.tryAcquire()).toBe(false)
    expect(existsSync(path)).toBe(true)
  })

  it('outlives a process that died while it took over from a dead one', () => {
    leave({ pid: deadPid(), started: '1' })
    // The right to remove the dead holder's lock, left by a dead process too.
    symlinkSync(readlinkSync(path).replace('ab12-1', 'cd34-1'), `${path}.ab12-1`)
    const lock = new FileLock(path, self)
    expect(lock.tryAcquire()).toBe(true)
    lock.release()
    expect(readdirSync(folder)).toEqual([])
  })

  it('tells a holder that lost it while it slept', () => {
    const lock = new FileLock(path, self)
    expect(lock.tryAcquire()).toBe(true)
    unlinkSync(path)
    leave({ machine: 'elsewhere' })
    expect(lock.confirm()).toBe(false)
    lock.release()
    expect(existsSync(folder) && readdirSync(folder)).toEqual(['state.db.lock'])
  })
})
