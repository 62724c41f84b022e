/**
 * GitHub has no call to remove one tag. A tag goes by being moved to a manifest of nothing, pushed for that, which is then
 * deleted with its only tag. That manifest names itself in an annotation: if a run dies in between, whoever reads the
 * repository next knows it for what it is.
 */
import { randomBytes } from 'node:crypto'
import { shapeOf } from '../../../core/image/media-types.ts'
import type { TagName } from '../../../core/image/names.ts'
import type { RawManifest } from '../../../ports/readable-registry.ts'
import { isRecord } from '../oci/answers.ts'
import { manifestDigestOf } from '../oci/verify-digest.ts'

/** Its value is the tag that was to go. */
const mark = 'dev.winnow.throw-away'
/** Makes each one a manifest of its own, so that deleting it takes no other tag along. */
const unique = 'dev.winnow.throw-away.id'

export interface MarkedManifest {
  readonly annotations: Readonly<Record<string, string>>
  readonly layers: readonly unknown[]
  readonly children: readonly unknown[]
  readonly subject: string | undefined
}

/**
 * A manifest without content, of the kind of `source`; undefined for kinds that cannot be made up (schema 1).
 *
 * The config stays, because it is a blob that the repository certainly has; layers, children, subject go.
 */
export function makeThrowAway(source: RawManifest, tag: TagName): RawManifest | undefined {
  const shape = shapeOf(source.mediaType)
  if (shape !== 'index' && shape !== 'image') return undefined
  const document: unknown = JSON.parse(Buffer.from(source.bytes).toString('utf8'))
  const config = isRecord(document) ? document['config'] : undefined
  const content = shape === 'index' ? { manifests: [] } : { config, layers: [] }
  const annotations = { [mark]: tag, [unique]: randomBytes(16).toString('hex') }
  const made = { schemaVersion: 2, mediaType: source.mediaType, ...content, annotations }
  const bytes = Buffer.from(JSON.stringify(made))
  return { bytes, mediaType: source.mediaType, digest: manifestDigestOf(bytes, undefined) }
}

/** The tag that a throw-away was made for; undefined for every other manifest, whatever its annotations say. */
export function throwAwayTag({ annotations, layers, children, subject }: MarkedManifest): string | undefined {
  const isEmpty = layers.length === 0 && children.length === 0 && subject === undefined
  return isEmpty && annotations[unique] !== undefined ? annotations[mark] : undefined
}
