/**
 * A real Gitea with SQLite as a test server, with one user and a token of that user.
 *
 * It is built without its web pages, which the package registry and the API do not need.
 */
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { find } from './find.ts'
import { makeTestFolder, onFreePorts, removeTestFolder, startProcess } from './server-process.ts'

export interface Gitea {
  /** http://127.0.0.1:PORT, without a slash at the end. */
  readonly url: string
  /** With the token as a password, for pushing. */
  readonly urlWithCredentials: string
  /** The user, who owns all packages. */
  readonly owner: string
  /** May read and write packages. */
  readonly token: string
  readonly version: string
  readonly stop: () => Promise<void>
}

const OWNER = 'team'
const run = promisify(execFile)

export async function startGiteaServer(): Promise<Gitea> {
  const found = find('gitea')
  if (found === undefined) throw new Error('There is no gitea here.')
  const folder = await makeTestFolder('gitea')
  try {
    return await onFreePorts(1, async ([port = 0]) => {
      const url = `http://127.0.0.1:${port}`
      const config = join(folder, 'app.ini')
      await mkdir(join(folder, 'data'), { recursive: true })
      await writeFile(config, settings(folder, port, `${found.binary}.static`))
      const command = async (...args: readonly string[]): Promise<string> =>
        (await run(found.binary, [...args, '-c', config], { cwd: folder })).stdout
      await command('migrate')
      const user = ['--username', OWNER, '--email', 'team@example.com', '--password', 'not-a-secret-1']
      await command('admin', 'user', 'create', ...user, '--must-change-password=false')
      const scopes = ['--token-name', 'test', '--scopes', 'write:package', '--raw']
      const told = await command('admin', 'user', 'generate-access-token', '--username', OWNER, ...scopes)
      const token = told.trim().split('\n').at(-1) ?? ''
      const server = await startProcess({
        binary: found.binary,
        args: ['web', '-c', config],
        logFile: join(folder, 'gitea.log'),
        isReady: async () => (await fetch(`${url}/api/v1/version`)).ok,
      })
      const stop = async (): Promise<void> => {
        await server.stop()
        await removeTestFolder(folder)
      }
      const urlWithCredentials = `http://${OWNER}:${token}@127.0.0.1:${port}`
      return { url, urlWithCredentials, owner: OWNER, token, version: found.version, stop }
    })
  } catch (error) {
    await removeTestFolder(folder)
    throw error
  }
}

function settings(folder: string, port: number, staticFiles: string): string {
  return `I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
RUN_MODE = prod
RUN_USER = ${userInfo().username}
WORK_PATH = ${folder}
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = ${port}
ROOT_URL = http://127.0.0.1:${port}/
STATIC_ROOT_PATH = ${staticFiles}
DISABLE_SSH = true
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
PATH = ${join(folder, 'data', 'gitea.db')}
[security]
INSTALL_LOCK = true
[cron]
ENABLED = false
[log]
MODE = console
LEVEL = warn
`
}
