/**
 * Which Secrets and ConfigMaps hold a Helm release, and which revision of which release it is.
 *
 * Helm 3 and 4 store a revision as `sh.helm.release.v1.<release>.v<revision>`, a Secret of type `helm.sh/release.v1`
 * or a ConfigMap, labelled `owner=helm`. A release stored in any other version of that format is recognised and
 * reported, never passed over: it holds images that nobody here can see.
 */
import type { StorageKind } from '../../../ports/stored-releases.ts'

export type Stored =
  /** Somebody else's object. */
  | { readonly kind: 'foreign' }
  | { readonly kind: 'unknown-format'; readonly where: string; readonly format: string }
  | { readonly kind: 'release'; readonly release: StoredRevision }

export interface StoredRevision {
  /** `shop/app`: the namespace and the name of the release. */
  readonly id: string
  /** Undefined where neither the labels nor the name tell. */
  readonly revision: number | undefined
  readonly deployed: boolean
  /** `Helm release shop/app revision 3`. */
  readonly where: string
  readonly storage: StorageKind
  /** `data.release` as the API shows it. */
  readonly payload: unknown
}

const SECRET_TYPE = 'helm.sh/release.'
const NAME = /^sh\.helm\.release\.([^.]+)\.(.*?)(?:\.v(\d+))?$/

export function recogniseRelease(storage: StorageKind, object: unknown): Stored {
  const metadata = field(object, 'metadata')
  const name = text(field(metadata, 'name'))
  const type = text(field(object, 'type'))
  const labels = field(metadata, 'labels')
  const named = NAME.exec(name)
  const format = formatOf(type, named?.[1])
  const payload = field(field(object, 'data'), 'release')
  const labelled = text(field(labels, 'owner')) === 'helm' && payload !== undefined
  if (format === undefined && !labelled) return { kind: 'foreign' }
  const release = text(field(labels, 'name')) || (named?.[2] ?? name)
  const id = `${text(field(metadata, 'namespace'))}/${release}`
  const revision = revisionOf(text(field(labels, 'version')), named?.[3])
  const where = `Helm release ${id}${revision === undefined ? ` (${storage} ${name})` : ` revision ${revision}`}`
  if (format !== undefined && format !== 'v1') return { kind: 'unknown-format', where, format }
  const deployed = text(field(labels, 'status')) === 'deployed'
  return { kind: 'release', release: { id, revision, deployed, where, storage, payload } }
}

/** The version of the storage format; where type and name disagree, the one that is not v1. */
function formatOf(type: string, ofName: string | undefined): string | undefined {
  const ofType = type.startsWith(SECRET_TYPE) ? type.slice(SECRET_TYPE.length) : undefined
  return [ofType, ofName].find((format) => format !== undefined && format !== 'v1') ?? ofType ?? ofName
}

function revisionOf(label: string, ofName: string | undefined): number | undefined {
  const written = /^\d{1,9}$/.test(label) ? label : ofName
  return written === undefined ? undefined : Number(written)
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
