/** A plan made with an imported policy beside what the source itself would delete, image by image or tag by tag. */
import type { Plan } from '../plan/plan.ts'
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
}

interface Decided {
  readonly repository: string
  readonly digest: string
  readonly tag: string | undefined
  readonly isDeleted: boolean
  readonly why: string
}

/** One row for each image of the plan, or for each tag where the source speaks of tags; and for what is not in it. */
export function comparePreview(plan: Plan, preview: Preview): readonly Compared[] {
  const byTag = preview.entries.some(({ tag }) => tag !== undefined)
  const decided = decisionsOf(plan, byTag)
  const used = new Set<PreviewEntry>()
  const said = indexOf(preview.entries)
  const rows = decided.map((each) => {
    const entry = entryFor(each, said)
    if (entry !== undefined) used.add(entry)
    return compare(each, entry, preview)
  })
  const absent = preview.entries
    .filter((entry) => entry.decision === 'delete' && !used.has(entry))
    .map((entry): Compared => ({
      repository: entry.repository ?? '',
      name: entry.tag ?? entry.digest ?? '',
      source: 'delete',
      winnow: 'not in the inventory',
      outcome: 'unknown',
      why: 'the inventory has no such image of its own: it is newer than that, hangs on another image, or is gone',
    }))
  return [...rows, ...absent]
}

function compare(each: Decided, entry: PreviewEntry | undefined, preview: Preview): Compared {
  const source = entry?.decision ?? (preview.isComplete ? 'not looked at' : 'keep')
  const winnow = each.isDeleted ? 'delete' : 'keep'
  const told = entry?.told === undefined ? '' : `source: ${entry.told}; `
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
  }
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
    if (!byTag || tags.length === 0) return [{ repository, digest, tag: undefined, isDeleted, why }]
    return tags.map((tag) => {
      const alone = untagged.get(`${repository} ${tag}`)
      return { repository, digest, tag, isDeleted: isDeleted || alone !== undefined, why: alone ?? why }
    })
  })
}
