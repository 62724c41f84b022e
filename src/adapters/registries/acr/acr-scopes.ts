/**
 * What a token is asked to allow: one repository and what is about to be done there, never the wildcard, which registries
 * with permissions by repository (ABAC) answer with a token that allows nothing.
 */
import type { RepositoryName } from '../../../core/image/names.ts'
import type { HttpClient } from '../../http/http-types.ts'

export const catalogScopes: readonly string[] = ['registry:catalog:*']
/** Lists what soft deletion has kept. */
export const binScopes: readonly string[] = ['registry:deleted_catalog:*']

/** Reading manifests and blobs, and the lists with their times and locks: one token does for both. */
export function readScopes(repository: RepositoryName): readonly string[] {
  return [`repository:${repository}:pull,metadata_read`]
}

export function deleteScopes(repository: RepositoryName): readonly string[] {
  return [`repository:${repository}:delete`]
}

/** The client, asking for `readScopes` where the distribution API alone would ask to pull: half as many tokens. */
export function withReadScopes(http: HttpClient): HttpClient {
  return {
    request: (request, options) =>
      http.request(
        request.scopes === undefined ? request : { ...request, scopes: request.scopes.map(wider) },
        options,
      ),
    get stats() {
      return http.stats
    },
    close: () => http.close(),
  }
}

function wider(scope: string): string {
  return scope.startsWith('repository:') && scope.endsWith(':pull') ? `${scope},metadata_read` : scope
}
