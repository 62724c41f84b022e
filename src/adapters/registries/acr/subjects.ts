/**
 * Remembers what a run deleted, and what hung on it by `subject`: this registry deletes referrers with their subject, so a
 * referrer that is no longer there when its turn comes has gone by our own doing, and an undo must bring it back.
 *
 * Apply reads every manifest that is to go before the first one goes; what it reads is noted here, so this costs no
 * request. What was never noted counts as gone before us.
 */
import type { Digest } from '../../../core/image/digest.ts'
import { ManifestUnreadableError } from '../../../core/image/manifest-fields.ts'
import type { RepositoryName } from '../../../core/image/names.ts'
import { parseManifest } from '../../../core/image/parse-manifest.ts'
import type { RawManifest } from '../../../ports/readable-registry.ts'

export class Subjects {
  readonly #subjects = new Map<string, Digest>()
  readonly #deleted = new Set<string>()

  read(repository: RepositoryName, manifest: RawManifest): void {
    const subject = subjectOf(manifest)
    if (subject !== undefined) this.#subjects.set(`${repository}@${manifest.digest}`, subject)
  }

  deleted(repository: RepositoryName, digest: Digest): void {
    this.#deleted.add(`${repository}@${digest}`)
  }

  put(repository: RepositoryName, digest: Digest): void {
    this.#deleted.delete(`${repository}@${digest}`)
  }

  /** Whether the deletion of its subject, or of that one's, has taken it along. */
  wentAlong(repository: RepositoryName, digest: Digest): boolean {
    const seen = new Set<Digest>([digest])
    let subject = this.#subjects.get(`${repository}@${digest}`)
    while (subject !== undefined && !seen.has(subject)) {
      if (this.#deleted.has(`${repository}@${subject}`)) return true
      seen.add(subject)
      subject = this.#subjects.get(`${repository}@${subject}`)
    }
    return false
  }
}

function subjectOf({ bytes, mediaType, digest }: RawManifest): Digest | undefined {
  try {
    return parseManifest(bytes, mediaType, digest).subject
  } catch (error) {
    if (error instanceof ManifestUnreadableError) return undefined
    throw error
  }
}
