/**
 * A registry in which links from images to commits are recorded. Only `app/link*` is ever handed one (dependency-cruiser
 * checks).
 *
 * It adds and never removes: there is no call for that. Refusals are values, because there is another way to keep a link;
 * what breaks the conversation itself throws.
 *
 * Contract, beyond the types:
 * - `undefined` means that the registry said "not there"; every other failure throws.
 * - What was put is there, byte for byte, when the call returns `done`.
 */
import type { SubjectDescriptor } from '../core/git/link-record.ts'
import type { Digest } from '../core/image/digest.ts'
import type { RegistryName, RepositoryName, TagName } from '../core/image/names.ts'
import type { ChangeOutcome } from './mutable-registry.ts'
import type { RawManifest } from './readable-registry.ts'
import type { RunOptions } from './run-options.ts'

export interface LinkableRegistry {
  readonly name: RegistryName
  /** What identifies the manifest that a tag or digest names now, by the cheapest question there is. */
  describe(
    repository: RepositoryName,
    reference: TagName | Digest,
    options?: RunOptions,
  ): Promise<SubjectDescriptor | undefined>
  /** The manifest under a tag, checked against the digest the registry tells. */
  readTagged(repository: RepositoryName, tag: TagName, options?: RunOptions): Promise<RawManifest | undefined>
  /** Every tag of a repository; none when it is not there. */
  listTags(repository: RepositoryName, options?: RunOptions): Promise<ReadonlySet<TagName>>
  /** What the registry itself lists as referrers; undefined where it keeps no such list (no referrers API). */
  listReferrers(
    repository: RepositoryName,
    subject: Digest,
    options?: RunOptions,
  ): Promise<readonly Digest[] | undefined>
  /** Uploads a blob unless it is there. */
  putBlob(repository: RepositoryName, blob: LinkBlob, options?: RunOptions): Promise<ChangeOutcome>
  putManifest(
    repository: RepositoryName,
    manifest: RawManifest,
    tag: TagName,
    options?: RunOptions,
  ): Promise<LinkPutOutcome>
}

export interface LinkBlob {
  readonly digest: Digest
  readonly bytes: Uint8Array
}

export interface LinkPutOutcome {
  readonly outcome: ChangeOutcome
  /** The registry said that it lists the manifest as a referrer itself (distribution-spec, `OCI-Subject`). */
  readonly isSubjectKept: boolean
}
