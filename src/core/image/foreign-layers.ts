/**
 * Layers that registries need not hold: base layers of Windows, which clients fetch from elsewhere. Their absence is no
 * damage (OCI image specification, "Non-Distributable Layers"; Docker image manifest V2, "Foreign layers").
 */
import { parseDigest, type Digest } from './digest.ts'
import { decodeJson } from './manifest-json.ts'

const foreignType = /\.foreign\.|\.nondistributable\./

/** The layers of this manifest that may lie elsewhere; empty when the bytes are no manifest. */
export function foreignLayersOf(bytes: Uint8Array): ReadonlySet<Digest> {
  const document = decodeJson(bytes) as { readonly layers?: unknown } | null | undefined
  const layers: readonly unknown[] = Array.isArray(document?.layers) ? document.layers : []
  return new Set(layers.flatMap((layer) => foreignDigest(layer)))
}

function foreignDigest(layer: unknown): readonly Digest[] {
  const { digest, mediaType, urls } = (layer ?? {}) as Readonly<Record<string, unknown>>
  const isForeign =
    (typeof mediaType === 'string' && foreignType.test(mediaType)) || (Array.isArray(urls) && urls.length > 0)
  const parsed = isForeign && typeof digest === 'string' ? parseDigest(digest) : undefined
  return parsed === undefined ? [] : [parsed]
}
