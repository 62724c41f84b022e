/** The program as it is shipped, told to sweep a folder; and what was in the folder before and after. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildProgram } from '../e2e/cli.ts'
import { ended, type Ended } from '../faults/cli.ts'
import { startDockerRegistry } from '../servers/docker-registry.ts'
import { pullWhole } from '../servers/pull-whole.ts'
import { makeTestFolder, removeTestFolder } from '../servers/server-process.ts'
import { judge } from './oracle.ts'

export interface SweepAction {
  readonly kind: string
  readonly digest?: string
  readonly path?: string
}

export interface SweepReport {
  readonly schemaVersion: string
  readonly run: string
  readonly applied: boolean
  readonly complete: boolean
  readonly summary: Readonly<Record<string, number>>
  readonly actions: readonly SweepAction[]
  readonly warnings: readonly unknown[]
}

export interface Swept extends Ended {
  /** What was printed, where it was a report. */
  readonly report: SweepReport | undefined
}

export interface SweepOptions {
  /** The folder of the state, below the sweeper's own. @default 'state' */
  readonly state?: string
  /** Runs as this user; only root can ask for it. */
  readonly uid?: number
  /** A program and its arguments that the command is given to, such as strace. */
  readonly under?: readonly string[]
}

export interface Sweeper {
  /** Where a tree may be written. */
  readonly root: string
  readonly folder: string
  readonly sweep: (args?: readonly string[], options?: SweepOptions) => Promise<Swept>
  readonly start: (args?: readonly string[], options?: SweepOptions) => ChildProcess
  /** Writes winnow.yaml. */
  readonly configure: (storage?: Readonly<Record<string, unknown>>, registry?: object) => void
  readonly remove: () => Promise<void>
}

/** Nothing is kept back, and nobody pushes: what is garbage when the run starts is freed when it ends. */
export const allAtOnce = ['--apply', '--quarantine', '0s', '--settle', '0s'] as const

let program: ReturnType<typeof buildProgram> | undefined

export async function makeSweeper(): Promise<Sweeper> {
  program ??= buildProgram()
  const { main } = await program
  const folder = await makeTestFolder('sweep')
  // Other users than root are let in where a test runs as one.
  chmodSync(folder, 0o755)
  const root = join(folder, 'storage')
  const configure: Sweeper['configure'] = (storage = {}, registry = {}) =>
    writeFileSync(join(folder, 'winnow.yaml'), configuration(root, storage, registry))
  configure()
  const start: Sweeper['start'] = (args = [], { state = 'state', uid, under = [] } = {}) => {
    const stateFolder = join(folder, state)
    mkdirSync(stateFolder, { recursive: true })
    if (uid !== undefined) chownSync(stateFolder, uid, uid)
    const words = [process.execPath, main, 'sweep', ...args, '-o', 'json', '--state', stateFolder]
    const [command = '', ...rest] = [...under, ...words]
    return spawn(command, rest, {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], HOME: stateFolder },
      ...(uid !== undefined && { uid, gid: uid }),
    })
  }
  return {
    root,
    folder,
    configure,
    start,
    sweep: async (args, options) => {
      const end = await ended(start(args, options))
      return { ...end, report: parsed(end.stdout) }
    },
    remove: () => removeTestFolder(folder),
  }
}

/** To be called when all sweepers are done. */
export async function removeProgram(): Promise<void> {
  await (await program)?.remove()
  program = undefined
}

function configuration(root: string, storage: object, registry: object): string {
  return JSON.stringify({
    version: 1,
    registries: {
      onprem: {
        storage: { layout: 'distribution', filesystem: root, cache: 'none', ...storage },
        ...registry,
      },
    },
    policies: [{ name: 'all', repositories: ['**'], rules: [], unmatched: 'keep' }],
  })
}

function parsed(stdout: string): SweepReport | undefined {
  try {
    return JSON.parse(stdout) as SweepReport
  } catch {
    // A run that stopped has said why on stderr.
    return undefined
  }
}

/** What a plan or a run would take or took. */
export function taken({ report }: Swept): ReadonlySet<string> {
  const actions = report?.actions ?? []
  const isTaken = ({ kind }: SweepAction): boolean => kind === 'set-aside' || kind === 'free'
  return new Set(actions.filter(isTaken).flatMap(({ digest }) => (digest === undefined ? [] : [digest])))
}

/** Every entry below a folder with kind, rights, time and content, as lines that can be compared. */
export function fingerprint(folder: string, key = ''): readonly string[] {
  const path = join(folder, key)
  const facts = lstatSync(path)
  const line = `${key} ${facts.mode.toString(8)} ${facts.mtimeMs}`
  if (facts.isSymbolicLink()) return [`${line} -> ${readlinkSync(path)}`]
  if (!facts.isDirectory()) {
    return [`${line} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`]
  }
  return [
    line,
    ...readdirSync(path)
      .toSorted()
      .flatMap((name) => fingerprint(folder, join(key, name))),
  ]
}

/** What a registry that starts now gives out whole: every linked manifest by its digest, and every tag. */
export async function wholeImages(
  root: string,
  binary: 'debian' | 'v3' = 'debian',
): Promise<readonly string[]> {
  const { manifests, tags } = judge(root, 0)
  const server = await startDockerRegistry({ binary, storageDir: root, readOnly: true })
  const whole: string[] = []
  try {
    const named = [
      ...manifests.map(({ repository, digest }) => ({ repository, reference: digest })),
      ...tags.map(({ repository, tag }) => ({ repository, reference: tag })),
    ]
    for (const { repository, reference } of named) {
      const pulled = await pullWhole(server.url, repository, reference).catch(() => undefined)
      if (pulled !== undefined) whole.push(`${repository} ${reference}`)
    }
  } finally {
    await server.stop()
  }
  return whole
}
