/**
 * The media types that tell manifests, indexes, configs and layers apart (OCI image specification, "Media Types";
 * Docker image manifest V2). What is in none of these lists is an artifact of its own kind.
 */

export const ociManifestType = 'application/vnd.oci.image.manifest.v1+json'
export const ociIndexType = 'application/vnd.oci.image.index.v1+json'
export const ociArtifactType = 'application/vnd.oci.artifact.manifest.v1+json'
export const dockerManifestType = 'application/vnd.docker.distribution.manifest.v2+json'
export const dockerListType = 'application/vnd.docker.distribution.manifest.list.v2+json'
export const schema1Type = 'application/vnd.docker.distribution.manifest.v1+json'
export const signedSchema1Type = 'application/vnd.docker.distribution.manifest.v1+prettyjws'
/** What BuildKit writes beside layers in the index form of its cache. */
export const buildkitCacheConfigType = 'application/vnd.buildkit.cacheconfig.v0'

export type ManifestShape = 'image' | 'index' | 'artifact' | 'schema1'

const shapes: ReadonlyMap<string, ManifestShape> = new Map([
  [ociManifestType, 'image'],
  [dockerManifestType, 'image'],
  [ociIndexType, 'index'],
  [dockerListType, 'index'],
  [ociArtifactType, 'artifact'],
  [schema1Type, 'schema1'],
  [signedSchema1Type, 'schema1'],
])

const imageConfigTypes: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
  // Docker 1.10 wrote image configs under this one.
  'application/octet-stream',
])

/** All manifest media types, in the order a registry should prefer them. */
export const manifestTypes: readonly string[] = [...shapes.keys()]

/** What a manifest of this media type looks like inside; undefined when the type is not one of a manifest. */
export function shapeOf(mediaType: string): ManifestShape | undefined {
  return shapes.get(mediaType)
}

/** Whether a config of this media type says when and for what platform an image was built. */
export function isImageConfigType(mediaType: string | undefined): boolean {
  return mediaType !== undefined && imageConfigTypes.has(mediaType)
}

/** `Application/JSON; charset=utf-8` is `application/json` (RFC 9110 section 8.3.1). */
export function bareMediaType(text: string): string {
  // Nearly all are bare, and there is one for every layer.
  if (!/[^a-z0-9./+_-]/.test(text)) return text
  return (text.split(';', 1)[0] ?? '').trim().toLowerCase()
}
