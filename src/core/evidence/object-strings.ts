/**
 * Walks an API object and shows every string of it with the keys above it. Only the keys, not whole paths: what an image
 * field means follows from its own key and the two above (`containers` → `image`, `volumes` → `image` → `reference`),
 * wherever a pod template is embedded.
 *
 * The walk keeps its own stack, so depth costs no call stack, and stops at a number of values that no object of a
 * cluster reaches: YAML can be written to contain itself.
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

export const valuesVisitedMax = 2_000_000

/**
 * Visits every string, key and number of `root` in no particular order.
 * Returns false when it gave up after `valuesVisitedMax` values: then not all was seen.
 */
export function visitObject(root: unknown, visitor: ObjectVisitor): boolean {
  const values: unknown[] = [root]
  const places: Place[] = [{ key: '', parentKey: '', grandparentKey: '' }]
  for (let visited = 0; values.length > 0; visited++) {
    if (visited === valuesVisitedMax) return false
    const value = values.pop()
    const place = places.pop()
    if (place === undefined) break
    if (typeof value === 'string') visitor.text(value, place)
    else if (typeof value === 'number') visitor.number?.(value, place)
    else if (Array.isArray(value)) pushElements(value, place, values, places)
    else if (typeof value === 'object' && value !== null) pushFields(value, place, values, places, visitor)
  }
  return true
}

function pushElements(list: readonly unknown[], place: Place, values: unknown[], places: Place[]): void {
  for (const element of list) {
    values.push(element)
    places.push(place)
  }
}

function pushFields(
  fields: object,
  { key: parentKey, parentKey: grandparentKey }: Place,
  values: unknown[],
  places: Place[],
  visitor: ObjectVisitor,
): void {
  for (const [key, value] of Object.entries(fields)) {
    const place = { key, parentKey, grandparentKey }
    if (visitor.skip?.(place) === true) continue
    visitor.key(key)
    values.push(value)
    places.push(place)
  }
}
