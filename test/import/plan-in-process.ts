/** Imports and plans without files or processes, for properties that do both thousands of times. */
import { importedText } from '../../src/cli/views/imported.ts'
import { importPolicy } from '../../src/cli/import/import-policy.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import { importers } from '../../src/core/import/importers.ts'
import { gitViewOf } from '../../src/core/git/git-facts.ts'
import type { GitHistory } from '../../src/core/git/git-history.ts'
import type { RegistryName } from '../../src/core/image/names.ts'
import { buildGraph } from '../../src/core/image/graph.ts'
import type { ManifestRecord } from '../../src/core/inventory/inventory.ts'
import { planRepository } from '../../src/core/plan/plan-repository.ts'
import { protectionsOf } from '../../src/core/plan/protections.ts'
import { evaluatePolicy } from '../../src/core/policy/evaluate.ts'
import { image, labelOf, repositoryName, tag } from '../builders/images.ts'
import { now, type Deleted, type SourceImage } from './systems/system.ts'

export interface Imported {
  readonly yaml: string
  readonly warnings: readonly string[]
}

/** @throws when the file is refused */
export function importText(system: string, text: string): Imported {
  const importer = importers.find((each) => each.system === system)
  if (importer === undefined) throw new Error(`there is no importer for ${system}`)
  const { configuration, warnings } = importPolicy(importer, 'source', text)
  const yaml = importedText(configuration, {
    title: importer.title,
    file: 'source',
    warningCount: warnings.length,
  })
  return { yaml, warnings: warnings.map((warning) => warning.text) }
}

/** What a configuration deletes in one repository. */
export function planText(yaml: string, repository: string, images: readonly SourceImage[]): Deleted {
  return planManifests(yaml, repository, images.map(manifestOf))
}

/**
 * The same for manifests as an inventory has them.
 *
 * @param history what the Git repository says that the configuration names; left out where no rule asks
 */
export function planManifests(
  yaml: string,
  repository: string,
  manifests: readonly ManifestRecord[],
  history?: GitHistory,
): Deleted {
  const { policySet } = loadConfiguration({ path: 'winnow.yaml', text: yaml })
  const policy = policySet.policies.find((each) => each.repositories.matches(repository))
  if (policy === undefined) return { images: new Set(), tags: new Set() }
  const graph = buildGraph(manifests)
  const { protect } = policySet
  const place = { registry: 'imported' as RegistryName, repository: repositoryName(repository), graph }
  const histories = new Map(
    policySet.git.flatMap(({ name }) => (history === undefined ? [] : [[name, history]])),
  )
  const git = gitViewOf(place, policySet.git, { histories, recorded: new Map() })
  const fates = planRepository({
    graph,
    evaluation: evaluatePolicy(policy, graph, now, git),
    protect,
    heldBack: undefined,
    canUntag: true,
    protectionsOf: (node) =>
      protectionsOf(node, { graph, protect, now, inUse: new Map(), seenInUse: new Map() }),
  })
  const gone = { images: new Set<string>(), tags: new Set<string>() }
  for (const fate of fates) {
    const manifest = graph.manifests[fate.node]
    if (manifest === undefined) continue
    if (fate.kind === 'keep') for (const each of fate.untag) gone.tags.add(each.tag)
    else {
      gone.images.add(labelOf(manifest.digest))
      for (const each of manifest.tags) gone.tags.add(each.name)
    }
  }
  return gone
}

function manifestOf({
  id,
  tags,
  pushedAt,
  uploadedAt,
  createdAt,
  pulledAt,
  locked,
  labels,
}: SourceImage): ManifestRecord {
  const pulled = pulledAt === undefined ? {} : { pulledAt }
  return image(id, {
    // The type that every tool knows.
    mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    tags: tags.map((each) => tag(each.name, { pushedAt: each.pushedAt, ...pulled })),
    pushedAt,
    uploadedAt,
    createdAt,
    ...pulled,
    locked,
    labels,
  })
}
