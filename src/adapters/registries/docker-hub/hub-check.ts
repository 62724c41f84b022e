/** What `winnow doctor` looks at beyond what every registry is asked: who is logged in, what is listed, who may delete. */
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { DriverCheck } from '../driver.ts'
import { namespacesOf, type HubListingParts } from './hub-listing.ts'
import { deleteCure } from './hub-refusals.ts'
import { isAdministered } from './hub-writer.ts'

export async function checkHub(
  parts: HubListingParts,
  repository: RepositoryName | undefined,
  options: RunOptions,
): Promise<readonly DriverCheck[]> {
  const user = await parts.login.user(options.signal)
  const namespaces = await namespacesOf(parts, options.signal)
  return [
    checkLogin(user, namespaces),
    ...(repository === undefined ? [] : [await checkRight(parts, repository, options)]),
  ]
}

function checkLogin(user: string | undefined, namespaces: readonly string[]): DriverCheck {
  const what = 'log in to Docker Hub'
  const listed = `lists ${namespaces.join(', ')}`
  if (user !== undefined) return { what, state: 'ok', text: `as ${user}; ${listed}` }
  return {
    what,
    state: 'warning',
    text: `as nobody known by name; ${listed}, maybe without what is private`,
    cure: 'Name a user with a personal access token under `auth`, or log in with docker login.',
  }
}

async function checkRight(
  { api }: HubListingParts,
  repository: RepositoryName,
  options: RunOptions,
): Promise<DriverCheck> {
  const what = `administer ${repository}`
  const own = await api.repository(repository, options)
  if (own === undefined)
    return { what, state: 'failed', text: 'Docker Hub does not show it to this login', cure: deleteCure }
  return isAdministered(own) === false
    ? { what, state: 'warning', text: 'this login may not delete there', cure: deleteCure }
    : { what, state: 'ok', text: isAdministered(own) === true ? 'allowed' : 'Docker Hub does not say' }
}
