/**
 * What a preview decides in the end, by the repositories of an inventory: of each image or tag the last decision, once,
 * however many runs its file has. A name is the whole name, unless its system leaves out the beginning; where such a
 * name fits several repositories nothing is decided, because any choice could show an agreement that is none.
 */
import type { Preview, PreviewEntry } from './preview-entry.ts'

/** The last decision on an image or tag. */
export interface Said {
  readonly entry: PreviewEntry
  /** The repositories of the inventory that it may be about; of more than one it is not told which. */
  readonly repositories: readonly string[]
}

export interface Decisions {
  readonly all: readonly Said[]
  /** @param name a tag or a digest */
  on(repository: string, name: string): Said | undefined
  /** What the source does with an image of a repository that the preview does not name. */
  onMissing(repository: string): 'keep' | 'not looked at'
}

interface Holding {
  readonly repository: string
  /** Tags and digests. */
  readonly names: readonly string[]
}

/** @param holdings every repository of the inventory, with what it holds */
export function decisionsIn(preview: Preview, holdings: readonly Holding[]): Decisions {
  const repositoriesOf = repositoriesBy(holdings)
  const last = new Map<string, Said>()
  for (const entry of inOrder(preview.entries)) {
    const repositories = repositoriesOf(entry)
    const [only] = repositories
    const place = repositories.length === 1 && only !== undefined ? only : (entry.repository ?? '')
    last.set(`${place} ${nameOf(entry)}`, { entry, repositories })
  }
  const all = [...last.values()]
  const byPlace = new Map<string, Said>()
  // What is certain is set last, so it goes before what may be about this repository or another.
  for (const said of all.toSorted((a, b) => b.repositories.length - a.repositories.length)) {
    for (const repository of said.repositories) byPlace.set(`${repository} ${nameOf(said.entry)}`, said)
  }
  const { isComplete, onlyRepository } = preview
  return {
    all,
    on: (repository, name) => byPlace.get(`${repository} ${name}`),
    onMissing: (repository) =>
      isComplete || (onlyRepository !== undefined && onlyRepository !== repository)
        ? 'not looked at'
        : 'keep',
  }
}

function nameOf({ tag, digest }: PreviewEntry): string {
  return tag ?? digest ?? ''
}

/** By time; an entry without one is as old as the one before it in the file. */
function inOrder(entries: readonly PreviewEntry[]): readonly PreviewEntry[] {
  let at = -Infinity
  const timed = entries.map((entry) => {
    at = entry.at ?? at
    return { entry, at }
  })
  return timed.toSorted((a, b) => (a.at === b.at ? 0 : a.at - b.at)).map(({ entry }) => entry)
}

function repositoriesBy(holdings: readonly Holding[]): (entry: PreviewEntry) => readonly string[] {
  const all = new Set(holdings.map(({ repository }) => repository))
  const holders = new Map<string, Set<string>>()
  const byEnding = new Map<string, readonly string[]>()
  for (const { repository, names } of holdings) {
    for (const name of names) {
      const others = holders.get(name)
      if (others === undefined) holders.set(name, new Set([repository]))
      else others.add(repository)
    }
  }
  const endingIn = (name: string): readonly string[] => {
    const known = byEnding.get(name) ?? [...all].filter((repository) => repository.endsWith(`/${name}`))
    byEnding.set(name, known)
    return known
  }
  return (entry) => {
    const { repository, otherName, mayLackBeginning = false } = entry
    if (repository === undefined) return [...(holders.get(nameOf(entry)) ?? [])]
    const whole = [repository, otherName].find((name) => name !== undefined && all.has(name))
    if (whole !== undefined) return [whole]
    return mayLackBeginning ? endingIn(repository) : []
  }
}
