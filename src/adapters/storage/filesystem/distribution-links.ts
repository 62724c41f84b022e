/**
 * What the links of repositories on disk say (Distribution layout `v2`), read synchronously and packed.
 *
 * Every folder that has one of the layout's own folders in it is a repository, whatever its name: marking too much is
 * safe. Of one whose name no registry serves nothing but its links is told, and where it is. A symbolic link to a folder is not followed, and not passed over either: what it would have marked is unknown,
 * so the run ends.
 */
import { existsSync } from 'node:fs'
import { parseRepositoryName } from '../../../core/image/names.ts'
import { joinBytes } from '../../../core/sweep/join-bytes.ts'
import { algorithms, digestBytes } from '../../../core/sweep/reference-record.ts'
import type { RepositoryLinks } from '../../../ports/readable-layout.ts'
import { remainsOf } from './distribution-remains.ts'
import { notAFolder } from './link-target.ts'
import { packedOf, RepositoryLook } from './repository-look.ts'
import { entriesIn } from './scan-files.ts'
import { packEntry, type TreeEntry } from './tree-entry.ts'
import type { TreeMemory } from './tree-memory.ts'
import { scanUploads } from './upload-folders.ts'

export interface ScannedRepositories {
  /** Entries of repositories with manifests and nothing out of the ordinary (`linksOf`). */
  readonly entries: Uint8Array
  /** The same of those that are as the memory has them, and their numbers there. */
  readonly keptEntries: Uint8Array
  readonly kept: readonly number[]
  /** All other repositories. */
  readonly others: readonly RepositoryLinks[]
  /** Folders that were found and not looked into yet. */
  readonly pending: readonly string[]
  /** Outermost folders that can be no repository, below `base`. */
  readonly strays: readonly string[]
}

export interface RepositoryFolders {
  /** An absolute path. */
  readonly base: string
  /** Folders below it; '' for itself. */
  readonly names: readonly string[]
  readonly repositoriesMax: number
}

/** What a plan need not look at; what acts has neither. */
export interface Beliefs {
  readonly memory: TreeMemory | undefined
  /** Links to which blobs need no look (stored-starts.ts). */
  readonly stored: Uint32Array | undefined
}

/** Looks into folders, and into what lies in them, until `repositoriesMax` repositories were read. */
export function scanRepositories(
  { base, names, repositoriesMax }: RepositoryFolders,
  { memory, stored }: Beliefs,
): ScannedRepositories {
  const scanned = {
    entries: [] as Uint8Array[],
    keptEntries: [] as Uint8Array[],
    kept: [] as number[],
    others: [] as RepositoryLinks[],
    strays: [] as string[],
  }
  const pending = [...names]
  let repositories = 0
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const folder = name === '' ? base : `${base}/${name}`
    const known = memory?.find(name)
    if (known !== undefined && isAsItWas(folder, known.entry)) {
      scanned.keptEntries.push(known.entry.whole)
      scanned.kept.push(known.place)
      const within = childrenOf(known.entry).map((child) => `${name}/${child}`)
      pending.push(...within)
      scanned.strays.push(...within.filter(isStray))
      repositories += 1
    } else {
      const look = new RepositoryLook(folder, stored)
      const { own, children } = ownAndChildren(look.watch(''))
      const within = children.map((child) => (name === '' ? child : `${name}/${child}`))
      pending.push(...within)
      // A repository without a name is none, whatever its folders are called.
      const unnamed = name === '' ? [...own] : []
      if (name === '' || isRepositoryName(name)) scanned.strays.push(...unnamed, ...within.filter(isStray))
      if (own.size === 0) continue
      repositories += 1
      const links = readLinks(look, { folder, repository: name, own, children })
      if (links instanceof Uint8Array) scanned.entries.push(links)
      else scanned.others.push(links)
    }
    if (repositories >= repositoriesMax) break
  }
  const { entries, keptEntries, kept, others, strays } = scanned
  return { entries: joinBytes(entries), keptEntries: joinBytes(keptEntries), kept, others, pending, strays }
}

function isRepositoryName(name: string): boolean {
  return parseRepositoryName(name) !== undefined
}

function isStray(name: string): boolean {
  return !isRepositoryName(name)
}

/** A registry serves no repository of such a name within another, so any other folder with `_` may hold links as well. */
const ownFolders: ReadonlySet<string> = new Set(['_manifests', '_layers', '_uploads'])

interface Found {
  /** Names of the layout's own folders in it. */
  readonly own: ReadonlySet<string>
  /** Names of other folders. */
  readonly children: readonly string[]
}

function ownAndChildren(folder: string): Found {
  const own = new Set<string>()
  const children: string[] = []
  for (const entry of entriesIn(folder) ?? []) {
    if (entry.isFile()) continue
    if (!entry.isDirectory()) throw notAFolder(`${folder}/${entry.name}`)
    if (ownFolders.has(entry.name)) own.add(entry.name)
    else children.push(entry.name)
  }
  return { own, children }
}

function readLinks(
  look: RepositoryLook,
  { folder, repository, own, children }: Found & { readonly folder: string; readonly repository: string },
): RepositoryLinks | Uint8Array {
  if (own.has('_manifests')) {
    look.readRevisions()
    look.readTags()
  }
  if (own.has('_layers')) look.readLayers()
  const isServed = isRepositoryName(repository)
  const uploads = isServed && own.has('_uploads') ? scanUploads(look.watch('_uploads')) : []
  const { roots, layers, deleted, aliases, holdsManifests, isPlain } = look
  if (isServed && isPlain && holdsManifests && uploads.length === 0) {
    return packEntry({
      key: repository,
      words: JSON.stringify({ watched: look.watched, children }),
      facts: look.facts.packed(),
      isSettled: look.facts.areSettled,
      parts: [...roots.parts(), ...layers.parts(), ...deleted.parts()],
    })
  }
  const links = {
    repository,
    roots: roots.packed(),
    layers: layers.packed(),
    deletedManifests: deleted.packed(),
    aliases,
    uploads,
  }
  // What can be no repository may be somebody else's: nothing of it is told that would let it be removed.
  return holdsManifests || !isServed ? links : { ...links, remains: remainsOf(folder, children.length > 0) }
}

/** What an entry of a repository says. */
export function linksOf(entry: TreeEntry): RepositoryLinks {
  return {
    repository: entry.key,
    roots: packedOf(partsOf(entry, ROOTS)),
    layers: packedOf(partsOf(entry, LAYERS)),
    deletedManifests: packedOf(partsOf(entry, DELETED)),
    aliases: [],
    uploads: [],
  }
}

/** Where the parts of an entry begin; each has one for each algorithm. */
const [ROOTS, LAYERS, DELETED] = [0, algorithms.length, 2 * algorithms.length]

function partsOf(entry: TreeEntry, first: number): readonly Buffer[] {
  return algorithms.map((_, i) => entry.part(first + i))
}

interface EntryWords {
  readonly watched: readonly string[]
  readonly children: readonly string[]
}

function childrenOf(entry: TreeEntry): readonly string[] {
  return (JSON.parse(entry.words) as EntryWords).children
}

/** Whether the same manifests are linked and deleted, and no folder of links was changed. */
function isAsItWas(folder: string, entry: TreeEntry): boolean {
  const { watched } = JSON.parse(entry.words) as EntryWords
  return (
    entry.areUnchanged(watched.map((name) => (name === '' ? folder : `${folder}/${name}`))) &&
    areLinked(folder, partsOf(entry, ROOTS), true) &&
    areLinked(folder, partsOf(entry, DELETED), false)
  )
}

/** Whether each of these manifests is linked, or none of them. */
function areLinked(folder: string, parts: readonly Buffer[], isWanted: boolean): boolean {
  for (const { algorithm, bytes } of packedOf(parts)) {
    const width = digestBytes[algorithm]
    const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let at = 0; at < bytes.length; at += width) {
      const hex = all.toString('hex', at, at + width)
      if (existsSync(`${folder}/_manifests/revisions/${algorithm}/${hex}/link`) !== isWanted) return false
    }
  }
  return true
}
