/**
 * Azurite as a test server: Azure Blob Storage over memory, with one well-known account.
 *
 * Its manners, which a suite must know (3.35.0): it has neither versions nor soft deletion; what is removed is gone.
 * Telemetry is off, and it is told to accept versions of the protocol newer than itself.
 */
import { join } from 'node:path'
import { find } from './find.ts'
import { makeTestFolder, onFreePorts, removeTestFolder, startProcess } from './server-process.ts'

export interface Azurite {
  readonly account: string
  /** Not a secret: it is in Azurite's documentation, and the same everywhere. */
  readonly key: string
  /** http://127.0.0.1:PORT/ACCOUNT */
  readonly url: string
  readonly connectionString: string
  readonly logs: () => string
  readonly stop: () => Promise<void>
}

const ACCOUNT = 'devstoreaccount1'
const KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='

export async function startAzurite(): Promise<Azurite> {
  const found = find('azurite')
  if (found === undefined) throw new Error('There is no Azurite here.')
  const folder = await makeTestFolder('azurite')
  try {
    return await onFreePorts(1, async ([port = 0]) => {
      const host = `http://127.0.0.1:${port}`
      const server = await startProcess({
        binary: found.binary,
        args: [
          ...['--blobHost', '127.0.0.1', '--blobPort', String(port)],
          ...['--inMemoryPersistence', '--disableTelemetry', '--skipApiVersionCheck', '--silent'],
        ],
        env: { AZURE_STORAGE_NO_TELEMETRY: '1' },
        logFile: join(folder, 'azurite.log'),
        // It answers 400 or 403 to whoever has no login, but it answers.
        isReady: async () => (await fetch(`${host}/${ACCOUNT}?comp=list`)).status > 0,
        graceMs: 0,
      })
      const stop = async (): Promise<void> => {
        await server.stop()
        await removeTestFolder(folder)
      }
      const url = `${host}/${ACCOUNT}`
      const connectionString = `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${KEY};BlobEndpoint=${url};`
      return { account: ACCOUNT, key: KEY, url, connectionString, logs: server.logs, stop }
    })
  } catch (error) {
    await removeTestFolder(folder)
    throw error
  }
}
