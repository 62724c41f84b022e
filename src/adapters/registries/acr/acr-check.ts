/** What `winnow doctor` looks at beyond what every registry is asked: the login, hidden manifests, soft deletion. */
import { UnauthorizedError } from '../../http/http-errors.ts'
import type { RepositoryName } from '../../../core/image/names.ts'
import { counted } from '../../../core/words/counted.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { DriverCheck } from '../driver.ts'
import type { AcrApi } from './acr-api.ts'

export async function checkAcr(
  api: AcrApi,
  repository: RepositoryName | undefined,
  options: RunOptions,
): Promise<readonly DriverCheck[]> {
  const checks = repository === undefined ? [] : [await checkLists(api, repository, options)]
  return [...checks, await checkBin(api, options)]
}

async function checkLists(
  api: AcrApi,
  repository: RepositoryName,
  options: RunOptions,
): Promise<DriverCheck> {
  const what = `count what ${repository} hides`
  const tags = (await api.tags(repository, options)) ?? []
  const manifests = (await api.manifests(repository, options)) ?? []
  const counts = await api.counts(repository, options)
  const listed = `${counted(manifests.length, 'manifest')}, ${counted(tags.length, 'tag')}`
  if (counts === undefined || (counts.manifests <= manifests.length && counts.tags <= tags.length))
    return { what, state: 'ok', text: listed }
  return {
    what,
    state: 'warning',
    text: `${listed} are listed, of ${counts.manifests} and ${counts.tags}`,
    cure: 'Something is hidden from lists (listEnabled: false), or was pushed this moment. Parts of a hidden index look like untagged images: show it again with az acr repository update --list-enabled true.',
  }
}

async function checkBin(api: AcrApi, options: RunOptions): Promise<DriverCheck> {
  const what = 'look for soft deletion'
  const kept = await api.binned(options).catch((error: unknown) => {
    // Seeing it takes a right of its own, which nothing else needs.
    if (error instanceof UnauthorizedError) return undefined
    throw error
  })
  if (kept === undefined || kept === 0)
    return {
      what,
      state: 'ok',
      text: 'nothing kept by it is seen; an undo pushes saved manifests, as long as their layers are there',
    }
  return {
    what,
    state: 'ok',
    text: `it keeps deletions of ${counted(kept, 'repository', 'repositories')}; what it keeps is put back with az acr manifest restore, not by winnow undo`,
  }
}
