/**
 * Follows references to commits: through annotated tags, and tags of tags, by the headers of the tag objects themselves.
 *
 * What a tag says it points at is believed without opening that: a tag of a file is no commit, and in a partial clone the
 * file is not even there. An object that should be there and is not makes the repository a damaged one.
 */
import type { RunOptions } from '../../ports/run-options.ts'
import { explainFailure } from './explain-failure.ts'
import { GitReadError } from './git-errors.ts'
import { splitLines } from './git-text.ts'
import type { ListedReference } from './list-references.ts'
import type { ObjectStore } from './object-store.ts'
import { readTagObjects, type TagObject } from './read-tag-objects.ts'

/** What references lead to, by the id that stands in them. */
export interface Targets {
  /** Every commit that some reference leads to, each once. */
  readonly commits: readonly string[]
  commitOf(target: string): string | undefined
  /** The tagger's date of an annotated tag, in milliseconds; undefined of everything else, and where it has none. */
  taggedAtOf(target: string): number | undefined
}

/** A tag of a tag of a tag … deeper than anyone makes them by hand. */
const depthMax = 50

/** @throws GitReadError when an object is missing or cannot be read */
export async function followReferences(
  store: ObjectStore,
  references: readonly ListedReference[],
  options: RunOptions,
): Promise<Targets> {
  const targets = [...new Set(references.map(({ target }) => target))]
  const kinds = await readKinds(store, targets, options)
  const missing = targets.find((target) => kinds.get(target) === undefined)
  if (missing !== undefined) throw missingObject(missing, references)
  const tags = await readAllTags(
    store,
    targets.filter((target) => kinds.get(target) === 'tag'),
    options,
  )
  const commitOf = (target: string): string | undefined => {
    const kind = kinds.get(target)
    return kind === 'tag' ? commitOfTag(target, tags) : kind === 'commit' ? target : undefined
  }
  return {
    commits: [...new Set(targets.flatMap((target) => commitOf(target) ?? []))],
    commitOf,
    taggedAtOf: (target) => tags.get(target)?.taggedAt,
  }
}

function commitOfTag(tag: string, tags: ReadonlyMap<string, TagObject>): string | undefined {
  let at = tags.get(tag)
  while (at?.kind === 'tag') at = tags.get(at.target)
  return at?.kind === 'commit' ? at.target : undefined
}

/** All tag objects on the way, level by level. */
async function readAllTags(
  store: ObjectStore,
  ids: readonly string[],
  options: RunOptions,
): Promise<ReadonlyMap<string, TagObject>> {
  const all = new Map<string, TagObject>()
  let wanted = ids
  for (let depth = 0; wanted.length > 0; depth++) {
    if (depth === depthMax)
      throw new GitReadError('corrupt', `A tag leads through more than ${depthMax} other tags.`, 'Delete it.')
    const found = await readTagObjects(store, wanted, options)
    for (const [id, tag] of found) all.set(id, tag)
    const next = [...found.values()].flatMap(({ kind, target }) => (kind === 'tag' ? [target] : []))
    wanted = [...new Set(next)].filter((id) => !all.has(id))
  }
  return all
}

/** The kind of each object; an object that is not there is left out. */
async function readKinds(
  store: ObjectStore,
  ids: readonly string[],
  options: RunOptions,
): Promise<ReadonlyMap<string, string>> {
  const kinds = new Map<string, string>()
  if (ids.length === 0) return kinds
  const lines = splitLines((bytes, start, end) => {
    const [id = '', kind = ''] = bytes.toString('latin1', start, end).split(' ')
    if (kind !== 'missing') kinds.set(id, kind)
  })
  const words = ['cat-file', '--batch-check=%(objectname) %(objecttype)']
  const input = ids.map((id) => `${id}\n`)
  const { status, stderr } = await store.run({ words, input, onOutput: lines.add }, options)
  if (status !== 0) throw explainFailure(stderr, status)
  return kinds
}

function missingObject(id: string, references: readonly ListedReference[]): GitReadError {
  const name = references.find(({ target }) => target === id)?.name ?? 'a reference'
  return new GitReadError(
    'corrupt',
    `The repository is damaged: ${name} points at ${id}, which is not there.`,
    'Fetch it again, or clone the repository anew.',
  )
}
