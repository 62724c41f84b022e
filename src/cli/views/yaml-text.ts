/** YAML for people; a file of its own, because the library is loaded only when YAML is asked for. */
import { stringify } from 'yaml'

/** The document as YAML, without aliases and without folded lines. */
export function yamlText(document: unknown): string {
  return stringify(document, { lineWidth: 0, aliasDuplicateObjects: false })
}
