/** Where in a host of Google's to look for repositories: the host itself does not tell. */
import { splitProject, type GooglePlace } from '../../../core/evidence/google-names.ts'

/**
 * The names to look below; undefined where nobody says which projects there are.
 *
 * @param root what the address names below the host; it alone counts where it is given
 * @param namespaces first segments of the names that policies govern; undefined where those may be any
 */
export function rootsOf(
  root: string | undefined,
  namespaces: readonly string[] | undefined,
): readonly string[] | undefined {
  if (root !== undefined) return [root]
  // A domain alone is half of a project's name.
  return namespaces?.some((name) => name.includes('.')) === true ? undefined : namespaces
}

/** Whether a name goes beyond a project, so that somebody meant this very repository. */
export function otherThanProject(place: GooglePlace | undefined, root: string): boolean {
  return place?.repository !== undefined || splitProject(root).rest !== ''
}
