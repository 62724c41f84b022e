/**
 * Icinga 2 as a test server: the API over its own certificates, one host with one passive service, two users.
 *
 * Everything lies in a folder of its own and runs as whoever runs the tests. Its authority is not one that the system
 * trusts, as in real installations; `caFile` is what a client has to be given.
 */
import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { find } from './find.ts'
import { makeTestFolder, onFreePorts, removeTestFolder, startProcess } from './server-process.ts'

/** What the test server has: `host!service`. The blank is on purpose, since real services have some. */
export const icingaService = 'docker-registry.example.com!docker registry'
/** May schedule downtimes of that service and remove downtimes, as docs/maintenance.md advises, and nothing else. */
export const icingaUser = { user: 'winnow', password: 'separate-the-chaff' }
/** May schedule downtimes and not remove them. */
export const icingaHalfUser = { user: 'half', password: 'only-begins' }
const root = { user: 'root', password: 'sees everything' }

export interface IcingaDowntime {
  readonly name: string
  readonly attrs: {
    readonly host_name: string
    readonly service_name: string
    readonly author: string
    readonly comment: string
    readonly fixed: boolean
    readonly start_time: number
    readonly end_time: number
  }
}

export interface Icinga2 {
  /** https://localhost:PORT: its certificates are for names. */
  readonly url: string
  readonly caFile: string
  readonly version: string
  readonly logs: () => string
  /** Those that are there now; ended ones are gone. */
  readonly downtimes: () => Promise<readonly IcingaDowntime[]>
  /** The depth of downtimes the service is in, as its notifications see it. */
  readonly downtimeDepth: () => Promise<number>
  readonly stop: () => Promise<void>
}

export async function startIcinga2(): Promise<Icinga2> {
  const found = find('icinga2')
  if (found === undefined) throw new Error('There is no Icinga 2 here.')
  const folder = await makeTestFolder('icinga2')
  try {
    const places = await makePlaces(folder)
    await makeCertificates(found.binary, folder, places)
    return await onFreePorts(1, async ([port = 0]) => {
      const configFile = join(folder, 'icinga2.conf')
      await writeFile(configFile, configuration(port))
      const url = `https://localhost:${port}`
      const ca = await readFile(caFileIn(folder), 'utf8')
      const ask = (path: string): Promise<readonly unknown[]> => query(url, path, ca)
      const server = await startProcess({
        binary: found.binary,
        args: ['daemon', '-c', configFile, ...places],
        logFile: join(folder, 'icinga2.log'),
        isReady: async () => (await ask('/v1/objects/services')).length === 1,
        // It saves its state first, by a second process that would be left behind by a kill.
        graceMs: 20_000,
      })
      return {
        url,
        caFile: caFileIn(folder),
        version: found.version,
        logs: server.logs,
        downtimes: async () => (await ask('/v1/objects/downtimes')) as readonly IcingaDowntime[],
        downtimeDepth: async () => {
          const [service] = (await ask('/v1/objects/services')) as readonly {
            readonly attrs: { readonly downtime_depth: number }
          }[]
          return service?.attrs.downtime_depth ?? Number.NaN
        },
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

const caFileIn = (folder: string): string => join(folder, 'data', 'certs', 'ca.crt')

/** Definitions that send everything Icinga writes into the folder. */
async function makePlaces(folder: string): Promise<readonly string[]> {
  const names = { DataDir: 'data', LogDir: 'log', CacheDir: 'cache', SpoolDir: 'spool', InitRunDir: 'run' }
  for (const name of [...Object.values(names), 'data/certs'])
    await mkdir(join(folder, name), { recursive: true })
  const { username } = userInfo()
  const { stdout: group } = await promisify(execFile)('id', ['-gn'])
  return [
    ...Object.entries(names).map(([constant, name]) => `${constant}=${join(folder, name)}`),
    `RunAsUser=${username}`,
    `RunAsGroup=${group.trim()}`,
  ].flatMap((definition) => ['-D', definition])
}

/** As `icinga2 node setup` would make them, for the name `localhost`. */
async function makeCertificates(binary: string, folder: string, places: readonly string[]): Promise<void> {
  const certs = join(folder, 'data', 'certs')
  const csr = join(folder, 'localhost.csr')
  const pki = async (...args: readonly string[]): Promise<void> => {
    await promisify(execFile)(binary, ['pki', ...args, ...places])
  }
  await pki('new-ca')
  await pki('new-cert', '--cn', 'localhost', '--key', join(certs, 'localhost.key'), '--csr', csr)
  await pki('sign-csr', '--csr', csr, '--cert', join(certs, 'localhost.crt'))
  await writeFile(caFileIn(folder), await readFile(join(folder, 'data', 'ca', 'ca.crt')))
}

function configuration(port: number): string {
  const [host = '', service = ''] = icingaService.split('!')
  return `
const NodeName = "localhost"
const ZoneName = NodeName
object Endpoint NodeName { }
object Zone ZoneName { endpoints = [ NodeName ] }
object CheckerComponent "checker" { }
object ApiListener "api" {
  bind_host = "127.0.0.1"
  bind_port = ${port}
}
object ApiUser "${icingaUser.user}" {
  password = "${icingaUser.password}"
  permissions = [
    {
      permission = "actions/schedule-downtime"
      filter = {{ host.name == "${host}" && service.name == "${service}" }}
    },
    "actions/remove-downtime"
  ]
}
object ApiUser "${icingaHalfUser.user}" {
  password = "${icingaHalfUser.password}"
  permissions = [ "actions/schedule-downtime" ]
}
object ApiUser "${root.user}" {
  password = "${root.password}"
  permissions = [ "*" ]
}
object CheckCommand "none" { command = [ "true" ] }
object Host "${host}" {
  check_command = "none"
  enable_active_checks = false
}
object Service "${service}" {
  host_name = "${host}"
  check_command = "none"
  enable_active_checks = false
}
`
}

/** Not by our own client, which is what the tests are about. */
function query(url: string, path: string, ca: string): Promise<readonly unknown[]> {
  const headers = { accept: 'application/json' }
  return new Promise((resolve, reject) => {
    const sent = request(
      `${url}${path}`,
      { ca, auth: `${root.user}:${root.password}`, headers },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', (part: string) => (text += part))
        answer.on('end', () => {
          try {
            resolve((JSON.parse(text) as { readonly results: readonly unknown[] }).results)
          } catch {
            reject(new Error(`Icinga answered ${answer.statusCode ?? 0}: ${text}`))
          }
        })
      },
    )
    sent.on('error', reject)
    sent.end()
  })
}
