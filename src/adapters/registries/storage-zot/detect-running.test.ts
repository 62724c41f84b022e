/** Whether a registry runs: what answers, and a /proc made for the purpose. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { UnreachableError } from '../../http/http-errors.ts'
import { detectRunning } from './detect-running.ts'

let folder: string
let root: string
let proc: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'winnow-running-'))
  root = join(folder, 'storage')
  proc = join(folder, 'proc')
  mkdirSync(root)
  mkdirSync(join(proc, 'self/ns'), { recursive: true })
  symlinkSync('pid:[4026531836]', join(proc, 'self/ns/pid'))
  writeFileSync(join(root, 'meta.db'), '')
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

function holds(pid: number, ...targets: readonly string[]): void {
  mkdirSync(join(proc, String(pid), 'fd'), { recursive: true })
  targets.forEach((target, i) => {
    symlinkSync(target, join(proc, String(pid), 'fd', String(i)))
  })
}

// NFS and the like are never "stopped", and temporary folders may lie on one.
const isLocal = ![0x6969, 0x65735546].includes(statfsSync(tmpdir()).type)

describe('open files', () => {
  it.runIf(isLocal)('are nobody’s: stopped', async () => {
    holds(1, '/dev/null', 'socket:[4711]', join(folder, 'elsewhere'))
    expect(await detectRunning({ folder: root, proc })).toBe('stopped')
  })

  it('are somebody’s: running', async () => {
    holds(1, '/dev/null')
    holds(2, join(root, 'team/app/index.json'))
    expect(await detectRunning({ folder: root, proc })).toBe('running')
  })

  it('are told by what they are, where a container gives them another path', async () => {
    const other = join(folder, 'seen-from-a-container')
    mkdirSync(other)
    symlinkSync(join(root, 'meta.db'), join(other, 'meta.db'))
    holds(2, join(other, 'meta.db'))
    expect(await detectRunning({ folder: root, proc })).toBe('running')
  })

  it('are of a storage that is reached through a link', async () => {
    const link = join(folder, 'link')
    symlinkSync(root, link)
    holds(2, root)
    expect(await detectRunning({ folder: link, proc })).toBe('running')
  })

  it.each([
    {
      name: 'zot has no database that it would hold open',
      spoil: () => rmSync(join(root, 'meta.db')),
    },
    {
      name: 'a container shows its own processes alone',
      spoil: () => {
        rmSync(join(proc, 'self/ns/pid'))
        symlinkSync('pid:[4026532999]', join(proc, 'self/ns/pid'))
      },
    },
    { name: 'there is no /proc', spoil: () => rmSync(proc, { recursive: true }) },
    { name: 'there is no such folder', spoil: () => rmSync(root, { recursive: true }) },
    {
      name: 'a process cannot be looked at',
      spoil: () => {
        mkdirSync(join(proc, '3'))
        // Not a folder: reading it fails as it does for a process of another user.
        writeFileSync(join(proc, '3/fd'), '')
      },
    },
  ])('are unknown where $name', async ({ spoil }) => {
    holds(1, '/dev/null')
    spoil()
    expect(await detectRunning({ folder: root, proc })).toBe('unknown')
  })

  it.runIf(process.platform === 'linux')('of our own process do not count', async () => {
    const fd = openSync(join(root, 'meta.db'), 'r')
    try {
      expect(await detectRunning({ folder: root })).not.toBe('running')
    } finally {
      closeSync(fd)
    }
  })
})

it.runIf(process.platform === 'linux')('a process that has a file of the storage open is seen', async () => {
  const holder = spawn('sh', ['-c', `exec 3<"$0"; echo open; exec sleep 60`, join(root, 'meta.db')])
  try {
    await once(holder.stdout, 'data')
    expect(await detectRunning({ folder: root })).toBe('running')
  } finally {
    holder.kill('SIGKILL')
  }
})

describe('an address', () => {
  it('that answers means running', async () => {
    expect(await detectRunning({ answers: async () => true, folder: root, proc })).toBe('running')
  })

  it.each([
    { name: 'is silent', answers: async () => false },
    {
      name: 'cannot be asked',
      answers: async () => {
        throw new UnreachableError('http://127.0.0.1:1', 'refused', 'Start it.')
      },
    },
  ])('that $name proves nothing', async ({ answers }) => {
    expect(await detectRunning({ answers })).toBe('unknown')
  })
})
