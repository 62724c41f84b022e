/**
 * Threads that scan, as many as there are processors to use. Where the program is not bundled (tests run from source) the
 * caller's own thread scans, between turns of its event loop.
 */
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { resourceUsage } from 'node:process'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { InterruptedError } from '../../../core/errors/errors.ts'
import { StorageUnreadableError } from '../../../ports/readable-blob-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { answer, type ScanReply, type ScanRequest, type ScanTasks } from './scan-task.ts'

/**
 * Where files are in memory, more threads than processors only get in each other's way. Where they come from a disk, a thread
 * waits most of the time, and more of them give the disk something to put in order. Each takes 8 MiB and more of its own,
 * and with a fourth a cold reading of 16,000 manifests came to 160 MB.
 */
const THREADS_MAX = 3
/** Having read so much from a disk since the first request says that files are not in memory. In blocks of 512 bytes. */
const BLOCKS_OF_A_DISK = 32 * 2048
/** What a thread makes is handed over at once, so a small young generation is enough. */
const THREAD_LIMITS = { maxYoungGenerationSizeMb: 2 }

export interface ScanPool {
  /** How many requests are worked on at a time; may grow. */
  readonly threads: number
  /** Starts threads, so that they are there when the first request comes. */
  start(): void
  ask<K extends keyof ScanTasks>(
    kind: K,
    asked: ScanTasks[K]['asked'],
    options?: RunOptions,
  ): Promise<ScanTasks[K]['answer']>
  /** Ends the threads; the next request starts new ones. */
  close(): Promise<void>
}

/**
 * Also keeps this program small: a scan makes much that is short-lived, and V8 would give it a larger young generation each
 * time, which is never given back.
 */
export function createScanPool(): ScanPool {
  setFlagsFromString('--semi-space-growth-factor=1')
  // Some 10 MiB less, for a twelfth more time where little is read.
  setFlagsFromString('--optimize-for-size')
  // Most of what runs here runs for a second, which is too short for much compiling to pay.
  setFlagsFromString('--interrupt-budget=1000000')
  const script = bundledWorker()
  return script === undefined ? new InPlacePool() : new ThreadPool(script)
}

/** Where scripts/build.mjs puts the thread's program, seen from this file or from the chunk it was bundled into. */
function bundledWorker(): string | undefined {
  const path = fileURLToPath(new URL('../workers/scan.cjs', import.meta.url))
  return existsSync(path) ? path : undefined
}

class InPlacePool implements ScanPool {
  readonly threads = 1

  start(): void {
    // The caller's own thread is there.
  }

  async ask<K extends keyof ScanTasks>(
    kind: K,
    asked: ScanTasks[K]['asked'],
    options?: RunOptions,
  ): Promise<ScanTasks[K]['answer']> {
    await nextTurn()
    if (options?.signal?.aborted === true) throw new InterruptedError()
    return answerOf<K>(answer({ kind, asked }))
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

interface Job {
  readonly request: ScanRequest
  readonly settle: (reply: ScanReply) => void
  readonly fail: (error: unknown) => void
}

class ThreadPool implements ScanPool {
  #threads = Math.max(1, Math.min(THREADS_MAX, availableParallelism()))
  #readBefore: number | undefined
  readonly #script: string
  readonly #waiting: Job[] = []
  readonly #idle: Worker[] = []
  readonly #all = new Set<Worker>()
  readonly #current = new Map<Worker, Job>()

  constructor(script: string) {
    this.#script = script
  }

  get threads(): number {
    return this.#threads
  }

  start(): void {
    while (this.#all.size < this.#threads) this.#idle.push(this.#startThread())
  }

  async ask<K extends keyof ScanTasks>(
    kind: K,
    asked: ScanTasks[K]['asked'],
    options?: RunOptions,
  ): Promise<ScanTasks[K]['answer']> {
    if (options?.signal?.aborted === true) throw new InterruptedError()
    const reply = await new Promise<ScanReply>((settle, fail) => {
      this.#waiting.push({ request: { kind, asked }, settle, fail })
      this.#dispatch()
    })
    return answerOf<K>(reply)
  }

  async close(): Promise<void> {
    const threads = [...this.#all]
    this.#all.clear()
    this.#idle.length = 0
    await Promise.all(threads.map((thread) => thread.terminate()))
  }

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const thread = this.#idle.pop() ?? (this.#all.size < this.#threads ? this.#startThread() : undefined)
      if (thread === undefined) return
      const job = this.#waiting.shift()
      if (job === undefined) return
      this.#current.set(thread, job)
      // A thread keeps the program alive while it works, and only then.
      thread.ref()
      thread.postMessage(job.request)
    }
  }

  #startThread(): Worker {
    const thread = new Worker(this.#script, { resourceLimits: THREAD_LIMITS, stdin: false })
    this.#all.add(thread)
    thread.unref()
    thread.on('message', (reply: ScanReply) => {
      const job = this.#current.get(thread)
      this.#current.delete(thread)
      this.#idle.push(thread)
      thread.unref()
      this.#growWhereDisksAreRead()
      job?.settle(reply)
      this.#dispatch()
    })
    thread.on('error', (error) => {
      this.#lose(thread, error)
    })
    thread.on('exit', () => {
      this.#lose(thread, new Error('A scanning thread ended before it had answered.'))
    })
    return thread
  }

  #growWhereDisksAreRead(): void {
    if (this.#threads >= THREADS_MAX) return
    const { fsRead } = resourceUsage()
    this.#readBefore ??= fsRead
    if (fsRead - this.#readBefore > BLOCKS_OF_A_DISK) this.#threads = THREADS_MAX
  }

  #lose(thread: Worker, error: unknown): void {
    this.#all.delete(thread)
    const place = this.#idle.indexOf(thread)
    if (place !== -1) this.#idle.splice(place, 1)
    this.#current.get(thread)?.fail(error)
    this.#current.delete(thread)
  }
}

function answerOf<K extends keyof ScanTasks>(reply: ScanReply): ScanTasks[K]['answer'] {
  switch (reply.kind) {
    case 'answer':
      return reply.answer as ScanTasks[K]['answer']
    case 'unreadable':
      throw relayed(reply.message, reply.hint)
    case 'bug':
      throw new Error(`A scanning thread failed: ${reply.stack}`)
  }
}

/** The error as it was thrown in the thread. */
function relayed(message: string, hint: string): StorageUnreadableError {
  const error = new StorageUnreadableError('', '', { hint })
  error.message = message
  return error
}
