/**
 * fake-gcs-server as a test server: Google Cloud Storage's JSON API over memory.
 *
 * Its manners, which a suite must know (1.56.1): it knows buckets with and without versioning, and generations; it obeys
 * preconditions of uploads, and takes no notice of those of removals and copies; it has no soft deletion and no logins.
 */
import { join } from 'node:path'
import { find } from './find.ts'
import { makeTestFolder, onFreePorts, removeTestFolder, startProcess } from './server-process.ts'

export interface FakeGcs {
  /** http://127.0.0.1:PORT, for STORAGE_EMULATOR_HOST. */
  readonly url: string
  readonly logs: () => string
  readonly createBucket: (name: string, options?: { readonly versioning?: boolean }) => Promise<void>
  readonly stop: () => Promise<void>
}

export async function startFakeGcs(): Promise<FakeGcs> {
  const found = find('fake-gcs-server')
  if (found === undefined) throw new Error('There is no fake-gcs-server here.')
  const folder = await makeTestFolder('fake-gcs')
  try {
    return await onFreePorts(1, async ([port = 0]) => {
      const url = `http://127.0.0.1:${port}`
      const server = await startProcess({
        binary: found.binary,
        args: [
          ...['-scheme', 'http', '-host', '127.0.0.1', '-port', String(port)],
          ...['-backend', 'memory', '-external-url', url, '-public-host', `127.0.0.1:${port}`],
          ...['-log-level', 'warn'],
        ],
        logFile: join(folder, 'fake-gcs.log'),
        isReady: async () => (await fetch(`${url}/storage/v1/b?project=test`)).ok,
        graceMs: 0,
      })
      const stop = async (): Promise<void> => {
        await server.stop()
        await removeTestFolder(folder)
      }
      return {
        url,
        logs: server.logs,
        stop,
        createBucket: async (name, options) => create(url, name, options),
      }
    })
  } catch (error) {
    await removeTestFolder(folder)
    throw error
  }
}

async function create(
  url: string,
  name: string,
  { versioning = false }: { readonly versioning?: boolean } = {},
): Promise<void> {
  const response = await fetch(`${url}/storage/v1/b?project=test`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, versioning: { enabled: versioning } }),
  })
  if (!response.ok) throw new Error(`Could not make the bucket ${name}: ${await response.text()}`)
}
