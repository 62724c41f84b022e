/**
 * What a sweep of a Distribution storage may take, worked out a second time: slowly, from the written rules alone
 * (DESIGN section 8 and the protocol in the notes on garbage collection), and without a line of `src/`.
 *
 * Roots are linked revisions and the current target of every tag. A link counts for what its path says and for what its
 * content says. Whatever a root reaches stays: configuration, layers, children of an index, and those of the
 * children, linked or not. What nothing reaches is garbage, unless it is young, or a young layer link leases it.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { at, digestOf } from './trees.ts'

export interface Judgement {
  /** What must stay, and how it is reached. */
  readonly live: ReadonlyMap<string, string>
  /** Live, and its bytes are nowhere: broken before anybody swept. */
  readonly missing: ReadonlySet<string>
  /** May go now. */
  readonly garbage: ReadonlySet<string>
  /**
   * Nothing needs them, and a sweep may keep them all the same: what is reached only from a subject that is linked nowhere
   * itself, of something that is linked; and what a needed digest stands for in another repository than the one that
   * needs it, where no registry would look.
   */
  readonly mayStay: ReadonlySet<string>
  /** Nothing reaches them, and they may not be touched yet. */
  readonly young: ReadonlySet<string>
  readonly leased: ReadonlySet<string>
  /** Layer links without bytes. */
  readonly danglingLinks: readonly string[]
  /** Repositories in which nothing is linked at all. */
  readonly emptyRepositories: readonly string[]
  /** Why a sweep must stop before it touches anything. */
  readonly obstacles: readonly string[]
  readonly manifests: readonly { readonly repository: string; readonly digest: string }[]
  readonly tags: readonly {
    readonly repository: string
    readonly tag: string
    readonly digest: string
  }[]
}

interface Link {
  readonly key: string
  readonly named: string
  readonly content: string
  readonly changedAt: number
}

interface Repository {
  readonly name: string
  readonly layers: readonly Link[]
  readonly revisions: readonly Link[]
  readonly tags: readonly { readonly tag: string; readonly content: string }[]
}

const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/

/** `graceMs` as `--grace`; the fence is now minus that. */
export function judge(root: string, graceMs: number, now = Date.now()): Judgement {
  const fence = now - graceMs
  const repositories = findRepositories(join(root, at.repositories)).map((name) => readRepository(root, name))
  const obstacles: string[] = []
  const walk = { live: new Map<string, string>(), subjects: new Set<string>(), obstacles }
  for (const repository of repositories) {
    for (const { digest, way } of rootsOf(repository, obstacles)) reach(root, repository, digest, way, walk)
  }
  const viaSubjects = reachSubjects(root, repositories, walk.subjects)
  const stored = listBlobs(root)
  const unreached = [...stored].filter(([digest]) => !walk.live.has(digest))
  const leases = new Set(
    repositories
      .flatMap(({ layers }) => layers)
      .filter(({ changedAt }) => changedAt > fence)
      .flatMap(({ named, content }) => [named, content]),
  )
  const young = unreached.filter(([, changedAt]) => changedAt > fence).map(([digest]) => digest)
  const leased = unreached.map(([digest]) => digest).filter((digest) => leases.has(digest))
  const held = new Set([...young, ...leased])
  const viaOthers = standInsElsewhere(repositories, new Set([...walk.live.keys(), ...viaSubjects]))
  const mayStay = unreached
    .map(([digest]) => digest)
    .filter((digest) => (viaSubjects.has(digest) || viaOthers.has(digest)) && !held.has(digest))
  for (const digest of mayStay) held.add(digest)
  return {
    live: walk.live,
    missing: new Set([...walk.live.keys()].filter((digest) => isBlobGone(digest, stored, repositories))),
    garbage: new Set(unreached.map(([digest]) => digest).filter((digest) => !held.has(digest))),
    mayStay: new Set(mayStay),
    young: new Set(young),
    leased: new Set(leased),
    danglingLinks: repositories
      .flatMap(({ layers }) => layers)
      .filter((link) => !stored.has(link.content) && !stored.has(link.named))
      .map(({ key }) => key),
    emptyRepositories: repositories.filter(isEmpty).map(({ name }) => name),
    obstacles,
    manifests: repositories.flatMap(({ name, revisions }) =>
      revisions.map(({ named }) => ({ repository: name, digest: named })),
    ),
    tags: repositories.flatMap(({ name, tags }) =>
      tags.map(({ tag, content }) => ({ repository: name, tag, digest: content })),
    ),
  }
}

/** From a signature to what it signed, though nobody links that any more; and on from there. */
function reachSubjects(
  root: string,
  repositories: readonly Repository[],
  subjects: ReadonlySet<string>,
): ReadonlySet<string> {
  const walk = { live: new Map<string, string>(), subjects: new Set(subjects), obstacles: [] }
  // A set that grows while it is gone through gives out what was added too.
  for (const subject of walk.subjects) {
    for (const repository of repositories) reach(root, repository, subject, `subject ${subject}`, walk)
  }
  return new Set(walk.live.keys())
}

/** What layer links of any repository say that `reached` digests are stored as. */
function standInsElsewhere(
  repositories: readonly Repository[],
  reached: ReadonlySet<string>,
): ReadonlySet<string> {
  const links = repositories.flatMap(({ layers }) => layers)
  return new Set(links.filter(({ named }) => reached.has(named)).map(({ content }) => content))
}

function isEmpty({ layers, revisions, tags }: Repository): boolean {
  return layers.length + revisions.length + tags.length === 0
}

/** An alias is not stored under its own name; what its link leads to is. */
function isBlobGone(
  digest: string,
  stored: ReadonlyMap<string, number>,
  repositories: readonly Repository[],
): boolean {
  const leadsOn = repositories
    .flatMap(({ layers, revisions }) => [...layers, ...revisions])
    .some(({ named, content }) => named === digest && stored.has(content))
  return !stored.has(digest) && !leadsOn
}

function rootsOf(
  { name, revisions, tags }: Repository,
  obstacles: string[],
): { readonly digest: string; readonly way: string }[] {
  const roots: { digest: string; way: string }[] = []
  for (const { key, named, content } of revisions) {
    roots.push({ digest: named, way: `${name}@${named}` })
    // An empty link is one that is being written: its path tells the digest.
    if (DIGEST.test(content)) roots.push({ digest: content, way: `${name}@${named}, by content` })
    else if (content !== '') obstacles.push(`${key} names no digest`)
  }
  for (const { tag, content } of tags) {
    if (DIGEST.test(content)) roots.push({ digest: content, way: `${name}:${tag}` })
    else obstacles.push(`${name}:${tag} points at no digest`)
  }
  return roots
}

interface Walk {
  readonly live: Map<string, string>
  readonly subjects: Set<string>
  readonly obstacles: string[]
  /** What this repository has led to already; never shared between repositories. */
  readonly seen?: Set<string>
}

function reach(root: string, repository: Repository, digest: string, way: string, walk: Walk): void {
  const seen = walk.seen ?? new Set<string>()
  if (seen.has(digest)) return
  seen.add(digest)
  walk.live.set(digest, way)
  const bytes = readBlob(root, digest)
  if (bytes === undefined) return
  if (digestOf(bytes, digest.startsWith('sha512') ? 'sha512' : 'sha256') !== digest) {
    walk.obstacles.push(`${way}: the bytes are not those of ${digest}`)
    return
  }
  const { named, manifests, subject } = referencesOf(bytes)
  if (subject !== undefined) walk.subjects.add(subject)
  for (const blob of named) {
    walk.live.set(blob, `${way} > ${blob}`)
    for (const link of repository.layers)
      if (link.named === blob) walk.live.set(link.content, `${way} > ${blob}`)
  }
  for (const child of manifests) reach(root, repository, child, `${way} > ${child}`, { ...walk, seen })
}

interface Named {
  readonly digest: string
}

interface DocumentLike {
  readonly config?: Named
  readonly layers?: readonly Named[]
  readonly blobs?: readonly Named[]
  readonly manifests?: readonly Named[]
  readonly subject?: Named
}

/** Children may be layers (a build cache lists them there): then they simply name nothing further. */
function referencesOf(bytes: Buffer): {
  readonly named: readonly string[]
  readonly manifests: readonly string[]
  readonly subject: string | undefined
} {
  let document: DocumentLike
  try {
    document = JSON.parse(bytes.toString('utf8')) as DocumentLike
  } catch {
    return { named: [], manifests: [], subject: undefined }
  }
  const { config, layers = [], blobs = [], manifests = [], subject } = document
  const digests = (list: readonly Named[]): readonly string[] => list.map(({ digest }) => digest)
  return {
    named: digests([...(config === undefined ? [] : [config]), ...layers, ...blobs]),
    manifests: digests(manifests),
    subject: subject?.digest,
  }
}

function findRepositories(folder: string, prefix = ''): readonly string[] {
  const names = entries(folder)
  const found = prefix !== '' && names.some((name) => name === '_layers' || name === '_manifests')
  const below = names
    .filter((name) => !name.startsWith('_'))
    .flatMap((name) => findRepositories(join(folder, name), prefix === '' ? name : `${prefix}/${name}`))
  return found ? [prefix, ...below] : below
}

function readRepository(root: string, name: string): Repository {
  const tags = `${at.repository(name)}/_manifests/tags`
  return {
    name,
    layers: readLinks(root, `${at.repository(name)}/_layers`),
    revisions: readLinks(root, `${at.repository(name)}/_manifests/revisions`),
    tags: entries(join(root, tags))
      .filter((tag) => existsSync(join(root, tags, tag, 'current/link')))
      .map((tag) => ({ tag, content: readFileSync(join(root, tags, tag, 'current/link'), 'utf8') })),
  }
}

function readLinks(root: string, folder: string): readonly Link[] {
  return entries(join(root, folder)).flatMap((algorithm) =>
    entries(join(root, folder, algorithm)).flatMap((hex) => {
      const key = `${folder}/${algorithm}/${hex}/link`
      if (!existsSync(join(root, key))) return []
      const content = readFileSync(join(root, key), 'utf8')
      return [{ key, named: `${algorithm}:${hex}`, content, changedAt: statSync(join(root, key)).mtimeMs }]
    }),
  )
}

/** Every blob that has bytes, and when they were written. */
export function listBlobs(root: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  for (const algorithm of entries(join(root, at.blobs))) {
    for (const shard of entries(join(root, at.blobs, algorithm))) {
      for (const hex of entries(join(root, at.blobs, algorithm, shard))) {
        const data = join(root, at.blobs, algorithm, shard, hex, 'data')
        if (existsSync(data)) found.set(`${algorithm}:${hex}`, statSync(data).mtimeMs)
      }
    }
  }
  return found
}

function readBlob(root: string, digest: string): Buffer | undefined {
  const path = join(root, at.blob(digest))
  return existsSync(path) ? readFileSync(path) : undefined
}

/** The names in a folder; none when it is no folder. */
function entries(folder: string): readonly string[] {
  return existsSync(folder) && statSync(folder).isDirectory() ? readdirSync(folder) : []
}
