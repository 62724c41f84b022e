/**
 * What became of commits that images are linked to and that no reference reaches: the repository has them still, or does not
 * have them, or a short id means several.
 */
import type { CommitGraph } from '../../core/git/commit-graph.ts'
import type { OtherCommit } from '../../core/git/git-history.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import { explainFailure } from './explain-failure.ts'
import { settings } from './git-environment.ts'
import { splitLines } from './git-text.ts'
import type { ObjectStore } from './object-store.ts'

/** Only such texts are handed to git; nothing else can be an id. */
const commitId = /^[0-9a-f]{4,64}$/

/**
 * By the id as asked. A short id that one commit of the graph has is left out, as whole ids of the graph are.
 *
 * @throws GitReadError, InterruptedError
 */
export async function findOthers(
  store: ObjectStore,
  graph: CommitGraph,
  asked: readonly string[],
  options: RunOptions,
): Promise<ReadonlyMap<string, OtherCommit>> {
  const others = new Map<string, OtherCommit>()
  const unknown = asked.filter((id) => graph.indexOf(id) === undefined)
  const counts = countBeginnings(
    graph,
    unknown.filter((id) => id.length < store.idDigits),
  )
  const sought: string[] = []
  for (const id of unknown) {
    const count = counts.get(id) ?? 0
    if (count > 1) others.set(id, { kind: 'ambiguous' })
    else if (!commitId.test(id)) others.set(id, { kind: 'absent' })
    else if (count === 0) sought.push(id)
  }
  await lookUp(store, sought, others, options)
  return others
}

/** How many commits of the graph begin with each of the short ids; one pass over the graph for all of them. */
function countBeginnings(graph: CommitGraph, shorts: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map(shorts.map((id) => [id, 0]))
  const lengths = [...new Set(shorts.map(({ length }) => length))]
  if (lengths.length === 0) return counts
  for (let commit = 0; commit < graph.size; commit++) {
    const id = graph.idOf(commit)
    for (const length of lengths) {
      const beginning = id.slice(0, length)
      const count = counts.get(beginning)
      if (count !== undefined) counts.set(beginning, count + 1)
    }
  }
  return counts
}

async function lookUp(
  store: ObjectStore,
  sought: readonly string[],
  others: Map<string, OtherCommit>,
  options: RunOptions,
): Promise<void> {
  const whole = new Map<string, string>()
  const shorts = sought.filter((id) => id.length < store.idDigits)
  for (const [id, answer] of await ask(store, shorts, '', options)) {
    if (answer.kind === 'found') whole.set(id, answer.id)
    else others.set(id, answer)
  }
  for (const id of sought) if (id.length >= store.idDigits) whole.set(id, id)
  // `^{commit}` follows annotated tags; asked of a short id it would hide that there are several.
  const answers = await ask(store, [...new Set(whole.values())], '^{commit}', options)
  for (const [asked, id] of whole) {
    const answer = answers.get(id) ?? { kind: 'absent' }
    others.set(asked, answer.kind === 'found' ? { kind: 'unreached', id: answer.id } : answer)
  }
}

type Answer =
  | { readonly kind: 'found'; readonly id: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'ambiguous' }

async function ask(
  store: ObjectStore,
  ids: readonly string[],
  suffix: string,
  options: RunOptions,
): Promise<ReadonlyMap<string, Answer>> {
  const answers = new Map<string, Answer>()
  if (ids.length === 0) return answers
  let next = 0
  const lines = splitLines((bytes, start, end) => {
    const [id = '', kind = ''] = bytes.toString('latin1', start, end).split(' ')
    const isFound = kind !== 'missing' && kind !== 'ambiguous'
    const other: Answer = { kind: kind === 'ambiguous' ? 'ambiguous' : 'absent' }
    answers.set(ids[next++] ?? '', isFound ? { kind: 'found', id } : other)
  })
  const words = [
    // A file or a folder that begins alike makes no doubt.
    ...settings({ 'core.disambiguate': 'committish' }),
    'cat-file',
    '--batch-check=%(objectname) %(objecttype)',
  ]
  const input = ids.map((id) => `${id}${suffix}\n`)
  const { status, stderr } = await store.run({ words, input, onOutput: lines.add }, options)
  if (status !== 0 || next !== ids.length) throw explainFailure(stderr, status)
  return answers
}
