/**
 * Tags that are no names of images but hang an artifact on another manifest.
 *
 * `sha256-<hex>` is the referrers fallback of the distribution specification ("Referrers Tag Schema"),
 * `sha256-<hex>.sig`, `.att`, `.sbom` are cosign's, and `sha256-<hex>.link-<commit>` is a record of `winnow link`
 * (core/git/link-record.ts). Everything else is an ordinary tag.
 */
import { parseDigest, type Digest } from './digest.ts'

const attached = /^(?:.*-)?(sha256|sha512)-([a-f0-9]{64}|[a-f0-9]{128})(?:\.(?:sig|att|sbom))?$/
const fallback = /^(sha256|sha512)-([a-f0-9]{64}|[a-f0-9]{128})$/
const shortestAttachedTag = 71

/** The tag of a link record: the hex of its subject, then the first 40 digits of a commit id. */
const link = /^sha256-([a-f0-9]{64})\.link-([a-f0-9]{40})$/
const linkMark = '.link-'
const linkTagLength = 117

/** The manifest that the bearer of this tag hangs on, or undefined for an ordinary tag. */
export function attachedTo(tag: string): Digest | undefined {
  // Nearly every tag is shorter than any attached one; a million of them are asked.
  if (tag.length < shortestAttachedTag) return undefined
  const suffixed = tag.endsWith('.sig') || tag.endsWith('.att') || tag.endsWith('.sbom')
  const match = (suffixed ? attached : fallback).exec(tag)
  return match === null ? linkTagParts(tag)?.subject : parseDigest(`${match[1] ?? ''}:${match[2] ?? ''}`)
}

/** What the tag of a link record spells; undefined for every other tag. The commit is its first 40 digits. */
export function linkTagParts(tag: string): { readonly subject: Digest; readonly commit: string } | undefined {
  if (tag.length !== linkTagLength || !tag.startsWith(linkMark, shortestAttachedTag)) return undefined
  const [, hex = '', commit = ''] = link.exec(tag) ?? []
  const subject = parseDigest(`sha256:${hex}`)
  return subject && { subject, commit }
}
