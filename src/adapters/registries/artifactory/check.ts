/** What `winnow doctor` asks of an Artifactory beyond what it asks of every registry; changes nothing. */
import { OperationalError } from '../../../core/errors/errors.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { DriverCheck } from '../driver.ts'
import { saidByProduct, type ProductApi } from '../product-api.ts'
import type { RepositoryKeys } from './repository-keys.ts'
import { TRASH_KEY } from './trash.ts'

export async function checkArtifactory(
  api: ProductApi,
  keys: RepositoryKeys,
  options: RunOptions,
): Promise<readonly DriverCheck[]> {
  return [
    await checkKeys(keys, options),
    ...(await checkNames(keys, options)),
    await checkTrash(api, options),
  ]
}

async function checkKeys(keys: RepositoryKeys, options: RunOptions): Promise<DriverCheck> {
  const what = 'find the repository keys'
  try {
    const { keys: wanted } = await keys.wanted(options)
    if (wanted.length > 0) return { what, state: 'ok', text: wanted.join(', ') }
    return {
      what,
      state: 'failed',
      text: 'no local repository of type Docker or OCI can be seen',
      cure: 'Give the user the permission Read on the repositories that Winnow is to look after.',
    }
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error
    return { what, state: 'failed', text: error.message, cure: error.hint }
  }
}

/** Clusters mostly pull through a virtual repository, and a name that Winnow does not know protects nothing by its tag. */
async function checkNames(keys: RepositoryKeys, options: RunOptions): Promise<readonly DriverCheck[]> {
  const virtual = (await keys.all(options)).filter(({ type }) => type === 'VIRTUAL').map(({ key }) => key)
  if (virtual.length === 0) return []
  return [
    {
      what: 'other names of images',
      state: 'warning',
      text: `images may also be pulled through virtual repositories: ${virtual.join(', ')}`,
      cure: 'Write the names that clusters use under aliases:, such as acme.jfrog.io/docker for a registry with the url https://acme.jfrog.io/docker-local.',
    },
  ]
}

async function checkTrash(api: ProductApi, options: RunOptions): Promise<DriverCheck> {
  const what = 'restore from the trash can'
  const response = await api.send({ method: 'GET', url: api.url(`/api/storage/${TRASH_KEY}`) }, options)
  if (response.status === 200) return { what, state: 'ok', text: 'it can be looked into, if it is enabled' }
  const said = saidByProduct(response)
  return {
    what,
    state: 'warning',
    text: `it cannot be looked into (${said || `status ${response.status}`}), so undo only works while Artifactory keeps the layers`,
    cure: 'Enable the trash can (Administration, Artifactory, Trash Can), and run winnow undo as an administrator.',
  }
}
