/** What docs/registries/artifact-registry.md demands, asked by reading. */
import { splitProject } from '../../../core/evidence/google-names.ts'
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { InterruptedError, OperationalError } from '../../../core/errors/errors.ts'
import type { DriverCheck } from '../driver.ts'
import { findSources, type ArtifactSource } from './find-sources.ts'
import type { GoogleSession } from './session.ts'

export interface GoogleQuestion {
  readonly session: GoogleSession
  readonly roots: readonly string[] | undefined
  /** One of those that are there; undefined where none was found. */
  readonly repository: RepositoryName | undefined
}

export async function checkGoogle(
  question: GoogleQuestion,
  options: RunOptions,
): Promise<readonly DriverCheck[]> {
  return [await checkLogin(question), checkRoots(question), ...(await checkSource(question, options))]
}

async function checkLogin({ session }: GoogleQuestion): Promise<DriverCheck> {
  const what = 'log in to Google'
  const { credentials, host } = session
  const credential = await credentials.get({ host, path: '' })
  if (credential !== undefined)
    return { what, state: 'ok', text: `with ${credential.origin ?? credentials.name ?? 'what was found'}` }
  return {
    what,
    state: 'warning',
    text: 'no credentials were found, so only what is public can be read, and nothing deleted',
    cure: 'Set GOOGLE_APPLICATION_CREDENTIALS to a service account’s key file, run where workload identity gives Winnow an account, log in with gcloud, or name credentials under auth:.',
  }
}

function checkRoots({ session, roots, repository }: GoogleQuestion): DriverCheck {
  const what = 'know which projects to read'
  const cure = `Write the project into the address:\nurl: ${session.baseUrl}/PROJECT`
  if (roots === undefined)
    return { what, state: 'warning', text: 'none is named, so what the catalog lists is all', cure }
  if (repository !== undefined) return { what, state: 'ok', text: roots.join(', ') }
  return { what, state: 'warning', text: `nothing was found below ${roots.join(', ')}`, cure }
}

/** How the repository of Artifact Registry is set that holds one of ours. */
async function checkSource(
  { session, repository }: GoogleQuestion,
  options: RunOptions,
): Promise<readonly DriverCheck[]> {
  const what = 'ask the Artifact Registry API'
  if (repository === undefined) return []
  const { place } = session
  const { project, rest } = splitProject(repository)
  const root = place?.repository === undefined ? `${project}/${rest.split('/')[0] ?? ''}` : project
  try {
    const api = await session.openApi()
    if (api === undefined) return [noApi(what, session)]
    const [source] = (await findSources(api, session, root, options)) ?? []
    if (source === undefined) return [{ what, state: 'warning', text: `it does not know ${root}` }]
    return [{ what, state: 'ok', text: `${source.resource} is there` }, ...settingsOf(source)]
  } catch (error) {
    if (error instanceof InterruptedError || !(error instanceof OperationalError)) throw error
    const cure =
      'Give the account the role Artifact Registry Reader (roles/artifactregistry.reader). Without the API, repositories are found one request each.'
    return [{ what, state: 'warning', text: error.message, cure }]
  }
}

function noApi(what: string, { place }: GoogleSession): DriverCheck {
  if (place === undefined)
    return { what, state: 'ok', text: 'there is none beside this host; set api: {url: …} where there is' }
  return {
    what,
    state: 'warning',
    text: 'these credentials make no token for it, so repositories are found one request each, and immutable tags are not known beforehand',
    cure: 'Use a service account’s key, application default credentials, or gcloud’s login.',
  }
}

function settingsOf(source: ArtifactSource): readonly DriverCheck[] {
  const { names, hasImmutableTags, cleanupRules, onlyTriesCleanup, mode } = source
  const checks: DriverCheck[] = []
  if (mode !== 'standard')
    checks.push({
      what: 'hold images',
      state: 'warning',
      text: `${names} is a ${mode} repository`,
      cure: 'Winnow manages standard repositories; point url: at the one that images are pushed to.',
    })
  if (hasImmutableTags)
    checks.push({
      what: 'remove tags',
      state: 'warning',
      text: `tags in ${names} are immutable, so only untagged images can be deleted`,
      cure: 'Switch immutable tags off (gcloud artifacts repositories update REPOSITORY --no-immutable-tags), or let a policy speak of untagged images alone.',
    })
  if (cleanupRules > 0 && !onlyTriesCleanup)
    checks.push({
      what: 'delete alone',
      state: 'warning',
      text: `${names} has ${cleanupRules} cleanup policies of its own, which delete about once a day, whatever is in use`,
      cure: 'Let one of the two delete: remove them, or set them to a dry run (gcloud artifacts repositories set-cleanup-policies REPOSITORY --dry-run).',
    })
  return checks
}
