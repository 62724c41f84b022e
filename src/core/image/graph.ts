/**
 * The graph of manifests in one repository, and which of them are images.
 *
 * Edges come from three places: an index names its children, a manifest names its `subject`, and an attached tag
 * (cosign's, the referrers fallback) hangs its bearer on a digest. A manifest that nothing present owns is a root; a
 * manifest with an ordinary tag is an image whoever owns it. Everything else lives and dies with what it hangs on. In a
 * repository of werf's its records on a stage hang on it too, by their tags.
 *
 * Hostile input may hold cycles and manifests that own themselves. Walks keep a visited set, a manifest's claim on
 * itself is ignored, and a cycle that no image reaches belongs to no image, so nothing ever deletes it.
 */
import type { ManifestRecord, TagRecord } from '../inventory/inventory.ts'
import { readWerfRepository, type WerfRepository } from '../werf/werf-repository.ts'
import { attachedTo } from './attached-tags.ts'
import type { Digest } from './digest.ts'

/** A position in `ImageGraph.manifests`. */
export type Node = number

export interface ImageGraph {
  readonly manifests: readonly ManifestRecord[]
  /** Images, in the order of `manifests`. */
  readonly images: readonly Node[]
  nodeOf(digest: Digest): Node | undefined
  /** Tags that name this manifest as an image; attached tags are not among them. */
  ordinaryTags(node: Node): readonly TagRecord[]
  /** Tags that hang it on another manifest. */
  attachedTags(node: Node): readonly TagRecord[]
  /** Every manifest below or attached to this one, at any depth, without itself. */
  reachable(node: Node): readonly Node[]
  /** What an index holds, at any depth, without referrers. */
  held(node: Node): readonly Node[]
  /** What a manifest hangs on directly: indexes that name it, subjects it refers to. */
  owners(node: Node): readonly Node[]
  /** Every image that this manifest belongs to, itself included where it is one. */
  imagesAbove(node: Node): readonly Node[]
  /** It hangs on a manifest of another repository, and on none of this one. */
  hangsElsewhere(node: Node): boolean
  /** It names a subject, or bears an attached tag, and that manifest is nowhere in the registry. */
  isOrphanedReferrer(node: Node): boolean
  /** Children that an index in the image names and the repository does not have. */
  missingChildren(node: Node): readonly Digest[]
  /** What werf left in the repository; undefined where it does not build into it. */
  readonly werf: WerfRepository | undefined
}

const none: readonly never[] = []

/**
 * Builds the graph of one repository.
 *
 * @param existsElsewhere whether another repository of the registry has this digest. Cosign may keep signatures in a
 *   repository of their own; their subject is not gone only because it lives next door.
 */
export function buildGraph(
  manifests: readonly ManifestRecord[],
  existsElsewhere: (digest: Digest) => boolean = () => false,
): ImageGraph {
  const werf = readWerfRepository(manifests)
  const plain = werf === undefined && manifests.every(isPlain)
  return plain ? plainGraph(manifests) : new LinkedGraph(manifests, existsElsewhere, werf)
}

/** Nothing owns it, it owns nothing: no edges to look for. */
function isPlain(manifest: ManifestRecord): boolean {
  return (
    manifest.children.length === 0 &&
    manifest.subject === undefined &&
    manifest.tags.every((tag) => attachedTo(tag.name) === undefined)
  )
}

/** Most repositories hold single-platform images only; they need no maps, however many they are. */
function plainGraph(manifests: readonly ManifestRecord[]): ImageGraph {
  let byDigest: Map<Digest, Node> | undefined
  return {
    manifests,
    images: manifests.map((_, node) => node),
    nodeOf(digest) {
      byDigest ??= new Map(manifests.map((manifest, node) => [manifest.digest, node]))
      return byDigest.get(digest)
    },
    ordinaryTags: (node) => manifests[node]?.tags ?? none,
    attachedTags: () => none,
    reachable: () => none,
    held: () => none,
    owners: () => none,
    imagesAbove: (node) => [node],
    hangsElsewhere: () => false,
    isOrphanedReferrer: () => false,
    missingChildren: () => none,
    werf: undefined,
  }
}

class LinkedGraph implements ImageGraph {
  readonly manifests: readonly ManifestRecord[]
  readonly images: readonly Node[]
  readonly #byDigest: ReadonlyMap<Digest, Node>
  /** What hangs below a manifest: children and referrers. */
  readonly #below: readonly (readonly Node[])[]
  /** What an index names. */
  readonly #children: readonly (readonly Node[])[]
  /** What a manifest hangs on: indexes that name it and subjects it refers to. */
  readonly #above: readonly (readonly Node[])[]
  readonly #missing: ReadonlyMap<Node, readonly Digest[]>
  readonly #orphans: ReadonlySet<Node>
  readonly #elsewhere: ReadonlySet<Node>
  readonly #isImage: readonly boolean[]
  readonly werf: WerfRepository | undefined

  constructor(
    manifests: readonly ManifestRecord[],
    existsElsewhere: (digest: Digest) => boolean,
    werf: WerfRepository | undefined,
  ) {
    this.manifests = manifests
    this.werf = werf
    this.#byDigest = new Map(manifests.map((manifest, node) => [manifest.digest, node]))
    const edges = collectEdges(manifests, this.#byDigest, existsElsewhere, werf)
    this.#below = edges.below
    this.#children = edges.children
    this.#above = edges.above
    this.#missing = edges.missing
    this.#orphans = edges.orphans
    this.#elsewhere = edges.elsewhere
    this.#isImage = manifests.map(
      (_, node) => this.ordinaryTags(node).length > 0 || edges.above[node]?.length === 0,
    )
    this.images = manifests.flatMap((_, node) => (this.#isImage[node] === true ? [node] : []))
  }

  nodeOf(digest: Digest): Node | undefined {
    return this.#byDigest.get(digest)
  }

  ordinaryTags(node: Node): readonly TagRecord[] {
    if (this.werf?.hanging.has(node) === true) return none
    const tags = this.manifests[node]?.tags ?? none
    return tags.every(isOrdinary) ? tags : tags.filter(isOrdinary)
  }

  attachedTags(node: Node): readonly TagRecord[] {
    const tags = this.manifests[node]?.tags ?? none
    if (this.werf?.hanging.has(node) === true) return tags
    return tags.every(isOrdinary) ? none : tags.filter((tag) => !isOrdinary(tag))
  }

  reachable(node: Node): readonly Node[] {
    return walk(node, this.#below)
  }

  held(node: Node): readonly Node[] {
    return walk(node, this.#children)
  }

  owners(node: Node): readonly Node[] {
    return this.#above[node] ?? none
  }

  imagesAbove(node: Node): readonly Node[] {
    return [node, ...walk(node, this.#above)].filter((above) => this.#isImage[above] === true)
  }

  hangsElsewhere(node: Node): boolean {
    return this.#elsewhere.has(node)
  }

  isOrphanedReferrer(node: Node): boolean {
    return this.#orphans.has(node)
  }

  missingChildren(node: Node): readonly Digest[] {
    if (this.#missing.size === 0) return none
    return [node, ...this.reachable(node)].flatMap((each) => this.#missing.get(each) ?? none)
  }
}

interface Edges {
  readonly below: readonly (readonly Node[])[]
  readonly children: readonly (readonly Node[])[]
  readonly above: readonly (readonly Node[])[]
  readonly missing: ReadonlyMap<Node, readonly Digest[]>
  readonly orphans: ReadonlySet<Node>
  /** Hangs on a manifest of another repository, so it is no orphan. */
  readonly elsewhere: ReadonlySet<Node>
}

function collectEdges(
  manifests: readonly ManifestRecord[],
  byDigest: ReadonlyMap<Digest, Node>,
  existsElsewhere: (digest: Digest) => boolean,
  werf: WerfRepository | undefined,
): Edges {
  const below: Node[][] = manifests.map(() => [])
  const above: Node[][] = manifests.map(() => [])
  const children = manifests.map((manifest) =>
    manifest.children.flatMap((child) => byDigest.get(child) ?? []),
  )
  const missing = new Map<Node, readonly Digest[]>()
  const orphans = new Set<Node>()
  const elsewhere = new Set<Node>()
  const link = (owner: Node, owned: Node): void => {
    // A manifest that claims itself says nothing about whether it is needed.
    if (owner === owned) return
    below[owner]?.push(owned)
    above[owned]?.push(owner)
  }
  manifests.forEach((manifest, node) => {
    const absent = manifest.children.filter((child) => !byDigest.has(child))
    if (absent.length > 0) missing.set(node, absent)
    for (const child of children[node] ?? none) link(node, child)
    // Whatever it says of itself, it still hangs on what else it names.
    const subjects = subjectsOf(manifest).filter((subject) => subject !== manifest.digest)
    const hangsOn = werf?.hanging.get(node)
    const present = [...subjects.flatMap((subject) => byDigest.get(subject) ?? []), ...(hangsOn ?? none)]
    for (const owner of present) link(owner, node)
    if ((subjects.length === 0 && hangsOn === undefined) || present.length > 0) return
    if (subjects.some(existsElsewhere)) elsewhere.add(node)
    else if (hangsOn !== undefined || !manifest.tags.some(isOrdinary)) orphans.add(node)
  })
  return { below, children, above, missing, orphans, elsewhere }
}

function subjectsOf(manifest: ManifestRecord): readonly Digest[] {
  const byTag = manifest.tags.flatMap((tag) => attachedTo(tag.name) ?? [])
  if (manifest.subject === undefined) return byTag
  return byTag.includes(manifest.subject) ? byTag : [manifest.subject, ...byTag]
}

function isOrdinary(tag: TagRecord): boolean {
  return attachedTo(tag.name) === undefined
}

function walk(from: Node, edges: readonly (readonly Node[])[]): readonly Node[] {
  const first = edges[from] ?? none
  if (first.length === 0) return none
  const seen = new Set<Node>([from])
  const reached: Node[] = []
  const queue: Node[] = [...first]
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (seen.has(next)) continue
    seen.add(next)
    reached.push(next)
    for (const further of edges[next] ?? none) queue.push(further)
  }
  return reached.toSorted((a, b) => a - b)
}
