/** Runs a property over many random worlds; a failure shows the seed, and the smallest world found that still fails. */
import { worldOf } from '../oracle/worlds.ts'
import { shrinkWorld } from '../oracle/shrink-world.ts'
import type { World } from '../oracle/world.ts'

const inCi = process.env['CI'] === 'true'

/** How many worlds each property is tried on: `WINNOW_WORLDS`, else 10,000 in CI and 2,000 at a desk. */
export const worldCount = Number(process.env['WINNOW_WORLDS'] ?? (inCi ? 10_000 : 2000))

/** Where to begin: `WINNOW_SEED`, so that nightly runs can look elsewhere than every run before. */
const firstSeed = Number(process.env['WINNOW_SEED'] ?? 0)

/**
 * @param complaints what is wrong in a world, in sentences; nothing when the property holds
 * @throws Error with the seed, the complaints and a small world that reproduces them
 */
export function forAllWorlds(complaints: (world: World) => readonly string[], share = 1): void {
  for (let seed = firstSeed; seed < firstSeed + Math.ceil(worldCount * share); seed++) {
    const found = listen(complaints, worldOf(seed))
    if (found.length === 0) continue
    const isBroken = found[0]?.startsWith('threw ') === true
    const small = shrinkWorld(
      worldOf(seed),
      (world) => {
        const again = listen(complaints, world)
        return again.length > 0 && (again[0]?.startsWith('threw ') === true) === isBroken
      },
      1500,
    )
    throw new Error(
      [
        `Seed ${seed} (WINNOW_SEED=${seed} WINNOW_WORLDS=1):`,
        ...listen(complaints, small).slice(0, 10),
        'in this world:',
        JSON.stringify(small),
      ].join('\n'),
    )
  }
}

function listen(complaints: (world: World) => readonly string[], world: World): readonly string[] {
  try {
    return complaints(world)
  } catch (error) {
    return [`threw ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`]
  }
}
