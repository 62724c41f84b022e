/** What `winnow doctor` asks of a Gitea or Forgejo beyond what it asks of every registry; changes nothing. */
import { OperationalError } from '../../../core/errors/errors.ts'
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { DriverCheck } from '../driver.ts'
import { isRecord, quotable } from '../oci/answers.ts'
import type { ProductApi } from '../product-api.ts'
import { ownerAndImage } from './listing.ts'
import { listVersions } from './versions.ts'

const undo: DriverCheck = {
  what: 'undo',
  state: 'warning',
  text: 'this product lets go of layers together with the last version that has them, so what is deleted cannot be put back',
  cure: 'Look at the plan with care, and keep more: protect.youngerThan, limits.minSurvivors.',
}

export async function checkGitea(
  api: ProductApi,
  repository: RepositoryName | undefined,
  options: RunOptions,
): Promise<readonly DriverCheck[]> {
  const version = await checked('find its version', () => readVersion(api, options))
  const packages =
    repository && (await checked('list packages', () => countVersions(api, repository, options)))
  return [version, ...(packages === undefined ? [] : [packages]), undo]
}

async function checked(what: string, ask: () => Promise<string>): Promise<DriverCheck> {
  try {
    return { what, state: 'ok', text: await ask() }
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error
    return {
      what,
      state: 'failed',
      text: error.message,
      cure: `${error.hint} The token needs the scope read:package.`,
    }
  }
}

async function readVersion(api: ProductApi, options: RunOptions): Promise<string> {
  const what = 'Asking for its version'
  const answer = await api.read(what, { method: 'GET', url: api.url('/version') }, options)
  const version = isRecord(answer) ? answer['version'] : undefined
  if (typeof version !== 'string') throw api.mismatch(`${what} was answered without one`)
  return quotable(version)
}

async function countVersions(
  api: ProductApi,
  repository: RepositoryName,
  options: RunOptions,
): Promise<string> {
  const { owner, image } = ownerAndImage(repository)
  const versions = await listVersions(api, owner, image, options)
  return `${versions?.filter(({ name }) => name === image).length ?? 0} versions of ${repository}`
}
