/**
 * zot as a test server: an OCI 1.1 registry that keeps the list of referrers, deletes tags, protects the children of
 * an index, and answers GraphQL about push and pull times when it was built with search.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { find } from './find.ts'
import { makeTestFolder, onFreePorts, removeTestFolder, startProcess } from './server-process.ts'

export interface ZotOptions {
  /** GraphQL under /v2/_zot/ext/search; the start fails when the build has none. @default false */
  readonly search?: boolean
  /** zot's own collector, which would free bytes behind a test's back. @default false */
  readonly collectsGarbage?: boolean
  /** Kept when the server stops; without it the server has a folder of its own, which goes with it. */
  readonly storageDir?: string
}

export interface Zot {
  /** http://127.0.0.1:PORT, without a slash at the end. */
  readonly url: string
  readonly host: string
  readonly version: string
  /** One OCI image layout for each repository. */
  readonly dir: string
  readonly pid: number
  readonly logs: () => string
  readonly stop: () => Promise<void>
  readonly kill: () => Promise<void>
}

export async function startZot(options: ZotOptions = {}): Promise<Zot> {
  const found = find('zot')
  if (found === undefined) throw new Error('There is no zot here.')
  const folder = await makeTestFolder('zot')
  const dir = options.storageDir ?? join(folder, 'storage')
  const configFile = join(folder, 'config.json')
  try {
    return await onFreePorts(1, async ([port = 0]) => {
      const url = `http://127.0.0.1:${port}`
      await writeFile(configFile, JSON.stringify(configuration(options, dir, port)))
      const server = await startProcess({
        binary: found.binary,
        args: ['serve', configFile],
        logFile: join(folder, 'zot.log'),
        isReady: () => answers(url, options.search ?? false),
      })
      const stop = async (): Promise<void> => {
        await server.stop()
        await removeTestFolder(folder)
      }
      const { pid, logs, kill } = server
      return { url, host: `127.0.0.1:${port}`, version: found.version, dir, pid, logs, kill, stop }
    })
  } catch (error) {
    await removeTestFolder(folder)
    throw error
  }
}

async function answers(url: string, search: boolean): Promise<boolean> {
  if (!(await fetch(`${url}/v2/`)).ok) return false
  if (!search) return true
  const query = encodeURIComponent('{ RepoListWithNewestImage { Page { TotalCount } } }')
  return (await fetch(`${url}/v2/_zot/ext/search?query=${query}`)).ok
}

function configuration(
  { search = false, collectsGarbage = false }: ZotOptions,
  dir: string,
  port: number,
): object {
  return {
    distSpecVersion: '1.1.1',
    storage: { rootDirectory: dir, gc: collectsGarbage },
    http: { address: '127.0.0.1', port: String(port) },
    log: { level: 'info' },
    ...(search && { extensions: { search: { enable: true } } }),
  }
}
