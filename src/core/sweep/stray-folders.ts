/**
 * Folders of a Distribution storage that no registry serves, for their path can be no repository (`_x`, `Team`). Whatever
 * links lie in them count, since marking more is safe, and nothing of them is removed, since it may be somebody else's. As
 * their bytes show nowhere, a sweep tells where they are.
 */
import { parseRepositoryName } from '../image/names.ts'

/** How much of a name is shown. */
const SHOWN_CHARACTERS = 300

/** The outermost of these folders, each in the one before and the first in `repositories/`, that can be no repository. */
export function outermostStray(folders: readonly string[]): string | undefined {
  for (let depth = 1; depth <= folders.length; depth += 1) {
    const path = folders.slice(0, depth).join('/')
    if (parseRepositoryName(path) === undefined) return path
  }
  return undefined
}

/** What to warn of, given where such folders are; undefined where there are none. */
export function strayWarning(places: Iterable<string>): string | undefined {
  const [first, ...others] = [...new Set(places)].toSorted()
  if (first === undefined) return undefined
  // Whoever can write there can make names, and names can hold control characters.
  const name = JSON.stringify(first.slice(0, SHOWN_CHARACTERS)).replace(/[\u007f-\u009f]/g, '?')
  const more = others.length === 0 ? '' : `, and ${others.length} more like it,`
  return `${name}${more} can be no repository, so no registry serves what lies in it. Its links count and it is left alone; if nobody needs it, remove it by hand.`
}
