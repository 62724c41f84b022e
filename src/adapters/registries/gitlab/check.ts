/** What GitLab needs beyond what every registry needs: its own list for times, and sight of the rules that protect tags. */
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { DriverCheck } from '../driver.ts'
import type { Protection } from './protection.ts'
import type { Surfaces } from './surfaces.ts'

export async function checkGitLab(
  { hasOwnList, apiUrl }: Surfaces,
  protection: Protection,
  repository: RepositoryName | undefined,
  options: RunOptions,
): Promise<readonly DriverCheck[]> {
  const times: DriverCheck = hasOwnList
    ? { what: 'read upload times', state: 'ok', text: 'by the registry’s own list' }
    : {
        what: 'read upload times',
        state: 'warning',
        text: 'this registry keeps no metadata in a database, so it tells none; ages are those of builds',
        cure: 'Switch on the metadata database of the container registry (GitLab 17.3 and later), or use rules by build time.',
      }
  if (repository === undefined) return [times]
  const what = 'read which tags are protected'
  const rules = await protection.of(repository, options)
  if (rules.kind === 'rules') {
    const text = rules.count === 1 ? '1 rule' : `${rules.count} rules`
    return [times, { what, state: 'ok', text }]
  }
  const cure = `Give Winnow a token with the scope read_api, as in api: {auth: {tokenEnv: GITLAB_TOKEN}}; it is sent to ${apiUrl}.`
  return [times, { what, state: 'warning', text: rules.why, cure }]
}
