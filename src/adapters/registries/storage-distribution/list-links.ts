/**
 * The tags and manifests of a repository, as its links say. Folder names come from disk and are taken for nothing but
 * what they spell: a name that is no tag, or no digest, is a fault of the repository, because nobody can say what hangs
 * on it.
 */
import pLimit from 'p-limit'
import type { Digest } from '../../../core/image/digest.ts'
import { parseTagName, type RepositoryName, type TagName } from '../../../core/image/names.ts'
import type { InstantMs } from '../../../core/inventory/inventory.ts'
import type { StoreEntry } from '../../../ports/readable-blob-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { quoted, type Findings } from './findings.ts'
import { currentLink, digestOfFolders, revisionLink, revisionsFolder, tagsFolder } from './layout.ts'
import { readLink, type Source } from './read-content.ts'

/** Links are small; this many reads keep a disk busy. */
const LINKS_AT_ONCE = 32

export interface TagLink {
  readonly name: TagName
  readonly target: Digest
  readonly pushedAt: InstantMs
}

export interface RevisionLink {
  /** What the path says. */
  readonly digest: Digest
  /** Another digest, when the link's content names one. */
  readonly alias: Digest | undefined
  readonly pushedAt: InstantMs
}

/** Every tag that points somewhere. A tag's folder without a current link is a tag that was removed. */
export async function listTagLinks(
  source: Source,
  repository: RepositoryName,
  findings: Findings,
  options: RunOptions | undefined,
): Promise<readonly TagLink[]> {
  const entries = (await source.store.list(tagsFolder(repository), options)) ?? []
  const names = entries.filter(isNoFile).flatMap(({ kind, name }) => {
    const tag = kind === 'folder' ? parseTagName(name) : undefined
    if (tag === undefined)
      findings.fault(`${quoted(`${tagsFolder(repository)}/${name}`)} is no tag; it was not followed.`)
    return tag === undefined ? [] : [tag]
  })
  return readEach(names, async (name) =>
    findings.attempt(async () => {
      const link = await readLink(source, currentLink(repository, name), { mayBeEmpty: false }, options)
      return link?.target && { name, target: link.target, pushedAt: link.modifiedAt }
    }),
  )
}

/** Every manifest that is linked. A revision's folder without a link is a manifest that was deleted. */
export async function listRevisionLinks(
  source: Source,
  repository: RepositoryName,
  findings: Findings,
  options: RunOptions | undefined,
): Promise<readonly RevisionLink[]> {
  const digests = await listRevisionFolders(source, repository, findings, options)
  return readEach(digests, async (digest) =>
    findings.attempt(async () => {
      const link = await readLink(source, revisionLink(repository, digest), { mayBeEmpty: true }, options)
      if (link === undefined) return undefined
      return { digest, alias: link.target === digest ? undefined : link.target, pushedAt: link.modifiedAt }
    }),
  )
}

async function listRevisionFolders(
  source: Source,
  repository: RepositoryName,
  findings: Findings,
  options: RunOptions | undefined,
): Promise<readonly Digest[]> {
  const folder = revisionsFolder(repository)
  const digests: Digest[] = []
  for (const algorithm of ((await source.store.list(folder, options)) ?? []).filter(isNoFile)) {
    const inside = (await source.store.list(`${folder}/${algorithm.name}`, options)) ?? []
    for (const { name, kind } of inside.filter(isNoFile)) {
      const isReal = kind === 'folder' && algorithm.kind === 'folder'
      const digest = isReal ? digestOfFolders(algorithm.name, name) : undefined
      if (digest !== undefined) digests.push(digest)
      else
        findings.fault(`${quoted(`${folder}/${algorithm.name}/${name}`)} is no digest; it was not followed.`)
    }
  }
  return digests
}

// Files beside the folders are leftovers of editors and file servers; the layout has none there.
function isNoFile({ kind }: StoreEntry): boolean {
  return kind !== 'file'
}

async function readEach<In, Out>(
  all: readonly In[],
  read: (one: In) => Promise<Out | undefined>,
): Promise<readonly Out[]> {
  const limit = pLimit(LINKS_AT_ONCE)
  const results = await Promise.all(all.map((one) => limit(() => read(one))))
  return results.filter((result) => result !== undefined)
}
