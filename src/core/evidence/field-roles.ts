/**
 * What a string of an API object is, told by the keys it stands under (reference: kubernetes, sections 1.1 to 1.4).
 * Pod templates are known by their lists, not by the path to them, so that every kind that embeds one is read alike.
 */
import type { Place } from './object-strings.ts'

export interface ResourceKind {
  readonly group: string
  readonly version: string
  /** The plural of discovery: `deployments`. */
  readonly resource: string
  readonly kind: string
}

/**
 * container-image: what a kubelet is told to pull · status-image, image-id: what it says it runs · image: a field of
 * another kind that by its name holds an image · text: anything else.
 */
export type FieldRole = 'container-image' | 'status-image' | 'image-id' | 'image' | 'text'

const containerLists: ReadonlySet<string> = new Set(['containers', 'initContainers', 'ephemeralContainers'])
const statusLists: ReadonlySet<string> = new Set([
  'containerStatuses',
  'initContainerStatuses',
  'ephemeralContainerStatuses',
])
const imageKey = /(?:^i|[a-z_-]I|[_-]i)mage(?:Name|Ref|Reference)?$/

/** The role of a string in an object of this kind. */
export function fieldRole(
  { group, resource }: ResourceKind,
  { key, parentKey, grandparentKey }: Place,
): FieldRole {
  if (key === 'image' && containerLists.has(parentKey)) return 'container-image'
  if (key === 'reference' && parentKey === 'image' && grandparentKey === 'volumes') return 'container-image'
  if (key === 'image' && statusLists.has(parentKey)) return 'status-image'
  if (key === 'imageID') return 'image-id'
  if (key === 'imageRef' && parentKey === 'image' && grandparentKey === 'volumeStatus') return 'image-id'
  // What people put into these maps follows no schema, and `volumes[].rbd.image` is a disk.
  const isFree = group === '' && (resource === 'configmaps' || resource === 'secrets')
  if (isFree || parentKey === 'rbd') return 'text'
  return key === 'images' || imageKey.test(key) ? 'image' : 'text'
}

/**
 * Whether a part of an object says nothing about use: bookkeeping of the API server, and what a node happens to have
 * cached (the kubelet lists the fifty largest images whether they run or not). Events outlive what they speak of by an
 * hour and are never complete.
 */
export function isSkipped({ group, resource }: ResourceKind, { key, parentKey }: Place): boolean {
  if (key === 'managedFields') return parentKey === 'metadata'
  if (resource === 'events') return group === '' || group === 'events.k8s.io'
  return group === '' && resource === 'nodes' && key === 'images' && parentKey === 'status'
}

/** `Deployment shop/app`, for reports; `Deployment ?` when the object does not say its name. */
export function placeOf(resource: ResourceKind, object: unknown): string {
  const metadata = field(object, 'metadata')
  const name = field(metadata, 'name') ?? field(metadata, 'generateName')
  const namespace = field(metadata, 'namespace')
  const label = typeof name === 'string' && name !== '' ? name : '?'
  return typeof namespace === 'string' && namespace !== ''
    ? `${resource.kind} ${namespace}/${label}`
    : `${resource.kind} ${label}`
}

function field(object: unknown, key: string): unknown {
  return typeof object === 'object' && object !== null
    ? (object as Readonly<Record<string, unknown>>)[key]
    : undefined
}
