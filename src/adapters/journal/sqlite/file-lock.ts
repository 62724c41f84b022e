/**
 * The lock that keeps processes from writing one database file at the same time: a symbolic link whose target names
 * its holder. Creating one is atomic everywhere, and it is born with its content.
 *
 * Why not the engines' own locks: the WebAssembly engine knows only a bare directory that outlives a killed process,
 * and knows nothing of the locks the built-in engine takes. Both take this one, so they may share a file.
 *
 * Promises: at most one holder; the lock of a process that is certainly dead is free at once; the lock of a process
 * that cannot be judged from here is free after it was watched unchanged for `watchMs` by our own monotonic clock.
 * Refuses to take anything from a process that is known to live, however long it holds on.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { isCertainlyDead, type ProcessIdentity } from '../process-identity.ts'

/** Transactions last milliseconds; one that stands still for this long has nobody behind it. */
const defaultWatchMs = 12_000
/** A holder older than this looks whether the lock is still its own before it goes on. */
const confirmAfterMs = 2_000

/** Stands for the content of a lock that is a directory, which no lock of ours ever is. */
const directory = 'directory'

interface Owner extends ProcessIdentity {
  /** Different for every time the lock is taken. */
  readonly nonce: string
}

export class FileLock {
  readonly #path: string
  readonly #self: ProcessIdentity
  readonly #watchMs: number
  readonly #prefix = randomBytes(8).toString('hex')
  #count = 0
  #held: { readonly text: string; confirmedAt: number } | undefined
  #watched: { readonly text: string; readonly since: number } | undefined

  constructor(path: string, self: ProcessIdentity, options: { readonly watchMs?: number } = {}) {
    this.#path = path
    this.#self = self
    this.#watchMs = options.watchMs ?? defaultWatchMs
  }

  /** Takes the lock if it is free, or if its holder is dead; says whether it did. Never waits. */
  tryAcquire(): boolean {
    const text = this.#nextOwner()
    let taken = create(this.#path, text)
    if (!taken && this.#removeDead()) taken = create(this.#path, text)
    if (taken) {
      this.#held = { text, confirmedAt: performance.now() }
      this.#watched = undefined
    }
    return taken
  }

  /** Whether we hold it. A holder that was suspended for long is told the truth, not what it remembers. */
  isHeld(): boolean {
    if (this.#held === undefined) return false
    const now = performance.now()
    if (now - this.#held.confirmedAt < confirmAfterMs) return true
    return this.confirm()
  }

  /** Looks at the lock itself, and says whether it is ours. */
  confirm(): boolean {
    if (this.#held === undefined || read(this.#path) !== this.#held.text) return false
    this.#held.confirmedAt = performance.now()
    return true
  }

  release(): void {
    const ours = this.confirm()
    this.#held = undefined
    // Safe: nobody takes a lock from a live process of ours, so what was ours a moment ago still is.
    if (ours) removeIfThere(this.#path)
  }

  /** Who holds the lock now, for people; undefined when nobody does. */
  holder(): string | undefined {
    const text = read(this.#path)
    if (text === undefined) return undefined
    const owner = parseOwner(text)
    if (owner === undefined) return 'an unknown process'
    return owner.machine === this.#self.machine
      ? `process ${owner.pid}`
      : `process ${owner.pid} on another machine`
  }

  #nextOwner(): string {
    this.#count += 1
    return formatOwner({ ...this.#self, nonce: `${this.#prefix}-${this.#count}` })
  }

  /** Removes the lock of a holder that is gone; true when it may now be free. */
  #removeDead(): boolean {
    const text = read(this.#path)
    if (text === undefined) return true
    const owner = parseOwner(text)
    if (!this.#isGone(text, owner)) return false
    // Two who see the same dead holder must not both remove "it": the slower one would remove the faster one's new
    // lock. So the right to remove is a lock of its own, named after the dead one's nonce, and whoever has it looks
    // again. If its holder dies in turn, the same rule applies to it.
    const right = new FileLock(`${this.#path}.${owner?.nonce ?? 'unreadable'}`, this.#self, {
      watchMs: this.#watchMs,
    })
    if (!right.tryAcquire()) return false
    try {
      if (read(this.#path) !== text) return false
      // Safe: the holder is gone, and only the one with the right removes a dead holder's lock.
      removeIfThere(this.#path)
      return true
    } finally {
      right.release()
    }
  }

  #isGone(text: string, owner: Owner | undefined): boolean {
    if (text === directory) return false
    if (owner !== undefined) {
      if (isCertainlyDead(owner, this.#self)) return true
      if (owner.machine === this.#self.machine) return false
    }
    const now = performance.now()
    if (this.#watched?.text !== text) this.#watched = { text, since: now }
    return now - this.#watched.since >= this.#watchMs
  }
}

function formatOwner(owner: Owner): string {
  return ['winnow', owner.nonce, owner.pid, owner.started, owner.machine].join('|').replaceAll('/', '_')
}

function parseOwner(text: string): Owner | undefined {
  const [word, nonce, pid, started, machine] = text.split('|')
  if (word !== 'winnow' || machine === undefined || started === undefined) return undefined
  if (nonce === undefined || !/^[0-9a-f]+-\d+$/.test(nonce) || !/^\d+$/.test(pid ?? '')) return undefined
  return { nonce, pid: Number(pid), started, machine }
}

/** Creates the lock with its content, or finds one there. */
function create(path: string, text: string): boolean {
  try {
    symlinkSync(text, path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    if (!['EPERM', 'ENOSYS', 'EOPNOTSUPP', 'ENOTSUP'].includes(codeOf(error))) throw error
  }
  // A file system without symbolic links: an exclusive file, which may be empty for a moment and is then unreadable.
  try {
    writeFileSync(path, text, { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/** What the lock says: undefined when there is none; text that names nobody when it cannot be understood. */
function read(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    if (codeOf(error) !== 'EINVAL' && codeOf(error) !== 'UNKNOWN') throw error
  }
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    // A directory is what the bare WebAssembly engine leaves behind; nobody of ours made it, a person must look.
    if (codeOf(error) === 'EISDIR') return directory
    throw error
  }
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
