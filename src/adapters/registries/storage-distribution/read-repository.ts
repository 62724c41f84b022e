/**
 * One repository as its files tell it: every linked manifest, tagged or not, with upload times.
 *
 * A link that is gone is a manifest that was deleted; a linked manifest whose bytes are gone is told of and left out;
 * whatever else cannot be read makes the repository incomplete, and nothing of it goes.
 */
import type { Digest } from '../../../core/image/digest.ts'
import type { ConfigFacts, ManifestFacts, StatementFacts } from '../../../core/image/manifest.ts'
import type { RepositoryName } from '../../../core/image/names.ts'
import { commitsOf } from '../../../core/image/statements.ts'
import type { RepositoryInventory, TagRecord } from '../../../core/inventory/inventory.ts'
import { recordManifest } from '../../../core/inventory/manifest-record.ts'
import { counted } from '../../../core/words/counted.ts'
import type { ManifestCache } from '../../../ports/manifest-cache.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { checkLayoutAt } from './check-layout.ts'
import { isRepository, strayFolders } from './find-repositories.ts'
import { quoted, startFindings, type Findings } from './findings.ts'
import { repositoryFolder, revisionLink } from './layout.ts'
import { listRevisionLinks, listTagLinks, type RevisionLink, type TagLink } from './list-links.ts'
import { readConfigFacts, readManifestFacts } from './read-facts.ts'
import { readProvenance } from './read-provenance.ts'
import type { Source } from './read-content.ts'

/** How a repository is read. */
export interface ReadingSettings {
  readonly cache: ManifestCache
  /** Whether statements about builds are read. */
  readonly readProvenance: boolean
}

export async function readRepository(
  source: Source,
  settings: ReadingSettings,
  name: RepositoryName,
  options: RunOptions | undefined,
): Promise<RepositoryInventory> {
  const findings = startFindings()
  const manifests = await findings.attempt(() => readManifests(source, settings, name, findings, options))
  // Asked last: a volume that went away meanwhile made everything above look absent.
  await checkLayoutAt(source.store, name, options)
  return { name, complete: findings.isComplete, problems: findings.problems, manifests: manifests ?? [] }
}

async function readManifests(
  source: Source,
  settings: ReadingSettings,
  name: RepositoryName,
  findings: Findings,
  options: RunOptions | undefined,
): Promise<RepositoryInventory['manifests']> {
  const entries = (await source.store.list(repositoryFolder(name), options)) ?? []
  if (!isRepository(entries)) return []
  for (const stray of strayFolders(name, entries))
    findings.fault(`${quoted(stray)} is no repository; it was not entered.`)

  // Tags first: a push writes its manifest before its tag, so whatever a tag points to is in the later list.
  const tags = await listTagLinks(source, name, findings, options)
  const revisions = withAliases(await listRevisionLinks(source, name, findings, options), findings)
  const { cache } = settings
  const facts = await readManifestFacts(source, cache, [...revisions.values()], findings, options)
  const configs = await readConfigFacts(source, cache, facts.values(), findings, options)
  const statements = settings.readProvenance
    ? await readProvenance(source, cache, facts.values(), findings, options)
    : new Map<Digest, StatementFacts>()
  if (findings.isComplete) {
    await remarkGone(source, name, { tags, revisions, facts }, findings, options)
    remarkMissingChildren(facts, findings)
  }
  return recordAll({ tags, revisions, facts }, configs, statements)
}

interface LinkedRevision extends RevisionLink {
  /** Two names share one link: removing it for one would take the other along, so neither goes. */
  readonly isShared: boolean
}

/** By digest; a link whose content names another digest than its path counts for both (an alias). */
function withAliases(
  links: readonly RevisionLink[],
  findings: Findings,
): ReadonlyMap<Digest, LinkedRevision> {
  const revisions = new Map<Digest, LinkedRevision>()
  for (const link of links) revisions.set(link.digest, { ...link, isShared: link.alias !== undefined })
  for (const { digest, alias, pushedAt } of links) {
    if (alias === undefined) continue
    findings.remark(`The link of ${digest} names ${alias}; both count as present, and neither is deleted.`)
    const own = revisions.get(alias)
    revisions.set(alias, {
      digest: alias,
      alias: own?.alias,
      pushedAt: own?.pushedAt ?? pushedAt,
      isShared: true,
    })
  }
  return revisions
}

interface Read {
  readonly tags: readonly TagLink[]
  readonly revisions: ReadonlyMap<Digest, LinkedRevision>
  readonly facts: ReadonlyMap<Digest, ManifestFacts>
}

async function remarkGone(
  source: Source,
  name: RepositoryName,
  { tags, revisions, facts }: Read,
  findings: Findings,
  options: RunOptions | undefined,
): Promise<void> {
  for (const { digest, isShared } of revisions.values()) {
    if (facts.has(digest)) continue
    // A manifest may have been deleted between the list and the look; then there is nothing to tell.
    const isLinked = isShared || (await source.store.stat(revisionLink(name, digest), options)) !== undefined
    // What it held cannot be told any more: its parts would look like images nobody wants. Unreadable is not absent.
    if (isLinked) findings.fault(`The manifest ${digest} is linked, but its bytes are gone from the storage.`)
  }
  for (const { name: tag, target } of tags) {
    if (!facts.has(target))
      findings.remark(`The tag ${tag} points to ${target}, which is not there any more.`)
  }
}

function remarkMissingChildren(facts: ReadonlyMap<Digest, ManifestFacts>, findings: Findings): void {
  for (const { digest, children } of facts.values()) {
    const missing = children.filter((child) => !facts.has(child.digest)).length
    if (missing > 0)
      findings.remark(
        `The index ${digest} names ${missing} of ${counted(children.length, 'manifest')} that ${missing === 1 ? 'is' : 'are'} not there.`,
      )
  }
}

function recordAll(
  { tags, revisions, facts }: Read,
  configs: ReadonlyMap<Digest, ConfigFacts>,
  statements: ReadonlyMap<Digest, StatementFacts>,
): RepositoryInventory['manifests'] {
  const tagsOf = tagsByTarget(tags)
  const platforms = platformsInIndexes(facts.values())
  return [...facts.values()]
    .toSorted((a, b) => (a.digest < b.digest ? -1 : 1))
    .map((manifest) => {
      const revision = revisions.get(manifest.digest)
      return recordManifest(manifest, manifest.config && configs.get(manifest.config.digest), {
        tags: tagsOf.get(manifest.digest) ?? [],
        pushedAt: revision?.pushedAt,
        platform: platforms.get(manifest.digest),
        locked: revision?.isShared ?? false,
        commits: commitsOf(manifest, statements),
      })
    })
}

function platformsInIndexes(facts: Iterable<ManifestFacts>): ReadonlyMap<Digest, string> {
  const platforms = new Map<Digest, string>()
  for (const { children } of facts) {
    for (const { digest, platform } of children) if (platform !== undefined) platforms.set(digest, platform)
  }
  return platforms
}

function tagsByTarget(tags: readonly TagLink[]): ReadonlyMap<Digest, readonly TagRecord[]> {
  const byTarget = new Map<Digest, TagRecord[]>()
  for (const { name, target, pushedAt } of tags) {
    const records = byTarget.get(target) ?? []
    // Storage tells when a tag was set; nobody writes down when it was pulled.
    records.push({ name, pushedAt, pulledAt: undefined })
    byTarget.set(target, records)
  }
  return byTarget
}
