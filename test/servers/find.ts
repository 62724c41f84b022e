/**
 * Where the real servers and tools are on this machine, if they are.
 *
 * A test that needs one is skipped where it is missing, and its title then says what is missing and which
 * command brings it, so that a skipped suite is never mistaken for a passed one.
 */
import { execFileSync } from 'node:child_process'
import { accessSync, constants, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'

interface Source {
  /** The name on PATH; left out where a program of that name would probably be something else. */
  readonly command?: string
  readonly versionArgs?: readonly string[]
  /** Built by build.sh under the version in versions.env; preferred to PATH, because that version is known. */
  readonly built: boolean
  readonly install: string
}

const BUILD = 'npm run test:servers'
const BUILD_BENCH = 'npm run test:servers -- --bench'
const DEBIAN = 'bash test/servers/install-debian.sh'

const sources = {
  'docker-registry': {
    command: 'docker-registry',
    versionArgs: ['--version'],
    built: false,
    install: DEBIAN,
  },
  skopeo: { command: 'skopeo', versionArgs: ['--version'], built: false, install: DEBIAN },
  wrk: { command: 'wrk', versionArgs: ['-v'], built: false, install: DEBIAN },
  'redis-server': { command: 'redis-server', versionArgs: ['--version'], built: false, install: DEBIAN },
  icinga2: { command: 'icinga2', versionArgs: ['--version'], built: false, install: DEBIAN },
  alertmanager: {
    command: 'prometheus-alertmanager',
    versionArgs: ['--version'],
    built: false,
    install: DEBIAN,
  },
  'crane-registry': { built: true, install: BUILD },
  registry3: { built: true, install: BUILD },
  gitea: { built: true, install: BUILD },
  zot: { command: 'zot', versionArgs: ['--version'], built: true, install: BUILD },
  etcd: { command: 'etcd', versionArgs: ['--version'], built: true, install: BUILD },
  'kube-apiserver': { command: 'kube-apiserver', versionArgs: ['--version'], built: true, install: BUILD },
  helm: { command: 'helm', versionArgs: ['version', '--short'], built: true, install: BUILD },
  versitygw: { command: 'versitygw', versionArgs: ['--version'], built: true, install: BUILD },
  'fake-gcs-server': { built: true, install: BUILD },
  azurite: { built: true, install: BUILD },
  moto: { built: true, install: BUILD },
  regbot: { command: 'regbot', versionArgs: ['version'], built: true, install: BUILD_BENCH },
  regctl: { command: 'regctl', versionArgs: ['version'], built: true, install: BUILD_BENCH },
} as const satisfies Record<string, Source>

export type BinaryName = keyof typeof sources

export interface FoundBinary {
  readonly binary: string
  /** Digits and dots as the program tells them, or `unknown`. */
  readonly version: string
}

const versions = readVersions()
const seen = new Map<BinaryName, FoundBinary | undefined>()

export function find(name: BinaryName): FoundBinary | undefined {
  // Looked for once a process: asking a program for its version starts it.
  if (!seen.has(name)) seen.set(name, findBuilt(name) ?? findOnPath(sources[name]))
  return seen.get(name)
}

/** What a suite that needs all of these lacks, in words for its title; undefined when nothing is lacking. */
export function missing(...names: readonly BinaryName[]): string | undefined {
  const absent = names.filter((name) => find(name) === undefined)
  if (absent.length === 0) return undefined
  const commands = [...new Set(absent.map((name) => sources[name].install))]
  return `missing ${absent.join(', ')}; run: ${commands.join(' and ')}`
}

/** For `describe.skipIf(missing(…))(titled('a suite', …), …)`: the title with what is missing, if anything is. */
export function titled(title: string, ...names: readonly BinaryName[]): string {
  const lack = missing(...names)
  return lack === undefined ? title : `${title} (skipped: ${lack})`
}

function findBuilt(name: BinaryName): FoundBinary | undefined {
  const version = versions.get(name)
  if (!sources[name].built || version === undefined) return undefined
  const binary = join(cacheFolder(), `${name}-${version}`)
  return isExecutable(binary) ? { binary, version } : undefined
}

function findOnPath({ command, versionArgs = [] }: Source): FoundBinary | undefined {
  if (command === undefined) return undefined
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  const binary = folders.map((folder) => join(folder, command)).find(isExecutable)
  return binary === undefined ? undefined : { binary, version: versionOf(binary, versionArgs) }
}

function versionOf(binary: string, args: readonly string[]): string {
  return /\d+\.\d+(\.\d+)?/.exec(outputOf(binary, args))?.[0] ?? 'unknown'
}

function outputOf(binary: string, args: readonly string[]): string {
  try {
    return execFileSync(binary, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 10_000,
    })
  } catch (error) {
    // Some programs tell their version and exit with 1; what they said is still in the error.
    return error instanceof Error && 'stdout' in error ? String(error.stdout) : ''
  }
}

function cacheFolder(): string {
  // The same rule as in build.sh.
  const base = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  return process.env['WINNOW_TEST_CACHE'] ?? join(base, 'winnow-test-servers')
}

function readVersions(): ReadonlyMap<string, string> {
  const text = readFileSync(new URL('versions.env', import.meta.url), 'utf8')
  return new Map(
    [...text.matchAll(/^([a-z0-9-]+)=(\S+)$/gm)].map(([, name = '', version = '']) => [name, version]),
  )
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
