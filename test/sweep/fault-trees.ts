/**
 * One tree for each fault of the registry's own collector, with what must survive a collection and what must not. Each has
 * bystanders: an image that stays and one that was deleted, so that losing and leaving both show.
 *
 * F8 is no tree: it is what a running registry remembers (descriptor-cache.test.ts).
 */
import { rmSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import {
  ageAll,
  at,
  beginUpload,
  DAY_MS,
  deleteManifest,
  pushAttestation,
  pushImage,
  pushIndex,
  pushReferrer,
  put,
  storeBlob,
  uploadAlias,
  uploadBlob,
  type StoredManifest,
} from './trees.ts'

export interface FaultTree {
  readonly needed: readonly string[]
  readonly garbage: readonly string[]
  /** Neither: too young, or leased by a young link. */
  readonly untouchable?: readonly string[]
  /** Folders and files that are not to be there afterwards. */
  readonly goes?: readonly string[]
  /** A link that is not to be found when it is read for the first time; the test makes it so. */
  readonly vanishing?: string
  /** Bytes of what is needed and lie nowhere, before anybody sweeps. */
  readonly lost?: readonly string[]
}

export interface Fault {
  readonly id: string
  readonly title: string
  /** Whether the registry's collector is asked with `--delete-untagged`, as the fault says. */
  readonly deleteUntagged: boolean
  readonly make: (root: string) => FaultTree
}

export const faults: readonly Fault[] = [
  { id: 'F1', title: 'untagged children of a tagged index', deleteUntagged: true, make: f1TaggedIndex },
  {
    id: 'F2',
    title: 'a child deleted in one of two repositories',
    deleteUntagged: true,
    make: f2DeletedElsewhere,
  },
  { id: 'F3', title: 'a link that vanishes while it is read', deleteUntagged: false, make: f3VanishingLink },
  { id: 'F4', title: 'a repository without layer links', deleteUntagged: false, make: f4NoLayerLinks },
  { id: 'F5', title: 'a push in progress', deleteUntagged: false, make: f5PushInProgress },
  { id: 'F6', title: 'untagged referrers of a tagged image', deleteUntagged: true, make: f6Referrers },
  { id: 'F7', title: 'dangling links and ghost repositories', deleteUntagged: false, make: f7Ghosts },
  {
    id: 'F9',
    title: 'an empty link, and manifests without bytes',
    deleteUntagged: false,
    make: f9BadEntries,
  },
  {
    id: 'F10',
    title: 'many tags in one repository',
    deleteUntagged: true,
    make: (root) => f10ManyTags(root),
  },
  { id: 'F11', title: 'referrers of children and of referrers', deleteUntagged: true, make: f11Chains },
]

/** A manifest and the blobs it names. */
export function allOf(...manifests: readonly StoredManifest[]): readonly string[] {
  return manifests.flatMap(({ digest, blobs }) => [digest, ...blobs])
}

/** In a repository of their own: an image that stays, and one that was deleted but shares a layer with it. */
function treeOf(root: string, needed: readonly string[], rest: Partial<FaultTree> = {}): FaultTree {
  const layers = ['shared by both']
  const stays = pushImage(root, 'other/app', { tags: ['stays'], layers: [...layers, 'of what stays'] })
  const went = pushImage(root, 'other/app', { tags: ['went'], layers: [...layers, 'of what went'] })
  deleteManifest(root, 'other/app', went.digest)
  const all = new Set([...needed, ...allOf(stays)])
  const garbage = [...(rest.garbage ?? []), ...allOf(went)].filter((digest) => !all.has(digest))
  return { ...rest, needed: [...all], garbage }
}

export function f1TaggedIndex(root: string): FaultTree {
  const children = ['amd64', 'arm64'].map((name) => pushImage(root, 'team/app', { name }))
  const attestations = children.map((child) => pushAttestation(root, 'team/app', child))
  const index = pushIndex(root, 'team/app', { tags: ['1.0'], children: [...children, ...attestations] })
  return treeOf(root, allOf(index, ...children, ...attestations))
}

export function f2DeletedElsewhere(root: string): FaultTree {
  const image = { about: 'the same in both', layers: ['the same in both repositories'] }
  const pushed = ['a/x', 'b/y'].map((repository) => {
    const child = pushImage(root, repository, image)
    return { child, index: pushIndex(root, repository, { tags: ['1.0'], children: [child] }) }
  })
  for (const { child } of pushed.slice(0, 1)) deleteManifest(root, 'a/x', child.digest)
  return treeOf(root, allOf(...pushed.flatMap(({ child, index }) => [child, index])))
}

export function f3VanishingLink(root: string): FaultTree {
  const images = Array.from({ length: 12 }, (_, each) => pushImage(root, 'team/app', { tags: [`1.${each}`] }))
  const first = images.toSorted((a, b) => (a.digest < b.digest ? -1 : 1))[0]
  const vanishing = at.revision('team/app', first?.digest ?? '')
  return treeOf(root, allOf(...images), { vanishing })
}

export function f4NoLayerLinks(root: string): FaultTree {
  // What a push of an index leaves when nothing in it names a blob.
  const inner = pushIndex(root, 'index/only', { children: [] })
  const outer = pushIndex(root, 'index/only', { tags: ['1.0'], children: [inner] })
  const image = pushImage(root, 'stripped/app', { tags: ['1.0'] })
  rmSync(join(root, at.repository('stripped/app'), '_layers'), { recursive: true })
  return treeOf(root, allOf(inner, outer, image))
}

export function f5PushInProgress(root: string): FaultTree {
  const young = uploadBlob(root, 'team/app', 'uploaded a minute ago')
  // Uploaded again, or mounted: the bytes keep their age and the link is new.
  const again = uploadBlob(root, 'team/app', 'uploaded long ago, and again just now')
  const alias = uploadAlias(root, 'team/app', 'under another name')
  for (const key of [at.blob(young.digest), at.layer('team/app', young.digest)]) ageAll(root, key, 60_000)
  for (const { digest } of [again, alias]) ageAll(root, at.layer('team/app', digest), 60_000)
  const aliased = storeBlob(root, 'under another name')
  beginUpload(root, 'team/app', '6f2b5cbe-0000-4000-8000-000000000000', 60_000)
  return treeOf(root, [], { untouchable: [young.digest, again.digest, aliased.digest] })
}

export function f6Referrers(root: string): FaultTree {
  const image = pushImage(root, 'team/app', { tags: ['1.0'] })
  const referrers = ['signature', 'sbom'].map((name) => pushReferrer(root, 'team/app', image, name))
  return treeOf(root, allOf(image, ...referrers))
}

export function f7Ghosts(root: string): FaultTree {
  // What is left where the registry's own collector ran after everything was deleted.
  const ghost = pushImage(root, 'ghost/app', { tags: ['1.0'] })
  deleteManifest(root, 'ghost/app', ghost.digest)
  for (const digest of allOf(ghost)) unlinkSync(join(root, at.blob(digest)))
  const stale = beginUpload(root, 'team/app', '6f2b5cbe-0000-4000-8000-000000000001', 30 * DAY_MS)
  const recent = beginUpload(root, 'team/app', '6f2b5cbe-0000-4000-8000-000000000002', 2 * DAY_MS)
  const image = pushImage(root, 'team/app', { tags: ['1.0'] })
  ageAll(root, at.repository('ghost'), 30 * DAY_MS)
  ageAll(root, stale, 30 * DAY_MS)
  ageAll(root, recent, 2 * DAY_MS)
  return treeOf(root, allOf(image), { goes: [at.repository('ghost/app'), stale] })
}

export function f9BadEntries(root: string): FaultTree {
  const unwritten = pushImage(root, 'team/app', { name: 'its link is being written' })
  put(root, at.revision('team/app', unwritten.digest), '')
  const bytesGone = pushImage(root, 'team/app', {
    name: 'its bytes are gone',
    layers: ['nobody knows of this'],
  })
  unlinkSync(join(root, at.blob(bytesGone.digest)))
  const layerGone = pushImage(root, 'team/app', { tags: ['half'], layers: ['gone', 'there'] })
  const [, gone = ''] = layerGone.blobs
  unlinkSync(join(root, at.blob(gone)))
  return treeOf(
    root,
    allOf(unwritten, layerGone).filter((digest) => digest !== gone),
    {
      lost: [bytesGone.digest, gone],
      garbage: bytesGone.blobs,
    },
  )
}

export function f10ManyTags(root: string, tags = 40): FaultTree {
  const images = Array.from({ length: tags }, (_, each) =>
    pushImage(root, 'team/app', { tags: [`1.${each}`], layers: ['the same in all'] }),
  )
  return treeOf(root, allOf(...images))
}

export function f11Chains(root: string): FaultTree {
  const child = pushImage(root, 'team/app', { name: 'child' })
  const index = pushIndex(root, 'team/app', { tags: ['1.0'], children: [child] })
  const ofChild = pushReferrer(root, 'team/app', child, 'sbom of the child')
  const ofIndex = pushReferrer(root, 'team/app', index, 'signature of the index')
  const ofReferrer = pushReferrer(root, 'team/app', ofChild, 'signature of the sbom')
  return treeOf(root, allOf(child, index, ofChild, ofIndex, ofReferrer))
}
