/**
 * Of every commit: the commits below it (itself included) that images are linked to, newest first, as far as anybody asks.
 *
 * A stream is a list that is made while it is read, and shared: a commit without images has its parent's; one with images
 * has itself and then its parent's; a merge has the streams of its parents, merged until both are the same one. So one pass
 * over the history makes all of them, and reading the newest few from thousands of heads costs those few, not a walk from
 * every head. Dates that run backwards are no exception: what comes first is what is newest, wherever it lies.
 */
import type { CommitGraph, CommitIndex } from './commit-graph.ts'
import { commitPlaces } from './commit-order.ts'

/** A position in a stream; -1 is its end. */
export type StreamNode = number
const end = -1
const unread = -2

export interface LinkedStreams {
  /** The stream of a commit. */
  of(commit: CommitIndex): StreamNode
  /** The commit at a position that is not the end. */
  commitAt(node: StreamNode): CommitIndex
  after(node: StreamNode): StreamNode
}

/**
 * @param isLinked whether images are linked to a commit
 * @param covers whether whoever has seen the images of `newer` finds nothing new at `older`; such commits may be left out
 *   behind `newer`, which keeps the streams of an image that was built unchanged over a thousand commits short
 */
export function linkedStreams(
  graph: CommitGraph,
  isLinked: (commit: CommitIndex) => boolean,
  covers: (newer: CommitIndex, older: CommitIndex) => boolean = () => false,
): LinkedStreams {
  const streams = new Streams(commitPlaces(graph))
  const heads = new Int32Array(graph.size).fill(end)
  // From the beginning of history: every parent has its stream before its children ask for it.
  for (let commit = graph.size - 1; commit >= 0; commit--) {
    let stream: StreamNode = end
    for (let nth = 0; nth < graph.parentCountOf(commit); nth++) {
      stream = streams.merge(stream, heads[graph.parentOf(commit, nth)] ?? end)
    }
    heads[commit] = isLinked(commit) ? streams.prepend(commit, stream, covers) : stream
  }
  return {
    of: (commit) => heads[commit] ?? end,
    commitAt: (node) => streams.commitAt(node),
    after: (node) => streams.after(node),
  }
}

class Streams {
  readonly #places: Int32Array
  readonly #commits: number[] = []
  /** What follows a node, once somebody asked. */
  readonly #rests: number[] = []
  /** Until then: it follows from two streams, each of which begins at a node or after it. */
  readonly #left: number[] = []
  readonly #right: number[] = []
  readonly #skipsLeft: boolean[] = []
  readonly #skipsRight: boolean[] = []

  constructor(places: Int32Array) {
    this.#places = places
  }

  commitAt(node: StreamNode): CommitIndex {
    return this.#commits[node] ?? 0
  }

  /** Without recursion: merges of merges can be as deep as the history has merges. */
  after(node: StreamNode): StreamNode {
    const open: StreamNode[] = [node]
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      if (this.#rests[top] !== unread) {
        open.pop()
        continue
      }
      const left = this.#left[top] ?? end
      const right = this.#right[top] ?? end
      const waitsLeft = this.#skipsLeft[top] === true && this.#rests[left] === unread
      const waitsRight = this.#skipsRight[top] === true && this.#rests[right] === unread
      if (waitsLeft) open.push(left)
      if (waitsRight) open.push(right)
      if (waitsLeft || waitsRight) continue
      this.#rests[top] = this.merge(
        this.#skipsLeft[top] === true ? (this.#rests[left] ?? end) : left,
        this.#skipsRight[top] === true ? (this.#rests[right] ?? end) : right,
      )
      open.pop()
    }
    return this.#rests[node] ?? end
  }

  /** Both streams as one, each commit once. */
  merge(a: StreamNode, b: StreamNode): StreamNode {
    if (a === b || b === end) return a
    if (a === end) return b
    const first = this.commitAt(a)
    const second = this.commitAt(b)
    if (first === second) return this.#add(first, a, true, b, true)
    return this.#isNewer(first, second)
      ? this.#add(first, a, true, b, false)
      : this.#add(second, a, false, b, true)
  }

  prepend(
    commit: CommitIndex,
    stream: StreamNode,
    covers: (newer: CommitIndex, older: CommitIndex) => boolean,
  ): StreamNode {
    let rest = stream
    while (
      rest !== end &&
      this.#isNewer(commit, this.commitAt(rest)) &&
      covers(commit, this.commitAt(rest))
    ) {
      rest = this.after(rest)
    }
    if (rest === end || this.#isNewer(commit, this.commitAt(rest))) return this.#addRead(commit, rest)
    return this.merge(this.#addRead(commit, end), rest)
  }

  #isNewer(a: CommitIndex, b: CommitIndex): boolean {
    return (this.#places[a] ?? 0) < (this.#places[b] ?? 0)
  }

  #addRead(commit: CommitIndex, rest: StreamNode): StreamNode {
    const node = this.#add(commit, end, false, end, false)
    this.#rests[node] = rest
    return node
  }

  #add(
    commit: CommitIndex,
    left: StreamNode,
    skipsLeft: boolean,
    right: StreamNode,
    skipsRight: boolean,
  ): StreamNode {
    this.#left.push(left)
    this.#right.push(right)
    this.#skipsLeft.push(skipsLeft)
    this.#skipsRight.push(skipsRight)
    this.#rests.push(unread)
    return this.#commits.push(commit) - 1
  }
}
