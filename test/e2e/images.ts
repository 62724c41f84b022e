/**
 * The registry of a small company, image by image, with what must become of each one written beside it.
 *
 * `fate` is written by hand and not computed: it is what an operator would say who knows the cluster and the policy.
 */
import {
  pushCosignTag,
  pushImage,
  pushMultiPlatform,
  pushReferrer,
  referrersTag,
  type PushedManifest,
} from '../servers/push.ts'

type Fate =
  /** The policy keeps it. */
  | 'kept by a rule'
  /** Only what runs, or could run again, keeps it. */
  | 'kept by evidence'
  /** No policy governs its repository. */
  | 'not governed'
  | 'deleted'

export interface ImageSpec {
  readonly repository: string
  readonly tags: readonly string[]
  /** By the `created` of its config; `epoch` is what reproducible builds write. */
  readonly ageDays: number | 'epoch'
  readonly fate: Fate
  /** Who uses it, where evidence keeps it; NS stands for the namespace. */
  readonly by?: string
  /** What hangs on it. @default [] */
  readonly attached?: readonly ('cosign signature' | 'sbom referrer')[]
  /** An index of two platforms with attestations, or one plain image. @default 'image' */
  readonly kind?: 'multi-platform' | 'image'
  /** Images with the same word share a large layer. */
  readonly sharedLayer?: string
}

const web = { repository: 'team/web', kind: 'multi-platform', sharedLayer: 'base' } as const
const api = { repository: 'team/api', sharedLayer: 'base' } as const
const db = { repository: 'team/db' } as const
const batch = { repository: 'team/batch' } as const
const tools = { repository: 'team/tools' } as const

/** Newest releases, recent builds and dated nightlies stay by rule; the comment says who holds on to the others. */
const images: readonly ImageSpec[] = [
  { ...web, tags: ['1.0.0'], ageDays: 300, fate: 'deleted' },
  // Revision 1 of a Helm release, two upgrades ago.
  { ...web, tags: ['1.1.0'], ageDays: 200, fate: 'kept by evidence', by: 'Helm release NS/web revision 1' },
  // Revision 2.
  { ...web, tags: ['1.2.0'], ageDays: 120, fate: 'kept by evidence', by: 'Helm release NS/web revision 2' },
  { ...web, tags: ['1.3.0'], ageDays: 60, fate: 'kept by a rule' },
  { ...web, tags: ['1.4.0', 'latest'], ageDays: 10, fate: 'kept by a rule', attached: ['cosign signature'] },
  { ...web, tags: ['pr-1'], ageDays: 40, fate: 'deleted', attached: ['cosign signature', 'sbom referrer'] },
  { ...web, tags: ['pr-2'], ageDays: 3, fate: 'kept by a rule' },
  // A Pod runs this index by its digest.
  {
    ...web,
    tags: ['pr-3'],
    ageDays: 40,
    fate: 'kept by evidence',
    by: 'Pod NS/preview',
    attached: ['sbom referrer'],
  },
  // A Deployment scaled to zero.
  { ...web, tags: ['pr-4'], ageDays: 45, fate: 'kept by evidence', by: 'Deployment NS/paused' },

  // A Pod was started from `stable` when that was this image.
  { ...api, tags: ['build-17', 'stable'], ageDays: 50, fate: 'kept by evidence', by: 'Pod NS/api' },
  { ...api, tags: ['stable'], ageDays: 1, fate: 'kept by a rule' },
  { ...api, tags: ['build-1'], ageDays: 30, fate: 'deleted', attached: ['sbom referrer'] },
  // An old ReplicaSet, for `kubectl rollout undo`.
  { ...api, tags: ['build-2'], ageDays: 31, fate: 'kept by evidence', by: 'ReplicaSet NS/api-before' },
  // A Deployment that knows the registry by its alias.
  { ...api, tags: ['build-3'], ageDays: 32, fate: 'kept by evidence', by: 'Deployment NS/inside' },
  { ...api, tags: ['build-5'], ageDays: 34, fate: 'deleted' },
  { ...api, tags: ['build-6', 'build-6-again'], ageDays: 35, fate: 'deleted' },
  { ...api, tags: ['build-7'], ageDays: 36, fate: 'deleted' },
  { ...api, tags: ['build-8'], ageDays: 37, fate: 'deleted' },

  // What a StatefulSet ran before its last update.
  { ...db, tags: ['14.1'], ageDays: 400, fate: 'kept by evidence', by: 'ControllerRevision NS/db-1' },
  { ...db, tags: ['14.2'], ageDays: 300, fate: 'deleted' },
  { ...db, tags: ['14.3'], ageDays: 200, fate: 'kept by a rule' },
  { ...db, tags: ['14.4'], ageDays: 100, fate: 'kept by a rule' },

  { ...batch, tags: ['nightly-1'], ageDays: 1, fate: 'kept by a rule' },
  { ...batch, tags: ['nightly-2'], ageDays: 2, fate: 'kept by a rule' },
  { ...batch, tags: ['nightly-3'], ageDays: 3, fate: 'kept by a rule' },
  // A CronJob between two runs.
  { ...batch, tags: ['nightly-10'], ageDays: 10, fate: 'kept by evidence', by: 'CronJob NS/report' },
  { ...batch, tags: ['nightly-20'], ageDays: 20, fate: 'deleted' },
  // Nobody knows how old it is, and unknown is not old.
  { ...batch, tags: ['pr-1970'], ageDays: 'epoch', fate: 'kept by a rule' },

  // A custom resource names it in a field of its own.
  { ...tools, tags: ['exporter-1'], ageDays: 90, fate: 'kept by evidence', by: 'Exporter NS/node' },
  // A ConfigMap holds a Pod that something else makes.
  { ...tools, tags: ['exporter-2'], ageDays: 90, fate: 'kept by evidence', by: 'ConfigMap NS/runner' },
  { ...tools, tags: ['exporter-3'], ageDays: 90, fate: 'deleted' },
  // The test hook of a Helm release.
  {
    ...tools,
    tags: ['check-1'],
    ageDays: 90,
    fate: 'kept by evidence',
    by: 'Helm release NS/web revision 3',
  },
  // Its init container.
  {
    ...tools,
    tags: ['migrate-1'],
    ageDays: 90,
    fate: 'kept by evidence',
    by: 'Helm release NS/web revision 3',
  },

  { repository: 'vendor/base', tags: ['old'], ageDays: 900, fate: 'not governed' },
]

export interface PushedSpec extends ImageSpec {
  readonly digest: string
  /** Manifests below and beside it: platforms, attestations, signatures, lists of referrers and what is in them. */
  readonly company: readonly string[]
  /** The tags of signatures and fallback lists. */
  readonly attachedTags: readonly string[]
}

const DAY_MS = 86_400_000

/** Pushes all of them, in this order: a tag pushed twice has moved. `world` makes the bytes this registry's own. */
export async function pushImages(url: string, world: string, now: number): Promise<readonly PushedSpec[]> {
  const pushed: PushedSpec[] = []
  for (const spec of images) pushed.push(await pushSpec(url, world, now, spec))
  return pushed.map((image, index) => ({
    ...image,
    tags: image.tags.filter((tag) => !pushed.slice(index + 1).some((later) => isTagOf(later, image, tag))),
  }))
}

function isTagOf(later: PushedSpec, { repository }: PushedSpec, tag: string): boolean {
  return later.repository === repository && later.tags.includes(tag)
}

/** Pushes one image with everything that hangs on it. */
export async function pushSpec(
  url: string,
  world: string,
  now: number,
  spec: ImageSpec,
): Promise<PushedSpec> {
  const { repository, tags, kind = 'image', attached = [], sharedLayer } = spec
  const createdAt = spec.ageDays === 'epoch' ? 0 : now - spec.ageDays * DAY_MS
  const created = new Date(createdAt).toISOString()
  const own = Buffer.from(`${world} ${repository} ${tags.join(' ')} ${created}`.repeat(100))
  const layers =
    sharedLayer === undefined ? [own] : [Buffer.from(`${world} ${sharedLayer}`.repeat(1000)), own]
  const options = { tags, created, layers, labels: { 'com.example.world': world } }
  const company: string[] = []
  let root: PushedManifest
  if (kind === 'multi-platform') {
    const index = await pushMultiPlatform(url, repository, options)
    company.push(...[...index.children, ...index.attestations].map(({ digest }) => digest))
    root = index
  } else {
    root = await pushImage(url, repository, options)
  }
  const attachedTags: string[] = []
  for (const what of attached) {
    if (what === 'cosign signature') {
      const signature = await pushCosignTag(url, repository, root.digest)
      company.push(signature.digest)
      attachedTags.push(...signature.tags)
    } else {
      const referrer = await pushReferrer(url, repository, root.descriptor)
      company.push(referrer.digest)
      // Neither line of Distribution keeps lists of referrers, so the client has kept one under this tag.
      if (!referrer.isSubjectKept) attachedTags.push(referrersTag(root.digest))
    }
  }
  return { ...spec, digest: root.digest, company, attachedTags }
}
