/**
 * What the links of a storage say, from one flat listing of it.
 *
 * A link that the listing knows the MD5 of is not read where its content follows: a link that repeats its path, a tag
 * that points to a manifest linked beside it. Everything else is read, and what cannot be read ends the run.
 */
import type { Digest } from '../../../core/image/digest.ts'
import { parseRepositoryKey } from '../../../core/sweep/distribution-keys.ts'
import { outermostStray, strayWarning } from '../../../core/sweep/stray-folders.ts'
import type { ListableStore, ListedFile } from '../../../ports/listable-store.ts'
import type { RepositoryLinks } from '../../../ports/readable-layout.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { mapParallel } from '../oci/parallel.ts'
import { repositoriesFolder } from './layout.ts'
import { ListedRepository, md5OfLink, startLogs, type ListedLogs } from './listed-repository.ts'
import type { Source } from './read-content.ts'
import { readListedLink } from './read-listed-link.ts'

const READS_AT_ONCE = 64
/** Tags that must be read are read for so many repositories together. */
const REPOSITORIES_AT_ONCE = 256
const PREFIX = `${repositoriesFolder}/`

export interface ListedSource extends Source {
  readonly store: ListableStore
}

export async function readListedLinks(
  source: ListedSource,
  visit: (links: RepositoryLinks) => void,
  options: RunOptions | undefined,
): Promise<void> {
  const listing = new Listing()
  for await (const batch of source.store.listAll(PREFIX, options)) {
    const unread = batch.flatMap((file) => listing.note(file) ?? [])
    await mapParallel(unread, READS_AT_ONCE, (link) => readUnread(source, link, options))
  }
  const text = strayWarning(listing.strays)
  if (text !== undefined) options?.onEvent?.({ kind: 'warning', text })
  for (let at = 0; at < listing.repositories.length; at += REPOSITORIES_AT_ONCE) {
    const some = listing.repositories.slice(at, at + REPOSITORIES_AT_ONCE)
    const unread = some.flatMap(unreadTags)
    await mapParallel(unread, READS_AT_ONCE, (link) => readUnread(source, link, options))
    for (const repository of some) visit(repository.links(listing.holdsOthers(repository.name)))
  }
}

/** A link whose content must be looked at. */
interface UnreadLink {
  readonly kind: 'revision' | 'layer' | 'tag'
  readonly repository: ListedRepository
  readonly key: string
  /** What its path says. */
  readonly digest: Digest | undefined
}

class Listing {
  readonly repositories: ListedRepository[] = []
  /** Folders that can be no repository. */
  readonly strays = new Set<string>()
  readonly #byName = new Map<string, ListedRepository>()
  readonly #logs: ListedLogs = startLogs()
  /** Names with a repository somewhere below them. */
  readonly #parents = new Set<string>()

  /** Notes what a file says by its name and its MD5; a link that says more is given back. */
  note(file: ListedFile): UnreadLink | undefined {
    const path = file.key.slice(PREFIX.length)
    const parsed = parseRepositoryKey(path)
    const repository = parsed && this.#repository(parsed.repository)
    if (repository?.isNamed !== true) this.#noteStray(path)
    // A file beside the folders of repositories: no registry reads it.
    if (parsed === undefined || repository === undefined) return undefined
    const { key, modifiedAt } = file
    switch (parsed.kind) {
      case 'revision':
      case 'layer': {
        const { kind, digest } = parsed
        if (digest === undefined || !saysNoMore(file, digest)) return { kind, repository, key, digest }
        if (kind === 'revision') repository.addRoot(digest)
        else repository.addLayer(digest, modifiedAt)
        return undefined
      }
      case 'tag':
        if (file.md5 === undefined) return { kind: 'tag', repository, key, digest: undefined }
        repository.addTag(parsed.tag, file.md5)
        return undefined
      case 'upload':
        repository.addUpload(key, modifiedAt)
        return undefined
      case 'other':
        repository.addOther(key, modifiedAt)
        return undefined
    }
  }

  holdsOthers(name: string): boolean {
    return this.#parents.has(name)
  }

  #noteStray(path: string): void {
    const stray = outermostStray(path.split('/').slice(0, -1))
    if (stray !== undefined) this.strays.add(`${PREFIX}${stray}`)
  }

  #repository(name: string): ListedRepository {
    const known = this.#byName.get(name)
    if (known !== undefined) return known
    const repository = new ListedRepository(name, this.#logs)
    this.#byName.set(name, repository)
    this.repositories.push(repository)
    for (let end = name.lastIndexOf('/'); end > 0; end = name.lastIndexOf('/', end - 1)) {
      this.#parents.add(name.slice(0, end))
    }
    return repository
  }
}

/** Whether a link in the folders of a digest repeats it; an empty one does, for a registry is about to write it. */
function saysNoMore({ sizeBytes, md5 }: ListedFile, digest: Digest): boolean {
  return sizeBytes === 0 || md5?.toLowerCase() === md5OfLink(digest)
}

function unreadTags(repository: ListedRepository): readonly UnreadLink[] {
  return repository.tagsToRead().map((tag) => {
    const key = `${repository.folder}/_manifests/tags/${tag}/current/link`
    return { kind: 'tag', repository, key, digest: undefined }
  })
}

async function readUnread(
  source: ListedSource,
  { kind, repository, key, digest }: UnreadLink,
  options: RunOptions | undefined,
): Promise<void> {
  const link = await readListedLink(source, key, { mayBeEmpty: digest !== undefined }, options)
  // Removed since it was listed: whoever did that no longer needs it.
  if (link === undefined) return
  const target = link.target ?? digest
  if (kind !== 'layer') {
    // Both count, and a manifest that is marked in vain only stays.
    for (const root of [target, digest]) if (root !== undefined) repository.addRoot(root)
    return
  }
  const { modifiedAt } = link
  if (digest !== undefined) repository.addLayer(digest, modifiedAt)
  else if (target !== undefined) repository.addOddLayer(key, target, modifiedAt)
  if (digest !== undefined && target !== undefined && target !== digest) {
    repository.addAlias({ path: digest, target, modifiedAt })
  }
}
