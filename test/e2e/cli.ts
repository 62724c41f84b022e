/**
 * The command line as people get it: bundled by the build script, run as a process of its own, in a folder of its own.
 *
 * The bundle lies in a folder of this run, because `dist/` belongs to whoever works in this tree at the same time.
 */
import { execFile, spawn } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { makeTestFolder, removeTestFolder } from '../servers/server-process.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

interface CommandOutput {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
}

export interface CommandLine {
  /** Runs `winnow ARGS` in the folder of `winnow.yaml`; never throws for an exit code. */
  readonly winnow: (...args: readonly string[]) => Promise<CommandOutput>
  /** The same with `-o json`, parsed. */
  readonly json: (...args: readonly string[]) => Promise<CommandOutput & { readonly document: unknown }>
  /** Writes a file into the folder that commands run in. */
  readonly write: (name: string, text: string) => Promise<void>
  readonly folder: string
  readonly remove: () => Promise<void>
}

export interface BuiltProgram {
  readonly main: string
  readonly remove: () => Promise<void>
}

/** Bundles the program as `npm run build` does. */
export async function buildProgram(): Promise<BuiltProgram> {
  // Beneath node_modules, because the one package that is not bundled is looked for upwards from the bundle.
  const folder = join(root, 'node_modules', '.cache', `winnow-e2e-${process.pid}-${Date.now()}`)
  await mkdir(folder, { recursive: true })
  await promisify(execFile)(process.execPath, [join(root, 'scripts/build.mjs'), folder])
  return {
    main: join(folder, 'cli/main.js'),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** A folder to run commands in, with a state directory of its own. */
export async function openCommandLine(program: BuiltProgram): Promise<CommandLine> {
  const folder = await makeTestFolder('e2e')
  // Where the state lies by default, so that commands are what people type.
  const environment = { XDG_STATE_HOME: join(folder, 'state') }
  const winnow: CommandLine['winnow'] = (...args) => run(program.main, args, folder, environment)
  return {
    winnow,
    json: async (...args) => {
      const output = await winnow(...args, '-o', 'json')
      return { ...output, document: parsed(output) }
    },
    write: (name, text) => writeFile(join(folder, name), text),
    folder,
    remove: () => removeTestFolder(folder),
  }
}

function parsed({ stdout }: CommandOutput): unknown {
  try {
    return JSON.parse(stdout)
  } catch {
    // A command that stopped has said why on stderr, and what it printed is for the test to look at.
    return undefined
  }
}

function run(
  main: string,
  args: readonly string[],
  cwd: string,
  environment: Readonly<Record<string, string>>,
): Promise<CommandOutput> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...args], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', DOCKER_CONFIG: cwd, HOME: cwd, ...environment },
    })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    child.once('error', reject)
    child.once('close', (code) => {
      const text = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString('utf8')
      resolve({ exit: code ?? -1, stdout: text(stdout), stderr: text(stderr) })
    })
  })
}
