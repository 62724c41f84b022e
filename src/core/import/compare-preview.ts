/** A plan made with an imported policy beside what the source itself would delete, image by image or tag by tag. */
import type { Inventory } from '../inventory/inventory.ts'
import type { Plan } from '../plan/plan.ts'
import { platformsIn, type NamedManifest, type PlatformOf, type Platforms } from './platforms-of.ts'
import type { Preview, PreviewEntry } from './preview.ts'

export interface Compared {
  readonly repository: string
  /** A tag, or a digest. */
  readonly name: string
  readonly source: 'delete' | 'keep' | 'not looked at'
  readonly winnow: 'delete' | 'keep' | 'not in the inventory'
  readonly outcome: 'agree' | 'kept here' | 'deleted here' | 'unknown'
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
  const used = new Set<PreviewEntry>()
  const said = indexOf(preview.entries)
  const rows = decided.map((each) => {
    const entry = entryFor(each, said)
    if (entry !== undefined) used.add(entry)
    return compare(each, entry, preview, platforms)
  })
  const images = imagesOf(byTag ? decisionsOf(plan, false) : decided)
  const others = preview.entries
    .filter((entry) => entry.decision === 'delete' && !used.has(entry))
    .map((entry): Compared => {
      const part = partOf(entry, images, platforms)
      return part === undefined ? absent(entry) : compare(part, entry, preview, platforms)
    })
  return [...rows, ...others]
}

function absent({ repository = '', tag, digest }: PreviewEntry): Compared {
  return {
    repository,
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

/**
 * What becomes of a digest that is no row of its own: an image that is one under its tags, or a platform, which goes when
 * the last index goes that names it.
 */
function partOf(entry: PreviewEntry, images: Images, platforms: Platforms): Decided | undefined {
  const { digest, repository } = entry
  if (digest === undefined) return undefined
  const isSaidOf = (found: { readonly repository: string }): boolean =>
    repository === undefined || isIn(found.repository, repository)
  const own = images.get(digest)?.find(isSaidOf)
  if (own !== undefined) return own
  const holders = rootsOf(digest, images, platforms, new Set()).filter(isSaidOf)
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

function compare(
  each: Decided,
  entry: PreviewEntry | undefined,
  preview: Preview,
  platforms: Platforms,
): Compared {
  const source = entry?.decision ?? (preview.isComplete ? 'not looked at' : 'keep')
  const winnow = each.isDeleted ? 'delete' : 'keep'
  const told = entry?.told === undefined ? '' : `source: ${entry.told}; `
  const index = platforms.indexesOf(each.digest).find(({ repository }) => repository === each.repository)
  return {
    repository: each.repository,
    name: each.tag ?? each.digest,
    source,
    winnow,
    outcome:
      source === winnow
        ? 'agree'
        : source === 'delete'
          ? 'kept here'
          : winnow === 'delete'
            ? 'deleted here'
            : 'agree',
    why: `${told}here: ${each.why}`,
    digest: each.digest,
    tags: each.tags,
    ...(index !== undefined && { platformOf: withoutRepository(index) }),
  }
}

function withoutRepository({ repository: _, ...index }: PlatformOf): NonNullable<Compared['platformOf']> {
  return index
}

type Index = ReadonlyMap<string, readonly PreviewEntry[]>

/** By tag or digest; a preview may be as long as a registry. */
function indexOf(entries: readonly PreviewEntry[]): Index {
  const index = new Map<string, PreviewEntry[]>()
  for (const entry of entries) {
    const key = entry.tag ?? entry.digest ?? ''
    const same = index.get(key)
    if (same === undefined) index.set(key, [entry])
    else same.push(entry)
  }
  return index
}

function entryFor(each: Decided, index: Index): PreviewEntry | undefined {
  return index
    .get(each.tag ?? each.digest)
    ?.find(({ repository }) => repository === undefined || isIn(each.repository, repository))
}

/** Sources leave out the project or the first folders. */
function isIn(repository: string, told: string): boolean {
  return repository === told || repository.endsWith(`/${told}`)
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
