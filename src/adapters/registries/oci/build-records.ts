/** Turns what was found in a repository into rows of the inventory, sorted by digest. */
import { attachedTo } from '../../../core/image/attached-tags.ts'
import type { Digest } from '../../../core/image/digest.ts'
import type { StatementFacts } from '../../../core/image/manifest.ts'
import { commitsOf } from '../../../core/image/statements.ts'
import { recordManifest } from '../../../core/inventory/manifest-record.ts'
import type { ManifestRecord } from '../../../core/inventory/inventory.ts'
import type { ReadConfigs } from './read-configs.ts'
import type { Findings } from './findings.ts'

export function buildRecords(
  findings: Findings,
  configs: ReadConfigs,
  statements: ReadonlyMap<Digest, StatementFacts>,
): readonly ManifestRecord[] {
  const platforms = platformsInIndexes(findings)
  return [...findings.facts.values()]
    .toSorted((a, b) => (a.digest < b.digest ? -1 : 1))
    .map((facts) => {
      const known = findings.knownManifests.get(facts.digest)
      const names = findings.tags.get(facts.digest) ?? []
      const tags = names.map((name) => ({
        name,
        pushedAt: findings.knownTags.get(name)?.pushedAt,
        pulledAt: findings.knownTags.get(name)?.pulledAt,
      }))
      const config = facts.config && configs.facts.get(facts.config.digest)
      const record = recordManifest(facts, config, {
        tags,
        pushedAt: known?.pushedAt,
        uploadedAt: known?.uploadedAt,
        pulledAt: known?.pulledAt,
        // A locked name locks what it names: the registry would refuse to let go of either.
        locked:
          known?.isLocked === true || names.some((name) => findings.knownTags.get(name)?.isLocked === true),
        platform: platforms.get(facts.digest),
        // A tag that hangs it on something says so already.
        subject: names.some((name) => attachedTo(name) !== undefined) ? undefined : known?.subject,
        labels: known?.labels,
        commits: commitsOf(facts, statements),
      })
      const isConfigGone = facts.config !== undefined && configs.gone.has(facts.config.digest)
      return isConfigGone ? { ...record, missingBlobs: [facts.config.digest] } : record
    })
}

function platformsInIndexes(findings: Findings): ReadonlyMap<Digest, string> {
  const platforms = new Map<Digest, string>()
  // Two indexes may disagree; the order of digests settles it, so that the same registry always reads the same.
  for (const { children } of [...findings.facts.values()].toSorted((a, b) =>
    a.digest < b.digest ? -1 : 1,
  )) {
    for (const { digest, platform } of children) {
      if (platform !== undefined && !platforms.has(digest)) platforms.set(digest, platform)
    }
  }
  return platforms
}
