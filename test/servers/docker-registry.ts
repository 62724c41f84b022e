/**
 * CNCF Distribution as a test server: Debian's 2.8 and a 3.x built by build.sh.
 *
 * The two lines answer differently where it matters here (2.8 refuses to delete a tag and ignores paging of tags),
 * so suites run against both.
 */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { find, type BinaryName, type FoundBinary } from './find.ts'
import {
  makeTestFolder,
  onFreePorts,
  removeTestFolder,
  startProcess,
  type ServerProcess,
} from './server-process.ts'

export type DistributionLine = 'debian' | 'v3'

/** For suites: `missing(distributionBinaries[line])`. */
export const distributionBinaries = {
  debian: 'docker-registry',
  v3: 'registry3',
} as const satisfies Record<DistributionLine, BinaryName>

export interface Credentials {
  readonly user: string
  readonly password: string
}

/**
 * The one account tests sign in with. Distribution accepts bcrypt only and nothing in Node makes bcrypt, so the
 * hash (cost 5, the least allowed is 4) was made once and any other password is refused by `startDockerRegistry`.
 */
export const testCredentials: Credentials = { user: 'robot', password: 'separate-the-chaff' }
const TEST_PASSWORD_BCRYPT = '$2y$05$WinnowTestServersSaltO5pHG0r7ix57e/dU.jyYDXPf7zTyUm7u'

export interface DockerRegistryOptions {
  /** @default 'debian' */
  readonly binary?: DistributionLine
  /** Whether manifests may be deleted; Distribution's own default is false. @default true */
  readonly delete?: boolean
  /** Maintenance mode: every write is 405 with a plain-text body. @default false */
  readonly readOnly?: boolean
  /** Asks for these by HTTP Basic; only the password of `testCredentials` is possible, the user's name is free. */
  readonly htpasswd?: Credentials
  /** The most repositories a page of the catalog may have; more is asked for in vain with a 400. */
  readonly maxEntries?: number
  /** Kept when the server stops; without it the server has a folder of its own, which goes with it. */
  readonly storageDir?: string
  /** The cache of blob descriptors; all but 'none' answer for blobs that were removed behind its back. @default 'none' */
  readonly cache?: 'none' | 'inmemory' | RedisCache
  /** Serves metrics of the process at a port of its own. @default false */
  readonly metrics?: boolean
  /** The port of one that was stopped, to come back under its address; a free one when left out. */
  readonly port?: number
  /** Where events are posted. */
  readonly notifications?: string
}

export interface RedisCache {
  /** host:port */
  readonly redis: string
  readonly password?: string | undefined
  /** @default 0 */
  readonly db?: number
}

export interface DockerRegistry {
  /** http://127.0.0.1:PORT, without a slash at the end. */
  readonly url: string
  /** The same with user and password in it, for push.ts; equal to `url` when none are asked for. */
  readonly urlWithCredentials: string
  /** The name images have in it, as clusters would write it: 127.0.0.1:PORT. */
  readonly host: string
  readonly port: number
  /** Where its metrics are, if it was asked to serve them. */
  readonly metricsUrl: string | undefined
  readonly version: string
  /** The root of the filesystem driver; blobs are under docker/registry/v2. */
  readonly dir: string
  readonly configFile: string
  readonly pid: number
  readonly logs: () => string
  readonly stop: () => Promise<void>
  readonly kill: () => Promise<void>
  /**
   * Runs the server's own garbage collector over the storage and returns what it printed. It takes no notice of a
   * running server, and a running server none of it: stop the server first, or start it read-only.
   */
  readonly collectGarbage: (options?: { deleteUntagged?: boolean; dryRun?: boolean }) => Promise<string>
}

export function findDockerRegistry(line: DistributionLine): FoundBinary | undefined {
  return find(distributionBinaries[line])
}

export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const line = options.binary ?? 'debian'
  const found = findDockerRegistry(line)
  if (found === undefined) throw new Error(`There is no ${distributionBinaries[line]} here.`)

  const folder = await makeTestFolder('registry')
  const dir = options.storageDir ?? join(folder, 'storage')
  const configFile = join(folder, 'config.yml')
  const htpasswdFile = join(folder, 'htpasswd')
  if (options.htpasswd !== undefined) await writeFile(htpasswdFile, htpasswdLine(options.htpasswd))

  try {
    return await onFreePorts(2, async ([free = 0, metricsPort = 0]) => {
      const port = options.port ?? free
      const host = `127.0.0.1:${port}`
      // JSON is YAML too, and needs no library to write.
      await writeFile(
        configFile,
        JSON.stringify(configuration({ ...options, line, host, metricsPort, dir, htpasswdFile }), null, 2),
      )
      const server = await startProcess({
        binary: found.binary,
        args: ['serve', configFile],
        env: quietEnvironment,
        logFile: join(folder, 'registry.log'),
        isReady: async () => [200, 401].includes((await fetch(`http://${host}/v2/`)).status),
      })
      return described(server, { ...options, host, port, metricsPort, dir, configFile, folder, found })
    })
  } catch (error) {
    await removeTestFolder(folder)
    throw error
  }
}

// 3.x exports traces to a collector on localhost unless told not to, and fills its log with failures of that.
const quietEnvironment = { OTEL_TRACES_EXPORTER: 'none' }

interface Placement extends DockerRegistryOptions {
  readonly host: string
  readonly port: number
  readonly metricsPort: number
  readonly dir: string
  readonly configFile: string
  readonly folder: string
  readonly found: FoundBinary
}

function described(server: ServerProcess, at: Placement): DockerRegistry {
  return {
    url: `http://${at.host}`,
    urlWithCredentials: `http://${userInfo(at.htpasswd)}${at.host}`,
    host: at.host,
    port: at.port,
    metricsUrl: at.metrics === true ? `http://127.0.0.1:${at.metricsPort}/metrics` : undefined,
    version: at.found.version,
    dir: at.dir,
    configFile: at.configFile,
    pid: server.pid,
    logs: server.logs,
    kill: server.kill,
    stop: async () => {
      await server.stop()
      await removeTestFolder(at.folder)
    },
    collectGarbage: ({ deleteUntagged = false, dryRun = false } = {}) =>
      collectGarbage(at, [
        ...(deleteUntagged ? ['--delete-untagged'] : []),
        ...(dryRun ? ['--dry-run'] : []),
      ]),
  }
}

async function collectGarbage(at: Placement, flags: readonly string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(
    at.found.binary,
    ['garbage-collect', ...flags, at.configFile],
    {
      env: { ...process.env, ...quietEnvironment },
      maxBuffer: 64 * 1024 * 1024,
    },
  )
  return stdout + stderr
}

function userInfo(credentials: Credentials | undefined): string {
  return credentials === undefined ? '' : `${credentials.user}:${credentials.password}@`
}

function htpasswdLine({ user, password }: Credentials): string {
  if (password !== testCredentials.password) {
    throw new Error('Only the password of testCredentials has a bcrypt hash here.')
  }
  return `${user}:${TEST_PASSWORD_BCRYPT}\n`
}

interface Configured extends DockerRegistryOptions {
  readonly line: DistributionLine
  readonly host: string
  readonly metricsPort: number
  readonly dir: string
  readonly htpasswdFile: string
}

function configuration(options: Configured): object {
  return {
    version: '0.1',
    log: { level: 'info' },
    storage: {
      filesystem: { rootdirectory: options.dir },
      delete: { enabled: options.delete ?? true },
      maintenance: {
        readonly: { enabled: options.readOnly ?? false },
        // It would run in the middle of a test that looks at uploads.
        uploadpurging: { enabled: false },
      },
      ...cacheIn(options.cache),
    },
    http: {
      addr: options.host,
      secret: 'only for tests',
      ...(options.metrics === true && {
        debug: { addr: `127.0.0.1:${options.metricsPort}`, prometheus: { enabled: true, path: '/metrics' } },
      }),
    },
    ...redisIn(options),
    ...(options.maxEntries !== undefined && { catalog: { maxentries: options.maxEntries } }),
    ...(options.htpasswd && { auth: { htpasswd: { realm: 'tests', path: options.htpasswdFile } } }),
    ...(options.notifications !== undefined && {
      notifications: {
        endpoints: [
          { name: 'test', url: options.notifications, timeout: '1s', threshold: 3, backoff: '100ms' },
        ],
      },
    }),
  }
}

function cacheIn(cache: DockerRegistryOptions['cache']): object {
  if (cache === undefined || cache === 'none') return {}
  return { cache: { blobdescriptor: cache === 'inmemory' ? 'inmemory' : 'redis' } }
}

/** 2.8 knows one address, 3 a list of them. */
function redisIn({ cache, line }: Configured): object {
  if (cache === undefined || typeof cache === 'string') return {}
  const { redis, password, db = 0 } = cache
  const where = line === 'v3' ? { addrs: [redis] } : { addr: redis }
  return { redis: { ...where, db, ...(password !== undefined && { password }) } }
}
