/** A plan made with an imported policy beside what the source itself would delete, image by image or tag by tag. */
import type { Inventory } from '../inventory/inventory.ts'
import type { Plan } from '../plan/plan.ts'
import { platformsIn, type NamedManifest, type PlatformOf, type Platforms } from './platforms-of.ts'
import { decisionsIn, type Decisions, type Said } from './preview-decisions.ts'
import type { Preview } from './preview-entry.ts'

export interface Compared {
  readonly repository: string
  /** A tag, or a digest. */
  readonly name: string
  /** `not told apart`: its name of the repository fits several. */
  readonly source: 'delete' | 'keep' | 'not looked at' | 'not told apart'
  readonly winnow: 'delete' | 'keep' | 'not in the inventory'
  readonly outcome: 'agree' | 'kept here' | 'deleted here' | 'not looked at' | 'not told apart' | 'unknown'
  /** What either side gives as its reason. */
  readonly why: string
  /** Whole; left out where the source names a tag that the inventory does not have. */
  readonly digest?: string
  /** All tags of that digest; left out where the inventory does not have it. */
  readonly tags?: readonly string[]
  /** The index that it is a platform of; a preview may name one by itself. */
  readonly platformOf?: NamedManifest & { readonly platform?: string }
}

interface Decided {
  readonly repository: string
  readonly digest: string
  readonly tag: string | undefined
  readonly tags: readonly string[]
  readonly isDeleted: boolean
  readonly why: string
}

/**
 * One row for each image of the plan, or for each tag where the source speaks of tags; and for what else the source
 * would delete: platforms of indexes, and what the inventory does not have.
 */
export function comparePreview(
  plan: Plan,
  preview: Preview,
  inventories: readonly Inventory[],
): readonly Compared[] {
  const platforms = platformsIn(inventories)
  const byTag = preview.entries.some(({ tag }) => tag !== undefined)
  const decided = decisionsOf(plan, byTag)
  const decisions = decisionsIn(preview, holdingsOf(inventories))
  const used = new Set<Said>()
  const rows = decided.map((each) => {
    const said = decisions.on(each.repository, each.tag ?? each.digest)
    if (said !== undefined) used.add(said)
    return compare(each, sourceOf(each, said, decisions), platforms)
  })
  const images = imagesOf(byTag ? decisionsOf(plan, false) : decided)
  const others = decisions.all
    .filter((said) => said.entry.decision === 'delete' && !used.has(said))
    .flatMap((said): readonly Compared[] => {
      const parts = partsOf(said, images, platforms)
      if (parts.length === 0) return [absent(said)]
      return parts.map((part) => compare(part, sourceOf(part, said, decisions), platforms))
    })
  return [...rows, ...others]
}

function holdingsOf(
  inventories: readonly Inventory[],
): readonly { readonly repository: string; readonly names: readonly string[] }[] {
  return inventories.flatMap(({ repositories }) =>
    repositories.map(({ name, manifests }) => ({
      repository: name,
      names: manifests.flatMap(({ digest, tags, children }) => [
        digest,
        ...children,
        ...tags.map((tag) => tag.name),
      ]),
    })),
  )
}

function absent({ entry, repositories }: Said): Compared {
  const { repository = '', tag, digest } = entry
  const [only] = repositories
  return {
    repository: repositories.length === 1 && only !== undefined ? only : repository,
    name: tag ?? digest ?? '',
    source: 'delete',
    winnow: 'not in the inventory',
    outcome: 'unknown',
    why: 'the inventory has no such image: it is newer than that, or is gone',
    ...(digest !== undefined && { digest }),
  }
}

type Images = ReadonlyMap<string, readonly Decided[]>

function imagesOf(decided: readonly Decided[]): Images {
  const images = new Map<string, Decided[]>()
  for (const each of decided) {
    const same = images.get(each.digest)
    if (same === undefined) images.set(each.digest, [each])
    else same.push(each)
  }
  return images
}

/** What becomes of a digest that is no row of its own, in each repository that it may be of. */
function partsOf({ entry, repositories }: Said, images: Images, platforms: Platforms): readonly Decided[] {
  const { digest } = entry
  if (digest === undefined) return []
  return repositories.flatMap((repository) => partOf(digest, repository, images, platforms) ?? [])
}

/** An image that is one under its tags, or a platform, which goes when the last index goes that names it. */
function partOf(
  digest: string,
  repository: string,
  images: Images,
  platforms: Platforms,
): Decided | undefined {
  const own = images.get(digest)?.find((each) => each.repository === repository)
  if (own !== undefined) return own
  const holders = rootsOf(digest, images, platforms, new Set()).filter(
    (each) => each.repository === repository,
  )
  const holder = holders.find(({ isDeleted }) => !isDeleted) ?? holders[0]
  if (holder === undefined) return undefined
  const name = holder.tags[0] ?? holder.digest
  const why = `hangs on ${name}, which ${holder.isDeleted ? 'goes' : 'stays'}: ${holder.why}`
  return { ...holder, digest, tag: undefined, tags: [], why }
}

/** The images that a manifest is a part of, through indexes of indexes. */
function rootsOf(
  digest: string,
  images: Images,
  platforms: Platforms,
  seen: Set<string>,
): readonly Decided[] {
  if (seen.has(digest)) return []
  seen.add(digest)
  return platforms.indexesOf(digest).flatMap((index) => {
    const own = images.get(index.digest)?.find(({ repository }) => repository === index.repository)
    return own === undefined ? rootsOf(index.digest, images, platforms, seen) : [own]
  })
}

interface Source {
  readonly source: Compared['source']
  readonly told: string | undefined
}

function sourceOf({ repository }: Decided, said: Said | undefined, decisions: Decisions): Source {
  if (said === undefined) return { source: decisions.onMissing(repository), told: undefined }
  const { entry, repositories } = said
  if (repositories.length === 1) return { source: entry.decision, told: entry.told }
  const called = entry.repository === undefined ? 'no repository' : entry.repository
  const told = `${entry.decision}, of ${called}, which may be ${repositories.toSorted().join(' or ')}`
  return { source: 'not told apart', told }
}

function compare(each: Decided, { source, told }: Source, platforms: Platforms): Compared {
  const winnow = each.isDeleted ? 'delete' : 'keep'
  const index = platforms.indexesOf(each.digest).find(({ repository }) => repository === each.repository)
  return {
    repository: each.repository,
    name: each.tag ?? each.digest,
    source,
    winnow,
    outcome: outcomeOf(source, winnow),
    why: `${told === undefined ? '' : `source: ${told}; `}here: ${each.why}`,
    digest: each.digest,
    tags: each.tags,
    ...(index !== undefined && { platformOf: withoutRepository(index) }),
  }
}

/** Only what the source decided can agree, or not. */
function outcomeOf(source: Compared['source'], winnow: 'delete' | 'keep'): Compared['outcome'] {
  if (source === 'not looked at' || source === 'not told apart') return source
  if (source === winnow) return 'agree'
  return winnow === 'delete' ? 'deleted here' : 'kept here'
}

function withoutRepository({ repository: _, ...index }: PlatformOf): NonNullable<Compared['platformOf']> {
  return index
}

function decisionsOf(plan: Plan, byTag: boolean): readonly Decided[] {
  const untagged = new Map<string, string>()
  for (const action of plan.actions) {
    if (action.kind === 'untag') {
      untagged.set(`${action.repository} ${action.tag}`, action.reasons.map(({ text }) => text).join('; '))
    }
  }
  const all = [
    ...plan.actions.flatMap((action) => (action.kind === 'delete' ? [{ ...action, isDeleted: true }] : [])),
    ...plan.kept.map((kept) => ({ ...kept, isDeleted: false })),
  ]
  return all.flatMap(({ repository, digest, tags, reasons, isDeleted }): readonly Decided[] => {
    const why = reasons.map(({ text }) => text).join('; ')
    if (!byTag || tags.length === 0) return [{ repository, digest, tag: undefined, tags, isDeleted, why }]
    return tags.map((tag) => {
      const alone = untagged.get(`${repository} ${tag}`)
      return { repository, digest, tag, tags, isDeleted: isDeleted || alone !== undefined, why: alone ?? why }
    })
  })
}
