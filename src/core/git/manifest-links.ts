/**
 * What is said of each manifest by itself: its labels and annotations, its tags, records that name it, and what was
 * recorded elsewhere. Whose image it belongs to is asked in `image-links.ts`.
 */
import type { Digest } from '../image/digest.ts'
import type { ImageGraph, Node } from '../image/graph.ts'
import { ownText } from '../image/own-text.ts'
import type { ManifestRecord } from '../inventory/inventory.ts'
import type { TagPatterns } from '../policy/patterns.ts'
import { commitIn } from './commit-id.ts'
import type { ImageLink, LinkOrigin } from './image-link.ts'
import { linkArtifactType, linksInRecord, linksInTags, revisionAnnotation } from './link-record.ts'
import { werfLabels } from '../werf/werf-labels.ts'
import type { WerfRepository } from '../werf/werf-repository.ts'

export interface LinkSettings {
  /** Tag patterns with a group named `commit`; every pattern that matches a tag has its say. @default none */
  readonly commitTags?: TagPatterns | undefined
  /** Links recorded elsewhere, in files or in the state: commits by the manifest they speak of. @default none */
  readonly extra?: ReadonlyMap<Digest, readonly string[]> | undefined
}

/** By node; of two links that say the same, one is in it. */
export type ManifestLinks = ReadonlyMap<Node, ReadonlyMap<string, ImageLink>>

/** The second is what the first was called before OCI had annotations (label-schema.org, 2016). */
const revisionKeys: readonly string[] = [revisionAnnotation, 'org.label-schema.vcs-ref']

/** The links of every manifest that has any. */
export function linksOfManifests(graph: ImageGraph, settings: LinkSettings): ManifestLinks {
  const collected = new Collected()
  const images = new Set(graph.images)
  const told = toldByWerf(graph)
  graph.manifests.forEach((manifest, node) => {
    const add = (text: string | undefined, origin: LinkOrigin): void => collected.add(node, text, origin)
    addTexts(manifest, add)
    if (!told.has(node)) add(ownText(manifest.labels, werfLabels.commit), 'label')
    addCommits(manifest, images.has(node), add)
    addTags(graph, node, settings.commitTags, add)
    addRecords(graph, node, collected)
    for (const commit of settings.extra?.get(manifest.digest) ?? []) add(commit, 'file')
  })
  if (graph.werf !== undefined) addWerf(graph.werf, collected)
  return collected.byNode
}

/**
 * Manifests whose label `werf-project-repo-commit` does not count: stages that a commit record speaks of, their platforms,
 * and stages that werf rejected. The label tells who built a stage first, the records who needs it; beside them it would
 * only compete with images that werf itself keeps.
 */
function toldByWerf(graph: ImageGraph): ReadonlySet<Node> {
  const stages = [...(graph.werf?.commits.map(({ stage }) => stage) ?? []), ...(graph.werf?.rejected ?? [])]
  return new Set(stages.flatMap((stage) => [stage, ...graph.held(stage)]))
}

/** A rejected stage is broken; what was built from its commit is some other one. */
function addWerf({ commits, rejected }: WerfRepository, collected: Collected): void {
  for (const { stage, commit, nameId } of commits) {
    if (!rejected.has(stage)) collected.add(stage, commit, 'werf', nameId)
  }
}

class Collected {
  readonly byNode = new Map<Node, Map<string, ImageLink>>()

  /** Adds the link, if the text is a commit id. */
  add(node: Node, text: string | undefined, origin: LinkOrigin, imageName?: string): void {
    const commit = commitIn(text)
    if (commit === undefined) return
    const links = this.byNode.get(node) ?? new Map<string, ImageLink>()
    links.set(`${commit} ${imageName ?? ''} ${origin}`, {
      commit,
      origin,
      ...(imageName !== undefined && { imageName }),
    })
    this.byNode.set(node, links)
  }
}

type Add = (text: string | undefined, origin: LinkOrigin) => void

/** A record's own annotation speaks of its subject (`addRecords`), and of nothing else. */
function addTexts({ labels, annotations, artifactType }: ManifestRecord, add: Add): void {
  for (const key of revisionKeys) add(ownText(labels, key), 'label')
  if (artifactType === linkArtifactType) return
  for (const key of revisionKeys) add(ownText(annotations, key), 'annotation')
}

/**
 * Commits of the inventory that no label and no annotation accounts for. Below an image, on what is no platform, readers
 * put what an attestation says; anywhere else whoever wrote the inventory says so.
 */
function addCommits(manifest: ManifestRecord, isImage: boolean, add: Add): void {
  const { commits, labels, annotations, platform } = manifest
  if (commits.length === 0) return
  const texts = new Set([
    ...[...revisionKeys, werfLabels.commit].map((key) => ownText(labels, key)?.toLowerCase()),
    ...revisionKeys.map((key) => ownText(annotations, key)?.toLowerCase()),
  ])
  const origin = !isImage && platform === undefined ? 'provenance' : 'inventory'
  for (const commit of commits) if (!texts.has(commit.toLowerCase())) add(commit, origin)
}

/** Each pattern is asked, not the first that matches: one pattern more must never take a link away. */
function addTags(graph: ImageGraph, node: Node, patterns: TagPatterns | undefined, add: Add): void {
  if (patterns === undefined) return
  for (const { name } of graph.ordinaryTags(node)) {
    if (patterns.exclude.some((pattern) => pattern.matches(name))) continue
    for (const pattern of patterns.include) {
      const captures = pattern.captures(name)
      if (captures !== undefined) add(ownText(captures, 'commit'), 'tag')
    }
  }
}

/** What `winnow link` left in the registry speaks of its subject; one whose subject is gone speaks of nothing. */
function addRecords(graph: ImageGraph, node: Node, collected: Collected): void {
  const manifest = graph.manifests[node]
  if (manifest === undefined) return
  const told = [...linksInTags(manifest.tags.map((tag) => tag.name)), ...linksInRecord(manifest)]
  for (const { subject, commit } of told) {
    const about = graph.nodeOf(subject)
    if (about !== undefined) collected.add(about, commit, 'record')
  }
}
