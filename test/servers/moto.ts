/**
 * moto as a test server: the API of Amazon ECR as others have understood it.
 *
 * Its manners, which a suite must know (5.2.5): it has no distribution API, so nothing can be pulled; it pages nothing and
 * filters nothing; it keeps no parts of an index; signatures are not checked; digests are made up unless they are told; and
 * its answer to a deletion names no image that has no tag.
 */
import { join } from 'node:path'
import { find } from './find.ts'
import { makeTestFolder, onFreePorts, removeTestFolder, startProcess } from './server-process.ts'

export interface Moto {
  /** http://127.0.0.1:PORT, without a slash at the end. */
  readonly url: string
  readonly logs: () => string
  readonly stop: () => Promise<void>
}

export async function startMoto(): Promise<Moto> {
  const found = find('moto')
  if (found === undefined) throw new Error('There is no moto here.')
  const folder = await makeTestFolder('moto')
  try {
    return await onFreePorts(1, async ([port = 0]) => {
      const url = `http://127.0.0.1:${port}`
      const server = await startProcess({
        binary: found.binary,
        args: ['-H', '127.0.0.1', '-p', String(port)],
        logFile: join(folder, 'moto.log'),
        isReady: async () => (await fetch(`${url}/moto-api/data.json`)).ok,
        graceMs: 0,
      })
      const stop = async (): Promise<void> => {
        await server.stop()
        await removeTestFolder(folder)
      }
      return { url, logs: server.logs, stop }
    })
  } catch (error) {
    await removeTestFolder(folder)
    throw error
  }
}
