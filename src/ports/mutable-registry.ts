/**
 * Changing a registry. Only `app/apply`, `app/undo` and `app/sweep` are ever handed one (dependency-cruiser checks).
 *
 * Refusals are values, because a run goes on after them; what breaks the conversation itself (no access, no answer)
 * throws. A deletion of what is already gone is `absent`, which callers count as done.
 */
import type { Digest } from '../core/image/digest.ts'
import type { RegistryName, RepositoryName, TagName } from '../core/image/names.ts'
import type { RawManifest } from './readable-registry.ts'
import type { RunOptions } from './run-options.ts'

export interface MutableRegistry {
  readonly name: RegistryName
  /** Removes one name; its manifest and sibling tags stay. Refused as `unsupported` where that cannot be had. */
  untag(repository: RepositoryName, tag: TagName, options?: RunOptions): Promise<ChangeOutcome>
  /**
   * Removes a manifest, and with it every tag that points at it.
   *
   * @param known the tags that are meant to go along; a driver that can see it right before, with no request more or one
   * for a whole batch, refuses a manifest that has another tag by now as `protected`. Left out, nobody knows of any tags.
   */
  deleteManifest(
    repository: RepositoryName,
    digest: Digest,
    options?: RunOptions,
    known?: KnownTags,
  ): Promise<ChangeOutcome>
  /** Puts a manifest back, byte for byte, under its digest, and under `tag` where one is given. */
  putManifest(
    repository: RepositoryName,
    manifest: RawManifest,
    tag: TagName | undefined,
    options?: RunOptions,
  ): Promise<ChangeOutcome>
  /**
   * Takes a deletion back from the registry's own bin: a manifest with the tags it had, or the one tag that is given.
   * `absent` when the bin does not have it; then it is put back by `putManifest`. Left out where there is no bin.
   */
  restore?(
    repository: RepositoryName,
    digest: Digest,
    tag: TagName | undefined,
    options?: RunOptions,
  ): Promise<ChangeOutcome>
  /**
   * Deletes what `untag` left behind when its run died, where removing a name takes several steps. Left out where it takes
   * one.
   */
  removeLeftovers?(repository: RepositoryName, options?: RunOptions): Promise<void>
}

/** What the caller has seen and decided upon. */
export interface KnownTags {
  readonly tags: readonly TagName[]
}

export type ChangeOutcome =
  | { readonly kind: 'done' }
  /** It was not there any more. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'refused'; readonly reason: RefusalReason; readonly text: string }

/**
 * disabled: the registry has deletion switched off · read-only: it takes no change now · unsupported: it has no such
 * call · forbidden: these credentials may not · protected: immutable or locked there · referenced: something that
 * stays needs it · referrers-first: what refers to it has to go before it · missing-blob: a manifest cannot be put back
 * because a blob or child is gone.
 */
export type RefusalReason =
  | 'disabled'
  | 'read-only'
  | 'unsupported'
  | 'forbidden'
  | 'protected'
  | 'referenced'
  | 'referrers-first'
  | 'missing-blob'
