/**
 * CNCF Distribution: which of its lines this is, found out by reading only.
 *
 * Both lines send the same version header and differ in what matters: 3.x deletes single tags, 2.8 reads the tag as a
 * digest and refuses. A page size that is no number tells them apart: 2.8 passes it over, 3.x refuses it with 400. (A
 * negative one would as well, but there are registries whose server breaks on it.)
 */
import { InterruptedError, OperationalError } from '../../../core/errors/errors.ts'
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { hasCode } from '../oci/answers.ts'
import { catalogScopes, pullScopes, type OciConnection } from '../oci/connection.ts'
import type { RegistryTraits } from '../oci/traits.ts'

const common = { protectsChildren: false, pageSizeMax: 1000 }
const distribution2: RegistryTraits = { ...common, product: 'CNCF Distribution 2', deleteByTag: false }
const distribution3: RegistryTraits = { ...common, product: 'CNCF Distribution 3', deleteByTag: true }

/**
 * The line, by one harmless request. Where its answer does not tell, or none comes, it is taken for 2.8, which is trusted
 * with less; what is wrong with the registry shows in what is asked next.
 *
 * @throws InterruptedError
 */
export async function recogniseLine(
  connection: OciConnection,
  repository: RepositoryName | undefined,
  options?: RunOptions,
): Promise<RegistryTraits> {
  const asked = repository === undefined ? '_catalog' : `${repository}/tags/list`
  const scopes = repository === undefined ? catalogScopes : pullScopes(repository)
  try {
    const response = await connection.get(`${asked}?n=many`, scopes, 'application/json', options)
    return response.status === 400 && hasCode(response, 'PAGINATION_NUMBER_INVALID')
      ? distribution3
      : distribution2
  } catch (error) {
    if (!(error instanceof OperationalError) || error instanceof InterruptedError) throw error
    return distribution2
  }
}
