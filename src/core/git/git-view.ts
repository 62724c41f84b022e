/** What rules see of Git while they look at one repository of images. */
import type { Node } from '../image/graph.ts'
import type { TagPatterns } from '../policy/patterns.ts'
import type { GitHistory, GitName } from './git-history.ts'
import type { ImageLink } from './image-link.ts'

/** What the configuration says of a Git repository, beside where it lies. */
export interface GitRepositoryPolicy {
  readonly name: GitName
  /** The image repositories that are built from it; undefined: only rules that name it ask it. */
  readonly images: TagPatterns | undefined
  /** Tags that hold a commit id, in their group `commit`. */
  readonly commitTags: TagPatterns | undefined
  /** What becomes of an image whose commit the repository does not have. */
  readonly absentCommits: 'keep' | 'unneeded'
  /** What an image of werf's was built from, beside its parents, where nothing but Git keeps the image. @default 'keep' */
  readonly importSources?: 'keep' | 'unneeded'
  /** A larger share of the linked commits lost at once is a doubt; 0 to 1. */
  readonly maxLostShare: number
}

export interface GitView {
  /** The history that a rule asks: the one it names, or else the one that these images belong to. */
  lookUp(repository: GitName | undefined): GitLookUp
}

export type GitLookUp =
  | {
      readonly kind: 'found'
      readonly history: GitHistory
      readonly policy: GitRepositoryPolicy
      /** The commits that an image is linked to. */
      linksOf(image: Node): readonly ImageLink[]
    }
  /** Nobody can tell; every image that such a rule reaches stays. */
  | { readonly kind: 'unknown'; readonly why: string }
