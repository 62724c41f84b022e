/** Alertmanager as a test server, alone and without anybody to notify. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { find } from './find.ts'
import { makeTestFolder, onFreePorts, removeTestFolder, startProcess } from './server-process.ts'

export interface Silence {
  readonly id: string
  readonly status: { readonly state: 'active' | 'pending' | 'expired' }
  readonly matchers: readonly object[]
  readonly createdBy: string
  readonly comment: string
}

export interface Alertmanager {
  /** http://127.0.0.1:PORT, without a slash at the end. */
  readonly url: string
  readonly version: string
  readonly logs: () => string
  /** All it knows, ended ones too. */
  readonly silences: () => Promise<readonly Silence[]>
  readonly stop: () => Promise<void>
}

export async function startAlertmanager(): Promise<Alertmanager> {
  const found = find('alertmanager')
  if (found === undefined) throw new Error('There is no Alertmanager here.')
  const folder = await makeTestFolder('alertmanager')
  try {
    return await onFreePorts(1, async ([port = 0]) => {
      const url = `http://127.0.0.1:${port}`
      const configFile = join(folder, 'alertmanager.json')
      await mkdir(join(folder, 'data'), { recursive: true })
      await writeFile(
        configFile,
        JSON.stringify({ route: { receiver: 'nobody' }, receivers: [{ name: 'nobody' }] }),
      )
      const server = await startProcess({
        binary: found.binary,
        args: [
          `--config.file=${configFile}`,
          `--storage.path=${join(folder, 'data')}`,
          `--web.listen-address=127.0.0.1:${port}`,
          // No cluster: it would listen on every address.
          '--cluster.listen-address=',
        ],
        logFile: join(folder, 'alertmanager.log'),
        isReady: async () => (await fetch(`${url}/-/ready`)).ok,
      })
      return {
        url,
        version: found.version,
        logs: server.logs,
        silences: async () => (await (await fetch(`${url}/api/v2/silences`)).json()) as readonly Silence[],
        stop: async () => {
          await server.stop()
          await removeTestFolder(folder)
        },
      }
    })
  } catch (error) {
    await removeTestFolder(folder)
    throw error
  }
}
