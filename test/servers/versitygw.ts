/**
 * versitygw as a test server: S3 over a folder, with versions where a bucket asks for them.
 *
 * Its manners, which a suite must know (1.8.0), are told in docs/storage-s3.md under "Servers tried".
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { S3 } from '@aws-sdk/client-s3'
import { find } from './find.ts'
import { makeTestFolder, onFreePorts, removeTestFolder, startProcess } from './server-process.ts'

export interface Versitygw {
  /** http://127.0.0.1:PORT, without a slash at the end. */
  readonly url: string
  readonly accessKey: string
  readonly secretKey: string
  readonly logs: () => string
  /** The vendor's client, straight; a test's own way to the objects. */
  readonly client: S3
  readonly createBucket: (name: string, options?: { readonly versioning?: boolean }) => Promise<void>
  readonly stop: () => Promise<void>
}

const ACCESS_KEY = 'winnow-tests'
const SECRET_KEY = 'separate-the-chaff-from-the-wheat'

export async function startVersitygw(): Promise<Versitygw> {
  const found = find('versitygw')
  if (found === undefined) throw new Error('There is no versitygw here.')
  const folder = await makeTestFolder('versitygw')
  const [root, versions] = [join(folder, 'objects'), join(folder, 'versions')]
  await mkdir(root)
  await mkdir(versions)
  try {
    return await onFreePorts(1, async ([port = 0]) => {
      const url = `http://127.0.0.1:${port}`
      const server = await startProcess({
        binary: found.binary,
        args: [
          '--port',
          `127.0.0.1:${port}`,
          '--quiet',
          '--keep-alive',
          'posix',
          '--versioning-dir',
          versions,
          root,
        ],
        env: { ROOT_ACCESS_KEY: ACCESS_KEY, ROOT_SECRET_KEY: SECRET_KEY },
        logFile: join(folder, 'versitygw.log'),
        isReady: async () => (await fetch(url)).status === 403,
        graceMs: 0,
      })
      const client = new S3({
        endpoint: url,
        region: 'us-east-1',
        forcePathStyle: true,
        credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY },
        requestChecksumCalculation: 'WHEN_REQUIRED',
        responseChecksumValidation: 'WHEN_REQUIRED',
      })
      return {
        url,
        accessKey: ACCESS_KEY,
        secretKey: SECRET_KEY,
        logs: server.logs,
        client,
        createBucket: async (name, { versioning = false } = {}) => {
          await client.createBucket({ Bucket: name })
          if (!versioning) return
          await client.putBucketVersioning({ Bucket: name, VersioningConfiguration: { Status: 'Enabled' } })
        },
        stop: async () => {
          client.destroy()
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
