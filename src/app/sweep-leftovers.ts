/** Removes what sweep-tidy.ts found: links that lead nowhere, uploads that nobody ends, repositories with nothing in them. */
import type { RemovedLink } from '../core/sweep/removed-links.ts'
import { bytesOfDigest, algorithmOf } from '../core/sweep/reference-record.ts'
import type { BlobPool } from '../ports/readable-layout.ts'
import type { RunOptions } from '../ports/run-options.ts'
import { LINK_REASON, REPOSITORY_REASON, UPLOAD_REASON } from './sweep-plan.ts'
import { batches, type SweepRun } from './sweep-run.ts'
import type { Leftovers, RemovableLink, RemovableRepository } from './sweep-tidy.ts'

const LINKS_AT_ONCE = 1000
const REPOSITORIES_AT_ONCE = 100

export async function removeLeftovers(
  run: SweepRun,
  pool: BlobPool,
  { links, uploads, repositories }: Leftovers,
  options: RunOptions,
): Promise<void> {
  for (let at = 0; at < links.length && options.stop?.aborted !== true; at += LINKS_AT_ONCE)
    await removeLinks(run, pool, links.slice(at, at + LINKS_AT_ONCE), options)
  for (const { folder, keys } of uploads) {
    if (options.stop?.aborted === true) return
    run.assertHeld()
    // Safe: nothing has been written to it for longer than any push lasts; the registry's own purge does the same.
    await run.ports.store.removeAll(keys, options)
    await run.ports.store.removeEmptyFolders(folder, options)
    run.actions.addPath('remove-upload', folder, UPLOAD_REASON)
    run.count({ uploadsRemoved: 1 })
  }
  for (const some of batches(repositories, REPOSITORIES_AT_ONCE)) {
    if (options.stop?.aborted === true) return
    await removeRepositories(run, pool, some, options)
  }
}

async function removeRepositories(
  run: SweepRun,
  pool: BlobPool,
  repositories: readonly RemovableRepository[],
  options: RunOptions,
): Promise<void> {
  run.assertHeld()
  const links = repositories.flatMap((each) => each.links)
  await run.ports.cache.forgetLinks?.(
    repositories.map(({ repository }) => repository),
    options,
  )
  await writeUnlinks(run, pool, { isWhole: true, links }, options)
  for (const { folder, keys } of repositories) {
    run.assertHeld()
    // Safe: these files were there and old when no manifest and no tag was; what a push adds meanwhile is not among them,
    // and a folder that holds anything is not removed. A push that was told that its blobs are linked here may still be
    // accepted: then a mark that is made later sees its manifest, and puts the links back.
    await run.ports.store.removeAll(keys, options)
    await run.ports.store.removeEmptyFolders(folder, options)
    run.actions.addPath('remove-repository', folder, REPOSITORY_REASON)
    run.count({ repositoriesRemoved: 1 })
  }
  if (links.length === 0) return
  await run.write([{ kind: 'all-unlinked', pool: pool.name, at: run.now() }], options)
}

async function removeLinks(
  run: SweepRun,
  pool: BlobPool,
  links: readonly RemovableLink[],
  options: RunOptions,
): Promise<void> {
  run.assertHeld()
  const absent = await withoutData(pool, links, options)
  if (absent.length === 0) return
  await run.ports.cache.forgetLinks?.([...new Set(absent.map(({ repository }) => repository))], options)
  await writeUnlinks(run, pool, { isWhole: false, links: absent }, options)
  run.assertHeld()
  const keys = absent.map((link) => pool.layerLinkKey(link))
  // Safe: the blob is nowhere, so whoever needs it has to upload it, which writes the link anew after the data.
  await run.ports.store.removeAll(keys, options)
  const stillAbsent = new Set(await withoutData(pool, absent, options))
  for (const [i, link] of absent.entries()) {
    const key = keys[i] ?? ''
    if (stillAbsent.has(link)) {
      await run.ports.store.removeEmptyFolders(key.slice(0, key.lastIndexOf('/')), options)
      run.actions.addPath('remove-link', key, LINK_REASON)
      run.count({ linksRemoved: 1 })
      continue
    }
    // An upload came between the two looks, and we may have removed the link it wrote.
    await run.ports.store.write(key, new TextEncoder().encode(link.target), options)
  }
  const at = run.now()
  const decided = { kind: 'relinked' as const, pool: pool.name, isWhole: false, removedUntil: at, at }
  await run.write([{ kind: 'all-unlinked', pool: pool.name, at }, decided], options)
}

/** Written down before they go: see core/sweep/removed-links.ts. */
async function writeUnlinks(
  run: SweepRun,
  pool: BlobPool,
  { isWhole, links }: { readonly isWhole: boolean; readonly links: readonly RemovableLink[] },
  options: RunOptions,
): Promise<void> {
  const at = run.now()
  for (const some of batches(links, LINKS_AT_ONCE)) {
    const byRepository = new Map<string, RemovedLink[]>()
    for (const { repository, digest, target } of some) {
      const own = byRepository.get(repository) ?? []
      own.push({ path: digest, target })
      byRepository.set(repository, own)
    }
    const entries = [...byRepository].map(([repository, own]) => ({
      kind: 'unlink' as const,
      pool: pool.name,
      repository,
      isWhole,
      links: own,
      at,
    }))
    await run.write(entries, options)
  }
}

/** Those whose bytes are not stored under what they say. */
async function withoutData(
  pool: BlobPool,
  links: readonly RemovableLink[],
  options: RunOptions,
): Promise<readonly RemovableLink[]> {
  const absent: RemovableLink[] = []
  for (const algorithm of ['sha256', 'sha512'] as const) {
    const own = links.filter(({ target }) => algorithmOf(target) === algorithm)
    if (own.length === 0) continue
    const packed = own.map(({ target }) => bytesOfDigest(target))
    const width = packed[0]?.length ?? 0
    const bytes = new Uint8Array(own.length * width)
    for (const [i, digest] of packed.entries()) bytes.set(digest, i * width)
    const { sizes } = await pool.blobFacts({ algorithm, bytes }, options)
    absent.push(...own.filter((_, i) => Number.isNaN(sizes[i])))
  }
  return absent
}
