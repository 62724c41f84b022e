/**
 * What an importer makes of a policy file: rules in Winnow's words, each with the line it comes from, and remarks for
 * the one who will read them. `cli/views/imported.ts` writes it as winnow.yaml; nothing here is evaluated.
 */

/** A block of `match`, `not` or `except`, as it will be written. */
export interface ImportedBlock {
  readonly tags?: readonly string[]
  readonly tagsAll?: readonly string[]
  readonly tagsEvery?: readonly string[]
  readonly digests?: readonly string[]
  readonly holdsDigests?: readonly string[]
  readonly mediaType?: readonly string[]
  readonly semver?: string
  readonly tagged?: boolean
  readonly labels?: Readonly<Record<string, string>>
  readonly state?: 'missing-children' | 'orphaned-referrer'
  readonly werf?: 'other'
  readonly created?: 'known' | 'unknown'
  readonly locked?: boolean
  readonly part?: boolean
}

export interface ImportedGitLimit {
  readonly newest?: number
  readonly within?: string
  readonly combine?: 'any' | 'all'
}

export interface ImportedGit {
  /** The name of the configuration's Git repository. */
  readonly repository: string
  readonly branches?: string
  readonly tags?: string
  readonly references?: ImportedGitLimit
  readonly images?: ImportedGitLimit
}

interface ImportedCounting {
  readonly by?:
    'tagged' | 'uploaded' | 'created' | 'pulledItself' | 'activeItself' | 'active' | 'semver' | 'name'
  /** A stream template: `{major}`. */
  readonly per?: string
  readonly countBy?: 'created'
  readonly count?: 'images'
  readonly combine?: 'any' | 'all'
}

export interface ImportedKeep extends ImportedCounting {
  readonly all?: true
  readonly newest?: number
  readonly within?: string
  readonly pulledWithin?: string
  readonly git?: ImportedGit
}

export interface ImportedDelete extends ImportedCounting {
  readonly all?: true
  readonly olderThan?: string
  readonly beyondNewest?: number
  readonly notPulledFor?: string
  readonly countAmong?: 'eligible' | 'remaining'
  readonly onePageOf?: number
}

export interface ImportedRule {
  readonly name: string
  /** Lines of comment above the rule: where it comes from, and what to know of it. */
  readonly comments: readonly string[]
  readonly match?: readonly ImportedBlock[]
  readonly not?: readonly ImportedBlock[]
  readonly except?: readonly ImportedBlock[]
  readonly keep?: ImportedKeep
  readonly delete?: ImportedDelete
  /** Written as a comment, ready to be switched on. */
  readonly isOff?: true
}

/** What the source says and no rule can take over; it stands as a comment where the rule would. */
export interface ImportedNote {
  readonly comments: readonly string[]
}

export interface ImportedPolicy {
  readonly name: string
  readonly comments: readonly string[]
  /** Left out where the configuration has one registry. */
  readonly registry?: string
  readonly repositories: readonly string[]
  /** Beside `repositories`. */
  readonly repositoriesRemark?: string
  readonly unit: 'image' | 'tag'
  readonly rules: readonly (ImportedRule | ImportedNote)[]
  readonly unmatched: 'keep' | 'delete'
  /** Beside `unmatched`: why. */
  readonly unmatchedRemark: string
  /** Given where the source removes tags and leaves manifests; the text stands beside `emptied: keep`. */
  readonly emptiedRemark?: string
}

export interface ImportedRegistry {
  readonly name: string
  readonly url: string
  /** `auto` when left out. */
  readonly kind?: string
  /** Beside the address. */
  readonly remark?: string
}

/** A Git repository that rules ask by its name. */
export interface ImportedGitRepository {
  readonly name: string
  /** The path of a clone. */
  readonly repository: string
  readonly absentCommits: 'unneeded'
  readonly importSources: 'unneeded'
  /** Lines of comment above it. */
  readonly comments: readonly string[]
}

export interface ImportedConfiguration {
  readonly registries: readonly ImportedRegistry[]
  /** Lines above the evidence that waits to be switched on. @default that the source knows nothing of use */
  readonly evidenceComments?: readonly string[]
  /** Left out where no rule asks Git. */
  readonly gitRepository?: ImportedGitRepository
  /** What the source protects by age. @default '0s' */
  readonly youngerThan?: string
  readonly policies: readonly ImportedPolicy[]
}

export function isRule(each: ImportedRule | ImportedNote): each is ImportedRule {
  return 'name' in each
}

/** The registry of a file that names none. */
export const unnamedRegistry: ImportedRegistry = {
  name: 'imported',
  url: 'https://registry.example.com',
  remark: 'the file does not say; write the address of the registry',
}
