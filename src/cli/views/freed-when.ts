/** When the bytes of deleted images are free: deleting them frees nothing, and who does that differs from registry to registry. */
import type { PlanInput } from '../../core/plan/build-plan.ts'
import type { Plan } from '../../core/plan/plan.ts'

/** A registry whose kind nobody knows, as in a plan from a file. */
type Frees = 'by-itself' | 'by-its-collector' | 'by-a-sweep' | 'unknown'

const texts: Readonly<Record<Frees, string>> = {
  'by-itself': 'within hours or days, by the registry itself',
  'by-its-collector': "after the registry's own garbage collection",
  'by-a-sweep': 'after a sweep of the storage',
  unknown: 'once they are swept or collected',
}

/** The rest of `Frees 1 GiB …`: what holds for every registry that the plan deletes from. */
export function freedWhen({ actions }: Plan, input: PlanInput | undefined): string {
  const deleting = new Set(actions.flatMap(({ kind, registry }) => (kind === 'delete' ? [registry] : [])))
  const ways = new Set([...deleting].map((registry) => waysOf(input, registry)))
  const [only = 'unknown', ...others] = ways
  return texts[others.length === 0 ? only : 'unknown']
}

function waysOf(input: PlanInput | undefined, registry: string): Frees {
  const capabilities = input?.inventories.find((inventory) => inventory.registry === registry)?.capabilities
  return capabilities === undefined ? 'unknown' : (capabilities.freesBytes ?? 'by-a-sweep')
}
