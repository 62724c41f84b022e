/**
 * Which of two commits is the newer one: by committer date, as people read a log, however the commits hang together; then
 * the one further from the beginning of history, so that a child comes before a parent of the same second; then by id.
 *
 * Nothing here depends on what else the history holds: one more reference never turns two commits around.
 *
 * Source: werf sorts by committer date as well, not by topology (reference: werf's scanner).
 */
import type { CommitGraph, CommitIndex } from './commit-graph.ts'

/** The place of every commit of the graph, 0 for the newest; made once for each graph. */
export function commitPlaces(graph: CommitGraph): Int32Array {
  const known = placesOf.get(graph)
  if (known !== undefined) return known
  const generations = generationsOf(graph)
  const order = Int32Array.from({ length: graph.size }, (_, commit) => commit)
  order.sort(
    (a, b) =>
      graph.committedAtOf(b) - graph.committedAtOf(a) ||
      (generations[b] ?? 0) - (generations[a] ?? 0) ||
      (graph.idOf(a) < graph.idOf(b) ? -1 : 1),
  )
  const places = new Int32Array(graph.size)
  order.forEach((commit, place) => (places[commit] = place))
  placesOf.set(graph, places)
  return places
}

const placesOf = new WeakMap<CommitGraph, Int32Array>()

/** The longest way from a commit without parents, in commits. */
function generationsOf(graph: CommitGraph): Int32Array {
  const generations = new Int32Array(graph.size)
  for (let commit: CommitIndex = graph.size - 1; commit >= 0; commit--) {
    let highest = -1
    for (let nth = graph.parentCountOf(commit) - 1; nth >= 0; nth--) {
      highest = Math.max(highest, generations[graph.parentOf(commit, nth)] ?? 0)
    }
    generations[commit] = highest + 1
  }
  return generations
}
