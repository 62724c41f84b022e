/**
 * Asks Linux which processes have files of a storage open. zot keeps its databases open as long as it runs, so where there
 * is one and nobody has it open, zot is stopped; a zot without databases holds nothing open between two requests, and then
 * nobody can tell.
 *
 * Compared are the files themselves (device and inode) and not only their paths, since a container has paths of its own.
 */
import { readlinkSync, realpathSync, statfsSync, statSync, type Stats } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { InterruptedError } from '../../../core/errors/errors.ts'
import type { RunOptions } from '../../../ports/run-options.ts'

export type RunningState = 'running' | 'stopped' | 'unknown'

/** What zot has open while it runs. */
const databases = ['cache.db', 'meta.db']
/** The first PID namespace of a machine has this number; in any other one, processes outside are not seen. */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]'
/** NFS, SMB (three numbers), Ceph and FUSE, by statfs(2): a process of another machine may have the files open. */
const sharedFileSystems = new Set([0x6969, 0x517b, 0xfe534d42, 0xff534d42, 0x00c36400, 0x65735546])

export async function scanOpenFiles(
  folder: string,
  proc: string,
  options?: RunOptions,
): Promise<RunningState> {
  const root = quietly(() => realpathSync(folder))
  const processes = await quietlyAsync(() => readdir(proc))
  if (root === undefined || processes === undefined) return 'unknown'
  const open = new Set(databases.flatMap((name) => identityAt(join(root, name))))
  let sawAll = open.size > 0 && seesAllProcesses(root, proc)
  for (const pid of processes.filter((name) => /^\d+$/.test(name))) {
    if (options?.signal?.aborted === true) throw new InterruptedError()
    // We read the storage ourselves.
    if (Number(pid) === process.pid) continue
    const found = await holdsFiles(join(proc, pid, 'fd'), root, open)
    if (found === true) return 'running'
    if (found === undefined) sawAll = false
  }
  return sawAll ? 'stopped' : 'unknown'
}

function seesAllProcesses(root: string, proc: string): boolean {
  const namespace = quietly(() => readlinkSync(join(proc, 'self/ns/pid')))
  const fileSystem = quietly(() => statfsSync(root).type)
  return (
    namespace === FIRST_PID_NAMESPACE && fileSystem !== undefined && !sharedFileSystems.has(fileSystem >>> 0)
  )
}

/** undefined when the process does not let us see. */
async function holdsFiles(
  folder: string,
  root: string,
  open: ReadonlySet<string>,
): Promise<boolean | undefined> {
  let names: readonly string[]
  try {
    names = await readdir(folder)
  } catch (error) {
    // A process that ended meanwhile holds nothing.
    return isGone(error) ? false : undefined
  }
  let sawAll = true
  for (const name of names) {
    const link = join(folder, name)
    try {
      const target = readlinkSync(link)
      if (target === root || target.startsWith(root + sep)) return true
      // Pipes, sockets and the like have no path.
      if (target.startsWith('/') && open.has(identityOf(statSync(link)))) return true
    } catch (error) {
      if (!isGone(error)) sawAll = false
    }
  }
  return sawAll ? false : undefined
}

function identityAt(path: string): readonly string[] {
  const facts = quietly(() => statSync(path))
  return facts === undefined ? [] : [identityOf(facts)]
}

function identityOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')
}

function quietly<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch {
    // Whatever cannot be looked at is unknown, and unknown is taken for running.
    return undefined
  }
}

async function quietlyAsync<T>(look: () => Promise<T>): Promise<T | undefined> {
  return look().catch(() => undefined)
}
