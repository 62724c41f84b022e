/** A registry for records, in memory: every call is a turn that the test gives when it likes. */
import { createHash } from 'node:crypto'
import { parseDigest, type Digest } from '../../src/core/image/digest.ts'
import type { RegistryName, TagName } from '../../src/core/image/names.ts'
import type { LinkableRegistry, LinkPutOutcome } from '../../src/ports/mutable-link-registry.ts'
import type { RawManifest } from '../../src/ports/readable-registry.ts'

/** Lets the next call happen; resolves when it may. */
export type Turn = (what: string) => Promise<void>

export interface FakeLinkRegistry extends LinkableRegistry {
  readonly tags: Map<TagName, RawManifest>
  readonly blobs: Set<Digest>
  /** Tags that are listed and whose manifest is not found for so many reads: written in place just now. */
  readonly blinking: Map<TagName, number>
  /** Refuses manifests put under these tags. */
  readonly refuses: Set<TagName>
}

export function hash(texts: Iterable<string>): Digest {
  const sum = createHash('sha256')
  for (const text of texts) sum.update(text)
  return parseDigest(`sha256:${sum.digest('hex')}`)!
}

export function fakeLinkRegistry(image: RawManifest, turn: Turn = async () => undefined): FakeLinkRegistry {
  const tags = new Map<TagName, RawManifest>([['main' as TagName, image]])
  const manifests = new Map<Digest, RawManifest>([[image.digest, image]])
  const blobs = new Set<Digest>()
  const blinking = new Map<TagName, number>()
  const refuses = new Set<TagName>()
  const read = (tag: TagName): RawManifest | undefined => {
    const left = blinking.get(tag) ?? 0
    if (left > 0) blinking.set(tag, left - 1)
    return left > 0 ? undefined : tags.get(tag)
  }
  return {
    name: 'fake' as RegistryName,
    tags,
    blobs,
    blinking,
    refuses,
    async describe(_repository, reference) {
      await turn(`describe ${reference}`)
      const found = manifests.get(reference as Digest) ?? tags.get(reference as TagName)
      return found && { digest: found.digest, mediaType: found.mediaType, sizeBytes: found.bytes.length }
    },
    async readTagged(_repository, tag) {
      await turn(`read ${tag}`)
      return read(tag)
    },
    async listTags() {
      await turn('list')
      return new Set(tags.keys())
    },
    listReferrers: async () => undefined,
    async putBlob(_repository, { digest }) {
      await turn(`blob ${digest}`)
      blobs.add(digest)
      return { kind: 'done' }
    },
    async putManifest(_repository, manifest, tag): Promise<LinkPutOutcome> {
      await turn(`put ${tag}`)
      if (refuses.has(tag)) {
        const outcome = { kind: 'refused', reason: 'unsupported', text: 'unknown artifact type' } as const
        return { outcome, isSubjectKept: false }
      }
      blinking.delete(tag)
      tags.set(tag, manifest)
      manifests.set(manifest.digest, manifest)
      return { outcome: { kind: 'done' }, isSubjectKept: false }
    },
  }
}
