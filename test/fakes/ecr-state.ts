/** What a fake of ECR holds beside the manifests themselves, and the rules by which it lets go of them. */
import { RegistryStore, type StoredRepository } from '../../src/adapters/registries/memory/store.ts'
import type { Digest } from '../../src/core/image/digest.ts'
import type { RepositoryName, TagName } from '../../src/core/image/names.ts'

export interface ImageId {
  readonly imageDigest?: Digest
  readonly imageTag?: TagName
}

export type Deletion =
  | { readonly kind: 'deleted'; readonly imageId: ImageId }
  | { readonly kind: 'failed'; readonly imageId: ImageId; readonly code: string; readonly reason: string }

export class EcrState {
  readonly store = new RegistryStore()
  readonly #pulledAt = new Map<string, number>()
  readonly #status = new Map<string, 'ARCHIVED' | 'ACTIVATING'>()
  readonly immutable = new Set<RepositoryName>()
  /** IAM actions that nobody is allowed. */
  readonly denied = new Set<string>()

  pulled(repository: RepositoryName, digest: Digest, at: number): void {
    this.#pulledAt.set(`${repository}@${digest}`, at)
  }

  pulledAt(repository: RepositoryName, digest: Digest): number | undefined {
    return this.#pulledAt.get(`${repository}@${digest}`)
  }

  archive(repository: RepositoryName, digest: Digest): void {
    this.#status.set(`${repository}@${digest}`, 'ARCHIVED')
  }

  /** Pushing an archived image again brings it back. */
  activate(repository: RepositoryName, digest: Digest): void {
    this.#status.delete(`${repository}@${digest}`)
  }

  statusOf(repository: RepositoryName, digest: Digest): 'ACTIVE' | 'ARCHIVED' | 'ACTIVATING' {
    return this.#status.get(`${repository}@${digest}`) ?? 'ACTIVE'
  }

  /** As BatchDeleteImage does it: the last tag takes the image along, and an index keeps its parts. */
  remove(held: StoredRepository, { imageDigest, imageTag }: ImageId): Deletion {
    const tagged = imageTag === undefined ? undefined : held.tags.get(imageTag)?.digest
    const digest = imageDigest ?? tagged
    const imageId = {
      ...(digest !== undefined && { imageDigest: digest }),
      ...(imageTag !== undefined && { imageTag }),
    }
    const failed = (code: string, reason: string): Deletion => ({ kind: 'failed', imageId, code, reason })
    if (
      digest === undefined ||
      !held.manifests.has(digest) ||
      (imageTag !== undefined && tagged === undefined)
    )
      return failed('ImageNotFound', 'Requested image not found')
    if (imageTag !== undefined && tagged !== digest)
      return failed('ImageTagDoesNotMatchDigest', 'The tag does not match the digest')
    const isNameOnly = imageDigest === undefined && held.tagsOf(digest).length > 1
    if (isNameOnly && imageTag !== undefined) {
      held.tags.delete(imageTag)
      return { kind: 'deleted', imageId }
    }
    const above = held.indexesOf(digest).map((index) => index.digest)
    if (above.length > 0)
      return failed(
        'ImageReferencedByManifestList',
        `Requested image referenced by manifest list: [${above.join(', ')}]`,
      )
    held.remove(digest)
    return { kind: 'deleted', imageId }
  }
}
