/** What docs/registries/quay.md asks of a Quay beyond what is asked of every registry; for `winnow doctor`. */
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { DriverCheck } from '../driver.ts'
import { repositoryPath, type QuayApi, type Row } from './quay-api.ts'

/** Sends GETs only. @throws what QuayApi throws */
export async function checkQuay(
  api: QuayApi,
  repository: RepositoryName | undefined,
  options: RunOptions,
): Promise<readonly DriverCheck[]> {
  if (repository === undefined) return []
  const facts = await api.read(repositoryPath(repository), options)
  return [timeMachine(facts ?? {}), await checkOwnPolicies(api, repository, options)]
}

function timeMachine(facts: Row): DriverCheck {
  const what = 'find the time machine'
  const seconds = facts['tag_expiration_s']
  if (typeof seconds !== 'number')
    return { what, state: 'ok', text: 'it does not say how long removed tags can be restored' }
  if (seconds > 0)
    return {
      what,
      state: 'ok',
      text: `removed tags can be restored for ${Math.round(seconds / 86_400)} days`,
    }
  return {
    what,
    state: 'warning',
    text: 'it is set to 0s, so what is removed cannot be restored',
    cure: 'Set a time under "Time Machine" in the settings of the organization.',
  }
}

/** Quay's own policies delete besides Winnow's, whatever is in use. */
async function checkOwnPolicies(
  api: QuayApi,
  repository: RepositoryName,
  options: RunOptions,
): Promise<DriverCheck> {
  const what = "look for Quay's own policies"
  const organization = encodeURIComponent(repository.split('/', 1)[0] ?? '')
  const paths = [
    `${repositoryPath(repository)}/autoprunepolicy/`,
    `/organization/${organization}/autoprunepolicy/`,
  ]
  let isSeen = false
  for (const path of paths) {
    const response = await api.send('GET', path, options)
    // 404 where the feature is off or the namespace is a person's, 403 where the token may not look.
    if (response.status !== 200) continue
    isSeen = true
    const body = response.json() as { readonly policies?: unknown }
    if (!Array.isArray(body.policies) || body.policies.length === 0) continue
    const text = `Quay deletes tags of ${repository} by policies of its own, whatever is in use`
    return {
      what,
      state: 'warning',
      text,
      cure: 'Remove them in the settings of Quay, or make sure that they agree with yours.',
    }
  }
  return { what, state: 'ok', text: isSeen ? 'none' : 'there are none, or this token may not see them' }
}
