/** Makes a failing world small: leaves out one part after the other as long as it still fails. */
import type { World } from './world.ts'

/** Keys whose absence would make another kind of world, or none. */
const fixed = new Set([
  ...['schemaVersion', 'registry', 'takenAt', 'name', 'digest', 'version', 'registries', 'url', 'policies'],
  ...[
    'repositories',
    'unmatched',
    'rules',
    'config.registries',
    'sizeBytes',
    'sources',
    'evidence',
    'config',
    'now',
  ],
  ...['inventories', 'manifests', 'reference', 'where', 'complete'],
])

/** All values that are `value` with one entry of a list, or one optional field, less. */
function* smaller(value: unknown): Generator<unknown> {
  if (Array.isArray(value)) {
    const list: readonly unknown[] = value
    for (let i = 0; i < list.length; i++) yield list.filter((_, at) => at !== i)
    for (let i = 0; i < list.length; i++) {
      for (const part of smaller(list[i])) yield list.map((entry, at) => (at === i ? part : entry))
    }
  } else if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value)
    for (const [key] of fields) {
      if (!fixed.has(key)) yield Object.fromEntries(fields.filter(([other]) => other !== key))
    }
    for (const [key, field] of fields) {
      if (key === 'registries') continue
      for (const part of smaller(field)) {
        yield Object.fromEntries(fields.map(([other, kept]) => [other, other === key ? part : kept]))
      }
    }
  }
}

/** The smallest world found for which `fails` still holds, within `attempts`. */
export function shrinkWorld(world: World, fails: (world: World) => boolean, attempts = 4000): World {
  let smallest = world
  let left = attempts
  const improve = (): boolean => {
    for (const candidate of smaller(smallest)) {
      if (left-- <= 0) return false
      if (fails(candidate as World)) {
        smallest = candidate as World
        return true
      }
    }
    return false
  }
  while (improve());
  return smallest
}
