/**
 * Looks at a registry for `winnow init`: which repositories it has, how many images, and what their tags look like.
 * It reads a few repositories in full rather than all of them, because a proposal needs examples and not a count.
 */
import { buildGraph } from '../core/image/graph.ts'
import type { RepositoryInventory } from '../core/inventory/inventory.ts'
import { parseVersion } from '../core/policy/version.ts'
import type { ReadableRegistry } from '../ports/readable-registry.ts'
import type { RunOptions } from '../ports/run-options.ts'

/** What tags look like: versions, pull requests, nightly builds, commit ids, moving names. */
type TagStream = 'semver' | 'pr' | 'nightly' | 'sha' | 'latest'

interface RepositoryLook {
  readonly name: string
  readonly tagExamples: readonly string[]
  readonly imageCount: number
  /** How many tags look like which. */
  readonly tagStreams: Readonly<Record<TagStream, number>>
}

export interface RegistryLook {
  /** All that are listed. */
  readonly repositoryCount: number
  /** Those that were looked at, in the order of their names. */
  readonly repositories: readonly RepositoryLook[]
}

/** Repositories that are read; spread over the list, so that one team's habits do not stand for all. */
const repositoriesRead = 12
const examplesShown = 3

/** Looks at the registry. @throws what its driver throws */
export async function lookAtRegistry(
  registry: ReadableRegistry,
  options: RunOptions = {},
): Promise<RegistryLook> {
  options.onEvent?.({ kind: 'phase', phase: 'look', subject: registry.name })
  const names = (await registry.listRepositories(options)).toSorted()
  const step = Math.max(1, names.length / repositoriesRead)
  const chosen = names.filter((_, index) => Math.floor(index / step) !== Math.floor((index - 1) / step))
  const repositories: RepositoryLook[] = []
  for (const name of chosen.slice(0, repositoriesRead)) {
    repositories.push(lookOf(await registry.readRepository(name, options)))
    const done = repositories.length
    options.onEvent?.({ kind: 'progress', phase: 'look', done, total: chosen.length, note: name })
  }
  return { repositoryCount: names.length, repositories }
}

function lookOf({ name, manifests }: RepositoryInventory): RepositoryLook {
  const graph = buildGraph(manifests)
  const tags = graph.images.flatMap((image) => graph.ordinaryTags(image).map((tag): string => tag.name))
  const tagStreams = { semver: 0, pr: 0, nightly: 0, sha: 0, latest: 0 }
  const examples = new Map<TagStream | undefined, string>()
  for (const tag of tags) {
    const stream = streamOf(tag)
    if (stream !== undefined) tagStreams[stream] += 1
    if (!examples.has(stream)) examples.set(stream, tag)
  }
  const tagExamples = [...examples.values()].slice(0, examplesShown)
  return { name, tagExamples, imageCount: graph.images.length, tagStreams }
}

/** What a tag looks like; undefined when it looks like nothing in particular. */
function streamOf(tag: string): TagStream | undefined {
  if (/^(?:latest|main|master|edge|stable)$/.test(tag)) return 'latest'
  if (/^(?:pr|mr)-/.test(tag)) return 'pr'
  if (tag.startsWith('nightly')) return 'nightly'
  // Digits alone may be a date or a version.
  if (/^(?:sha-)?[0-9a-f]{7,40}$/.test(tag) && !/^[0-9]+$/.test(tag)) return 'sha'
  return parseVersion(tag) === undefined ? undefined : 'semver'
}
