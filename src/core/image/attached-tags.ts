/**
 * Tags that are no names of images but hang an artifact on another manifest.
 *
 * `sha256-<hex>` is the referrers fallback of the distribution specification ("Referrers Tag Schema"), and
 * `sha256-<hex>.sig`, `.att`, `.sbom` are cosign's. Everything else is an ordinary tag.
 */
import { parseDigest, type Digest } from './digest.ts'

const attached = /^(?:.*-)?(sha256|sha512)-([a-f0-9]{64}|[a-f0-9]{128})(?:\.(?:sig|att|sbom))?$/
const fallback = /^(sha256|sha512)-([a-f0-9]{64}|[a-f0-9]{128})$/
const shortestAttachedTag = 71

/** The manifest that the bearer of this tag hangs on, or undefined for an ordinary tag. */
export function attachedTo(tag: string): Digest | undefined {
  // Nearly every tag is shorter than any attached one; a million of them are asked.
  if (tag.length < shortestAttachedTag) return undefined
  const suffixed = tag.endsWith('.sig') || tag.endsWith('.att') || tag.endsWith('.sbom')
  const match = (suffixed ? attached : fallback).exec(tag)
  return match === null ? undefined : parseDigest(`${match[1] ?? ''}:${match[2] ?? ''}`)
}
