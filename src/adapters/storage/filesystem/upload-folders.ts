/** Uploads that were begun and not ended, as they lie in a repository on disk. */
import type { UploadFolder } from '../../../ports/readable-layout.ts'
import { namesIn, pathFacts } from './scan-files.ts'

/** Keys are relative to `folder`. */
export function scanUploads(folder: string): readonly UploadFolder[] {
  return (namesIn(folder) ?? []).flatMap((name) => {
    const upload = uploadIn(`${folder}/${name}`, '')
    return upload === undefined ? [] : [{ folder: name, ...upload }]
  })
}

/** Files below an upload's folder, with the newest time among them. */
function uploadIn(path: string, name: string): Omit<UploadFolder, 'folder'> | undefined {
  const facts = pathFacts(path)
  if (facts === undefined) return undefined
  if (facts.kind !== 'folder') return { keys: [name], newestAt: facts.modifiedAt }
  const below = (namesIn(path) ?? []).flatMap(
    (child) => uploadIn(`${path}/${child}`, name === '' ? child : `${name}/${child}`) ?? [],
  )
  return {
    keys: below.flatMap(({ keys }) => keys),
    newestAt: below.length === 0 ? facts.modifiedAt : Math.max(...below.map(({ newestAt }) => newestAt)),
  }
}
