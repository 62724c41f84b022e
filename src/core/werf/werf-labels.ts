/** The labels by which werf tells what a manifest of its own is (werf 2 and 3, `pkg/image`). */

export const werfLabels = {
  /** The project; every manifest of werf's has it. */
  project: 'werf',
  /** Marks a stage. */
  contentDigest: 'werf-stage-content-digest',
  /** The commit of the build that made the stage. */
  commit: 'werf-project-repo-commit',
  parent: 'werf.io/parent-stage-id',
  /** werf 2: the digest of the parent's config, as Docker calls images. */
  baseImage: 'werf.io/base-image-id',
  /** Of a record about a custom tag: the stage that bears it. */
  customTagStage: 'stage-id',
  /** Of an import record of werf 2: what was imported, and the stage it came from. */
  importChecksum: 'checksum',
  importSource: 'source-stage-id',
} as const

/** Labels whose names end in something of their own: the stage (or, the last, the checksum) is in the value. */
export const werfSourcePrefixes: readonly string[] = [
  'werf-import-source-stage-id-',
  'werf-dependency-stage-id-',
]
export const werfChecksumPrefix = 'werf-import-checksum-'
