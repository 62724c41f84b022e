/** Which repository of a Nexus is meant: one that an address names, the only one there is, or the one of the connector. */
import { OperationalError, type ErrorCategory } from '../../../core/errors/errors.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { isRecord, quotable } from '../oci/answers.ts'
import type { ProductApi } from '../product-api.ts'
import type { NexusAddresses } from './addresses.ts'

/** The repository that the configuration means cannot be used, or cannot be found out. */
export class NexusRepositoryError extends OperationalError {
  readonly code = 'NEXUS_REPOSITORY'
  override readonly category: ErrorCategory = 'configuration'
  readonly hint: string

  constructor(registry: string, why: string, hint: string) {
    super(`${registry}: ${why}.`)
    this.hint = hint
  }
}

interface NexusRepository {
  readonly name: string
  readonly type: string
}

/** @throws NexusRepositoryError */
export async function findRepository(
  api: ProductApi,
  addresses: NexusAddresses,
  options: RunOptions | undefined,
): Promise<string> {
  const all = await readRepositories(api, options)
  const hosted = all.filter(({ type }) => type === 'hosted').map(({ name }) => name)
  if (addresses.repository !== undefined) return requireHosted(api, addresses.repository, all)
  const [only, ...others] = hosted
  if (only !== undefined && others.length === 0) return only
  for (const name of hosted) if (await isBehind(api, name, addresses, options)) return name
  throw new NexusRepositoryError(
    api.name,
    hosted.length === 0
      ? 'no hosted Docker repository can be seen'
      : `the address does not tell which of its repositories is meant: ${hosted.map(quotable).join(', ')}`,
    hosted.length === 0
      ? 'Give the user the privilege nx-repository-view-docker-NAME-browse, and check the repository in Nexus.'
      : `Name it behind the address of the web page: api: {url: https://nexus.example.com/repository/${hosted[0] ?? 'NAME'}}.`,
  )
}

function requireHosted(api: ProductApi, name: string, all: readonly NexusRepository[]): string {
  const found = all.find((each) => each.name === name)
  if (found?.type === 'hosted') return name
  if (found === undefined) {
    throw new NexusRepositoryError(
      api.name,
      `there is no Docker repository ${name} that these credentials may see`,
      'Check its name, and give the user the privilege nx-repository-view-docker-NAME-browse.',
    )
  }
  throw new NexusRepositoryError(
    api.name,
    `${name} is a ${found.type} repository, and only hosted ones hold images of their own`,
    'Name the hosted repository behind it, and give its address to aliases:, where clusters pull through it.',
  )
}

async function readRepositories(
  api: ProductApi,
  options: RunOptions | undefined,
): Promise<readonly NexusRepository[]> {
  const what = 'Listing the repositories of Nexus'
  const rows = await api.read(what, { method: 'GET', url: api.url('/repositories') }, options)
  if (!Array.isArray(rows)) throw api.mismatch(`${what} was answered with something that is no list`)
  return rows.flatMap((row: unknown) => {
    const { name, format, type } = isRecord(row) ? row : {}
    if (typeof name !== 'string' || typeof format !== 'string' || typeof type !== 'string')
      throw api.content('the list of repositories has a row without name, format or type')
    return format === 'docker' ? [{ name, type }] : []
  })
}

/** Only administrators may look at connectors; for others it stays unknown. */
async function isBehind(
  api: ProductApi,
  name: string,
  { host, port }: NexusAddresses,
  options: RunOptions | undefined,
): Promise<boolean> {
  const url = api.url(`/repositories/docker/hosted/${encodeURIComponent(name)}`)
  const response = await api.send({ method: 'GET', url }, options)
  if (response.status === 403 || response.status === 404) return false
  const what = `Asking for the connector of ${name}`
  if (response.status !== 200) throw api.unexpected(what, response)
  const answer = api.jsonOf(what, response)
  const docker = isRecord(answer) ? answer['docker'] : undefined
  const { httpPort, httpsPort, subdomain } = isRecord(docker) ? docker : {}
  return (
    httpPort === port ||
    httpsPort === port ||
    (typeof subdomain === 'string' && host.startsWith(`${subdomain}.`))
  )
}
