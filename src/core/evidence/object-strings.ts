/**
 * Walks an API object and shows every string of it with the keys above it. Only the keys, not whole paths: what an image
 * field means follows from its own key and the two above (`containers` → `image`, `volumes` → `image` → `reference`),
 * wherever a pod template is embedded.
 *
 * The walk keeps its own stack, so depth costs no call stack, and stops at a number of lists and maps that no object
 * of a cluster reaches: YAML can be written to contain itself.
 */

export interface Place {
  /** The key the value stands under; an element of a list stands under the key of the list. */
  readonly key: string
  readonly parentKey: string
  readonly grandparentKey: string
}

export interface ObjectVisitor {
  text(text: string, place: Place): void
  /** A key of a map; keys can be references too. */
  key(key: string): void
  number?(value: number, place: Place): void
  /** Whether to leave out what stands under this place. */
  skip?(place: Place): boolean
}

const valuesVisitedMax = 1_000_000

/**
 * Visits every string, key and number of `root` in no particular order.
 * Returns false when it gave up after `valuesVisitedMax` lists and maps: then not all was seen.
 */
export function visitObject(root: unknown, visitor: ObjectVisitor): boolean {
  const open: Opened[] = []
  const top = { key: '', parentKey: '', grandparentKey: '' }
  visitValue(root, top, open, visitor)
  for (let visited = 0; ; visited++) {
    const next = open.pop()
    if (next === undefined) return true
    if (visited === valuesVisitedMax || open.length > valuesVisitedMax) return false
    const { value, place } = next
    if (Array.isArray(value))
      for (const element of value as unknown[]) visitValue(element, place, open, visitor)
    else visitFields(value, place, open, visitor)
  }
}

/** A list or a map whose inside is still to be seen. */
interface Opened {
  readonly value: object
  readonly place: Place
}

function visitFields(fields: object, above: Place, open: Opened[], visitor: ObjectVisitor): void {
  const { key: parentKey, parentKey: grandparentKey } = above
  for (const [key, value] of Object.entries(fields) as [string, unknown][]) {
    const place = { key, parentKey, grandparentKey }
    if (visitor.skip?.(place) === true) continue
    visitor.key(key)
    visitValue(value, place, open, visitor)
  }
}

function visitValue(value: unknown, place: Place, open: Opened[], visitor: ObjectVisitor): void {
  if (typeof value === 'string') visitor.text(value, place)
  else if (typeof value === 'number') visitor.number?.(value, place)
  else if (typeof value === 'object' && value !== null) open.push({ value, place })
}
