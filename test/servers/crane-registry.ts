/**
 * The registry inside go-containerregistry as a test server: small, in memory, and with the referrers API of OCI 1.1.
 *
 * Its manners, which a suite must know (0.22.1):
 * - a manifest that is deleted by digest still answers under its tags, and a tag deleted leaves the manifest;
 * - a push with a subject is not acknowledged by OCI-Subject, so clients keep a fallback list beside the referrers API;
 * - it takes manifests whose blobs it does not have, but no index whose children it does not have;
 * - lists have no Link to a next page; a repository without any manifest stays in the catalog.
 */
import { join } from 'node:path'
import { find } from './find.ts'
import { makeTestFolder, onFreePorts, removeTestFolder, startProcess } from './server-process.ts'

export interface CraneRegistry {
  /** http://127.0.0.1:PORT, without a slash at the end. */
  readonly url: string
  readonly host: string
  readonly version: string
  readonly pid: number
  readonly logs: () => string
  readonly stop: () => Promise<void>
  readonly kill: () => Promise<void>
}

export async function startCraneRegistry(): Promise<CraneRegistry> {
  const found = find('crane-registry')
  if (found === undefined) throw new Error('There is no crane-registry here.')
  const folder = await makeTestFolder('crane-registry')
  try {
    return await onFreePorts(1, async ([port = 0]) => {
      const host = `127.0.0.1:${port}`
      const url = `http://${host}`
      const server = await startProcess({
        binary: found.binary,
        args: [host],
        logFile: join(folder, 'crane-registry.log'),
        isReady: async () => (await fetch(`${url}/v2/`)).ok,
        // It keeps nothing that an orderly end would save.
        graceMs: 0,
      })
      const stop = async (): Promise<void> => {
        await server.stop()
        await removeTestFolder(folder)
      }
      const { pid, logs, kill } = server
      return { url, host, version: found.version, pid, logs, kill, stop }
    })
  } catch (error) {
    await removeTestFolder(folder)
    throw error
  }
}
