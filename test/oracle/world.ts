/**
 * A world as files would tell it: winnow.yaml, one inventory for each registry, evidence, and the time. Everything is
 * plain JSON in the shapes that the design page gives, so that a failing world can be saved and given to the command
 * line as it is. Nothing in here comes from the program.
 */
export interface World {
  readonly now: string
  readonly config: WorldConfig
  readonly inventories: readonly WorldInventory[]
  readonly evidence: WorldEvidence
}

export interface WorldConfig {
  readonly version: 1
  readonly registries: Readonly<
    Record<string, { readonly url: string; readonly aliases?: readonly string[] }>
  >
  readonly protect?: {
    readonly youngerThan?: string
    readonly seenInUseWithin?: string
    readonly tags?: readonly string[]
  }
  readonly limits?: {
    readonly maxDeletions?: number
    readonly maxShare?: string
    readonly minSurvivors?: number
  }
  readonly policies: readonly WorldPolicy[]
}

export interface WorldPolicy {
  readonly name: string
  readonly registry?: string
  readonly repositories: readonly string[]
  readonly unit?: 'image' | 'tag'
  readonly rules: readonly WorldRule[]
  readonly unmatched: 'keep' | 'delete'
  readonly emptied?: 'keep' | 'delete'
}

export interface WorldRule {
  readonly name: string
  readonly match?: WorldBlock | readonly WorldBlock[]
  readonly not?: WorldBlock | readonly WorldBlock[]
  readonly except?: WorldBlock | readonly WorldBlock[]
  readonly keep?: WorldKeep
  readonly delete?: WorldDelete
}

export interface WorldBlock {
  readonly tags?: readonly string[]
  readonly tagsAll?: readonly string[]
  readonly tagsEvery?: readonly string[]
  readonly digests?: readonly string[]
  readonly holdsDigests?: readonly string[]
  readonly semver?: string
  readonly tagged?: boolean
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly artifactType?: readonly string[]
  readonly mediaType?: readonly string[]
  readonly platform?: readonly string[]
  readonly largerThan?: string
  readonly state?: readonly string[]
  readonly created?: 'known' | 'unknown'
  readonly locked?: boolean
  readonly part?: boolean
}

export interface WorldCounting {
  readonly by?:
    | 'pushed'
    | 'tagged'
    | 'uploaded'
    | 'created'
    | 'pulled'
    | 'active'
    | 'pulledItself'
    | 'activeItself'
    | 'semver'
    | 'name'
  readonly countBy?: NonNullable<WorldCounting['by']>
  readonly per?: string
  readonly count?: 'images' | 'tags'
  readonly combine?: 'any' | 'all'
}

export interface WorldKeep extends WorldCounting {
  readonly all?: true
  readonly newest?: number
  readonly within?: string
  readonly pulledWithin?: string
  readonly hourly?: number
  readonly daily?: number
  readonly weekly?: number
  readonly monthly?: number
  readonly yearly?: number
  readonly timezone?: string
}

export interface WorldDelete extends WorldCounting {
  readonly all?: true
  readonly olderThan?: string
  readonly beyondNewest?: number
  readonly notPulledFor?: string
  readonly countAmong?: 'matched' | 'eligible' | 'remaining'
  readonly onePageOf?: number
}

export interface WorldInventory {
  readonly schemaVersion: 'inventory/v1'
  readonly registry: string
  readonly takenAt: string
  readonly repositories: readonly WorldRepository[]
}

export interface WorldRepository {
  readonly name: string
  readonly complete?: boolean
  readonly manifests: readonly WorldManifest[]
}

export interface WorldManifest {
  readonly digest: string
  readonly mediaType?: string
  readonly sizeBytes?: number
  readonly tags?: readonly WorldTag[]
  readonly createdAt?: string | null
  readonly pushedAt?: string | null
  readonly uploadedAt?: string | null
  readonly pulledAt?: string | null
  readonly recordedAt?: string | null
  readonly firstSeenAt?: string | null
  readonly children?: readonly string[]
  readonly subject?: string | null
  readonly artifactType?: string | null
  readonly platform?: string | null
  readonly config?: { readonly digest: string; readonly sizeBytes: number } | null
  readonly layers?: readonly { readonly digest: string; readonly sizeBytes: number }[]
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly commits?: readonly string[]
  readonly locked?: boolean
}

export interface WorldTag {
  readonly name: string
  readonly pushedAt?: string | null
  readonly pulledAt?: string | null
}

export interface WorldEvidence {
  readonly schemaVersion: 'evidence/v1'
  readonly takenAt: string
  readonly sources: readonly WorldSource[]
}

export interface WorldSource {
  readonly name: string
  readonly complete: boolean
  readonly identity?: string
  readonly references?: readonly { readonly reference: string; readonly where: string }[]
  readonly digests?: readonly { readonly digest: string; readonly where: string }[]
}

/** One block or several, as a list. */
export function blocksOf(
  blocks: WorldBlock | readonly WorldBlock[] | undefined,
): readonly WorldBlock[] | undefined {
  if (blocks === undefined) return undefined
  return Array.isArray(blocks) ? (blocks as readonly WorldBlock[]) : [blocks as WorldBlock]
}
