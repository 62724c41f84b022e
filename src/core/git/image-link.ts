/** A statement that an image was built from a commit, and who says so. All that are found of an image unite. */
export interface ImageLink {
  /**
   * As written, in lower case: hexadecimal digits, which are resolved where the history is at hand, or a text that names no
   * commit, of which nobody can tell what it stands for.
   */
  readonly commit: string
  readonly origin: LinkOrigin
  /**
   * Images of several names in one repository are counted apart, where a record tells the name (werf's do: the hash of the
   * image's name); undefined everywhere else.
   */
  readonly imageName?: string
}

/**
 * inventory: `commits` of an inventory file · label, annotation: `org.opencontainers.image.revision` · tag: the group
 * `commit` of a tag pattern · provenance: an attestation of BuildKit or another builder · record: made by `winnow link` in
 * the registry · file: made by `winnow link` elsewhere · werf: a record of werf's.
 */
export type LinkOrigin =
  'inventory' | 'label' | 'annotation' | 'tag' | 'provenance' | 'record' | 'file' | 'werf'
