/** What `winnow doctor` asks of AWS beyond what it asks of every registry: each right by itself, changing nothing. */
import { InterruptedError, OperationalError } from '../../../core/errors/errors.ts'
import { parseDigest } from '../../../core/image/digest.ts'
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { DriverCheck } from '../driver.ts'
import type { AwsApi, AwsOperation } from './api.ts'

/** Nobody's: asking for it shows whether one may ask. */
const NOBODYS = parseDigest(`sha256:${'0'.repeat(64)}`)

export async function checkRights(
  api: AwsApi,
  apiName: (repository: RepositoryName, options: RunOptions) => Promise<string | undefined>,
  repository: RepositoryName | undefined,
  options: RunOptions,
): Promise<readonly DriverCheck[]> {
  const checks = [await check(api, 'log in for layers', 'GetAuthorizationToken', {}, options)]
  const repositoryName = repository && (await nameOrNone(apiName, repository, options))
  if (repositoryName === undefined) return checks
  const image = { repositoryName, imageIds: [{ imageDigest: NOBODYS }] }
  checks.push(await check(api, 'read tags and times', 'DescribeImages', image, options))
  if (!api.place.isPublic) checks.push(await check(api, 'read manifests', 'BatchGetImage', image, options))
  return checks
}

async function check(
  api: AwsApi,
  what: string,
  operation: AwsOperation,
  input: object,
  options: RunOptions,
): Promise<DriverCheck> {
  try {
    await api.call(operation, input, options)
    return { what, state: 'ok', text: `${api.action(operation)}, as ${api.identity}` }
  } catch (error) {
    if (!(error instanceof OperationalError) || error instanceof InterruptedError) throw error
    return { what, state: 'failed', text: error.message, cure: error.hint }
  }
}

/** That it cannot be looked up is what another check says. */
async function nameOrNone(
  apiName: (repository: RepositoryName, options: RunOptions) => Promise<string | undefined>,
  repository: RepositoryName,
  options: RunOptions,
): Promise<string | undefined> {
  try {
    return await apiName(repository, options)
  } catch (error) {
    if (!(error instanceof OperationalError) || error instanceof InterruptedError) throw error
    return undefined
  }
}
