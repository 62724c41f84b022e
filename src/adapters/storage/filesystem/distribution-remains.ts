/** What is left of a repository that has no manifest and no tag any more. */
import type { RepositoryRemains } from '../../../ports/readable-layout.ts'
import { namesIn, pathFacts } from './scan-files.ts'

/** Keys are relative to `folder`; uploads and nested repositories are left out. */
export function remainsOf(folder: string, holdsOthers: boolean): RepositoryRemains {
  const keys: string[] = []
  let newestAt = 0
  const visit = (name: string): void => {
    const path = name === '' ? folder : `${folder}/${name}`
    const facts = pathFacts(path)
    if (facts === undefined) return
    // The time of a folder that holds other repositories changes with them.
    if (!(name === '' && holdsOthers)) newestAt = Math.max(newestAt, facts.modifiedAt)
    if (facts.kind !== 'folder') keys.push(name)
    else
      for (const child of namesIn(path) ?? [])
        if (isOwn(name, child)) visit(name === '' ? child : `${name}/${child}`)
  }
  visit('')
  return { folder, keys, newestAt, holdsOthers }
}

function isOwn(parent: string, child: string): boolean {
  // Any other folder is another repository's, or no registry's.
  return parent !== '' || child === '_manifests' || child === '_layers'
}
