/**
 * What is left behind when blobs are gone: layer links that lead nowhere, folders of uploads that nobody ends, repositories
 * in which nothing is left. None of it comes back by `--restore`, so it goes last, and only what is old.
 *
 * As long as a blob is set aside, its links stay: with them it can be put back whole. So do those that a manifest needs
 * (sweep-needed-links.ts).
 */
import type { Digest } from '../core/image/digest.ts'
import { parseRepositoryName } from '../core/image/names.ts'
import type { InstantMs } from '../core/inventory/inventory.ts'
import { SHARDS } from '../core/sweep/digest-key.ts'
import { findRecord } from '../core/sweep/record-table.ts'
import {
  algorithmOf,
  algorithms,
  bytesOfDigest,
  digestBytes,
  hexOf,
  type DigestAlgorithm,
} from '../core/sweep/reference-record.ts'
import type { RepositoryRemains, UploadFolder } from '../ports/readable-layout.ts'
import type { RunOptions } from '../ports/run-options.ts'
import { withoutNeededLinks, type DeadLink } from './sweep-needed-links.ts'
import type { PoolSurvey } from './sweep-survey.ts'
import { eachLink, linkedRecord, linkedRepository, STORED_EXTRA } from './sweep-tables.ts'

/** The registry's own cleaning of uploads begins at this age; ours never comes before it. */
export const UPLOAD_AGE_MS: number = 7 * 24 * 60 * 60 * 1000

export interface Leftovers {
  readonly links: readonly RemovableLink[]
  readonly repositories: readonly RemovableRepository[]
  readonly uploads: readonly UploadFolder[]
}

export type RemovableLink = DeadLink

export type RemovableRepository = RepositoryRemains & {
  readonly repository: string
  readonly links: readonly RemovableLink[]
}

export interface LeftoverRequest {
  readonly fence: InstantMs
  readonly graceMs: number
  readonly now: InstantMs
  /** Blobs whose bytes are set aside, or will be by the same plan. */
  readonly aside: ReadonlySet<Digest>
  /**
   * Whether the registry may remember what is linked where. What it remembers it does not look for, so it would accept an
   * image whose links are gone, and break it when it forgets: a link to a blob that is stored stays, and its repository too.
   */
  readonly mayBeRemembered: boolean
}

export async function findLeftovers(
  survey: PoolSurvey,
  request: LeftoverRequest,
  options: RunOptions,
): Promise<Leftovers> {
  const { tables } = survey
  const uploads = tables.uploads.filter(
    ({ newestAt }) => request.now - newestAt > Math.max(request.graceMs, UPLOAD_AGE_MS),
  )
  const stale = new Set(uploads)
  const busy = new Set(
    tables.uploads.filter((upload) => !stale.has(upload)).map(({ folder }) => repositoryOf(folder)),
  )
  const look = new StoredLook(survey, request.aside)
  const { dangling, held } = lookAtLinks(survey, look, request)
  const repositories = [...tables.remains].filter(
    ([repository, { newestAt, folder }]) =>
      newestAt < request.fence && !held.has(repository) && !busy.has(folder),
  )
  const emptied = new Set(repositories.map(([repository]) => repository))
  const links = dangling.filter(
    // What lies under a name that is no repository's may belong to somebody else.
    ({ repository }) =>
      !emptied.has(repository) && parseRepositoryName(tables.nameOf(repository)) !== undefined,
  )
  const linksOf = linksByRepository(survey, emptied)
  return {
    links: await withoutNeededLinks(survey, await oldLinks(survey, links, request, options), options),
    repositories: repositories.map(([repository, remains]) => ({
      ...remains,
      repository: tables.nameOf(repository),
      links: linksOf.get(repository) ?? [],
    })),
    uploads,
  }
}

/** All layer links of these repositories. */
function linksByRepository(
  { tables }: PoolSurvey,
  wanted: ReadonlySet<number>,
): ReadonlyMap<number, readonly RemovableLink[]> {
  const found = new Map<number, RemovableLink[]>([...wanted].map((repository) => [repository, []]))
  if (wanted.size === 0) return found
  const targets = targetsOf(tables)
  for (const algorithm of algorithms) {
    for (let shard = 0; shard < SHARDS; shard += 1) {
      eachLink(tables.layers[algorithm], algorithm, shard, (links, at) => {
        const { digest, repository } = linkedRecord(algorithm, links, at)
        const target = targets.get(`${repository} ${digest}`) ?? digest
        found.get(repository)?.push({ repository: tables.nameOf(repository), digest, target })
      })
    }
  }
  return found
}

function targetsOf({ aliases }: PoolSurvey['tables']): ReadonlyMap<string, Digest> {
  return new Map(aliases.map(({ repository, path, target }) => [`${repository} ${path}`, target]))
}

interface Dangling {
  readonly repository: number
  readonly digest: Digest
  readonly target: Digest
  readonly time: number
}

/**
 * Links whose bytes are nowhere, and the repositories that something still holds: a link or the folder of a deleted
 * manifest whose blob is set aside, so that what was deleted can still be put back.
 */
function lookAtLinks(
  { tables }: PoolSurvey,
  look: StoredLook,
  { mayBeRemembered }: LeftoverRequest,
): { readonly dangling: readonly Dangling[]; readonly held: ReadonlySet<number> } {
  const targets = targetsOf(tables)
  const dangling: Dangling[] = []
  const held = new Set<number>()
  // Only of these is it asked what holds them, and in most storages there are none.
  const mayHold = tables.remains.size > 0
  for (const algorithm of algorithms) {
    for (let shard = 0; shard < SHARDS; shard += 1) {
      look.open(algorithm, shard)
      eachLink(tables.layers[algorithm], algorithm, shard, (links, at) => {
        if (look.isStoredHere(links, at)) {
          if (mayHold && (mayBeRemembered || look.isGarbageHere(links, at)))
            held.add(linkedRepository(algorithm, links, at))
          return
        }
        const record = linkedRecord(algorithm, links, at)
        const target = targets.get(`${record.repository} ${record.digest}`) ?? record.digest
        const state = target === record.digest ? look.stateHere(record.digest) : look.stateOf(target)
        if (state === 'aside' || (state === 'stored' && mayBeRemembered)) held.add(record.repository)
        if (state === 'gone') dangling.push({ ...record, target })
      })
      if (!mayHold) continue
      eachLink(tables.deleted[algorithm], algorithm, shard, (links, at) => {
        const { digest, repository } = linkedRecord(algorithm, links, at)
        if (
          tables.remains.has(repository) &&
          (look.isStoredHere(links, at) || look.stateHere(digest) === 'aside')
        )
          held.add(repository)
      })
    }
  }
  // Where nothing is remembered, a link to a blob that is stored does not hold an empty repository, unless that blob is about
  // to go.
  return { dangling, held }
}

/** Answers where a blob is, shard by shard. */
class StoredLook {
  readonly #survey: PoolSurvey
  readonly #aside: ReadonlySet<Digest>
  #algorithm: DigestAlgorithm = 'sha256'
  #stored: Uint8Array = new Uint8Array(0)
  #garbage: Uint8Array = new Uint8Array(0)

  constructor(survey: PoolSurvey, aside: ReadonlySet<Digest>) {
    this.#survey = survey
    this.#aside = aside
  }

  open(algorithm: DigestAlgorithm, shard: number): void {
    const { tables, garbage } = this.#survey
    this.#algorithm = algorithm
    this.#stored = tables.stored[algorithm].sortedShard(shard, digestBytes[algorithm])
    this.#garbage = garbage[algorithm].sortedShard(shard, digestBytes[algorithm])
  }

  isStoredHere(bytes: Uint8Array, offset: number): boolean {
    return this.#isIn(this.#stored, bytes, offset)
  }

  isGarbageHere(bytes: Uint8Array, offset: number): boolean {
    return this.#isIn(this.#garbage, bytes, offset)
  }

  stateHere(digest: Digest): 'aside' | 'gone' {
    return this.#aside.has(digest) ? 'aside' : 'gone'
  }

  /** Of any digest; slower, for the few that are known by another name. */
  stateOf(digest: Digest): 'stored' | 'aside' | 'gone' {
    const algorithm = algorithmOf(digest)
    const width = digestBytes[algorithm]
    const shard = Number.parseInt(hexOf(digest).slice(0, 2), 16)
    const stored = this.#survey.tables.stored[algorithm].sortedShard(shard, width)
    if (findRecord(stored, width + STORED_EXTRA, bytesOfDigest(digest), 0, width) !== -1) return 'stored'
    return this.stateHere(digest)
  }

  #isIn(records: Uint8Array, bytes: Uint8Array, offset: number): boolean {
    const width = digestBytes[this.#algorithm]
    return findRecord(records, width + STORED_EXTRA, bytes, offset, width) !== -1
  }
}

async function oldLinks(
  { pool, tables }: PoolSurvey,
  dangling: readonly Dangling[],
  { fence }: LeftoverRequest,
  options: RunOptions,
): Promise<readonly RemovableLink[]> {
  const links = dangling.map(({ repository, digest, target }) => ({
    repository: tables.nameOf(repository),
    digest,
    target,
  }))
  const untold = links.filter((_, i) => Number.isNaN(dangling[i]?.time))
  const asked = await pool.linkTimes(untold, options)
  let next = 0
  return links.filter((_, i) => {
    const told = dangling[i]?.time ?? Number.NaN
    const time = Number.isNaN(told) ? (asked[next++] ?? Number.NaN) : told
    // A link that is gone by now has no time, and is not less than anything.
    return time < fence
  })
}

/** The repository's folder, from that of one of its uploads. */
function repositoryOf(uploadFolder: string): string {
  const at = uploadFolder.lastIndexOf('/_uploads/')
  return at === -1 ? uploadFolder : uploadFolder.slice(0, at)
}
