/**
 * The order among lines of one repository, where an image that goes is part of another that goes: a child with a tag
 * of its own, a signature with one. What holds it goes first; were it the other way round, a run that stops in between
 * would leave an image that lacks a part.
 */
import type { Digest } from '../image/digest.ts'
import { buildGraph } from '../image/graph.ts'
import type { RepositoryInventory } from '../inventory/inventory.ts'
import type { PlanAction } from './plan.ts'

/**
 * For the root of every line that deletes: the roots of other such lines whose image it belongs to. Roots without any
 * are left out.
 */
export function rootsAbove(
  actions: readonly PlanAction[],
  repository: RepositoryInventory,
): ReadonlyMap<Digest, readonly Digest[]> {
  const graph = buildGraph(repository.manifests)
  const going = new Set(actions.flatMap((action) => (action.kind === 'delete' ? [action.digest] : [])))
  const above = new Map<Digest, readonly Digest[]>()
  for (const digest of going) {
    const node = graph.nodeOf(digest)
    if (node === undefined) continue
    const roots = graph.imagesAbove(node).flatMap((image) => {
      const root = image === node ? undefined : graph.manifests[image]?.digest
      return root !== undefined && going.has(root) ? [root] : []
    })
    if (roots.length > 0) above.set(digest, roots)
  }
  return above
}

/**
 * The lines whose turn it is: those that belong to no other line that is left. Things that hang on each other in a
 * circle have no first, and are taken together.
 */
export function linesInTurn<T extends { readonly action: PlanAction }>(
  left: readonly T[],
  above: ReadonlyMap<Digest, readonly Digest[]>,
): readonly T[] {
  if (above.size === 0) return left
  const waiting = new Set(left.flatMap(({ action }) => (action.kind === 'delete' ? [action.digest] : [])))
  const free = left.filter(
    ({ action }) =>
      action.kind === 'untag' || above.get(action.digest)?.some((root) => waiting.has(root)) !== true,
  )
  return free.length > 0 ? free : left
}

/**
 * Sorts what goes along with several roots into stages, so that nothing goes before what it hangs on: a manifest's
 * stage is its latest place in any of the lists. Whatever hangs on it stands behind it in every list that has it.
 */
export function stagesOf(lists: readonly (readonly Digest[])[]): readonly (readonly Digest[])[] {
  const places = new Map<Digest, number>()
  for (const list of lists) {
    list.forEach((digest, place) => places.set(digest, Math.max(place, places.get(digest) ?? 0)))
  }
  const stages: Digest[][] = []
  for (const digest of [...places.keys()].sort()) {
    const place = places.get(digest) ?? 0
    stages[place] = [...(stages[place] ?? []), digest]
  }
  return stages.filter((stage) => stage.length > 0)
}
