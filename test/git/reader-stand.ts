/** What tests of the Git reader share: a state directory, leases, repositories that go when the test is over. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { createGitReader } from '../../src/adapters/git/git-reader.ts'
import type { GitReaderSettings } from '../../src/adapters/git/git-settings.ts'
import { createMemoryLeaseStore } from '../../src/adapters/journal/memory/lease.ts'
import type { GitHistory, OtherCommit } from '../../src/core/git/git-history.ts'
import type { GitRequest } from '../../src/ports/git-reader.ts'
import type { RunOptions } from '../../src/ports/run-options.ts'
import { makeRepository, testEnvironment, type TestRepository } from './make-repository.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

/** Does this when the test is over. */
export function afterwards(close: () => Promise<unknown>): void {
  closing.push(close)
}

/** A repository that goes with the test. */
export async function repositoryOf(
  ...parameters: Parameters<typeof makeRepository>
): Promise<TestRepository> {
  const repository = await makeRepository(...parameters)
  afterwards(() => repository.remove())
  return repository
}

export async function temporaryFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'winnow-test-'))
  afterwards(() => rm(path, { recursive: true, force: true }))
  return path
}

const leases = createMemoryLeaseStore()

/** Reads a place; by default with an environment in which the person who runs the tests has configured nothing. */
export async function readGit(
  settings: Partial<GitReaderSettings> & Pick<GitReaderSettings, 'place'>,
  request: Partial<GitRequest> = {},
  options: RunOptions = {},
): Promise<GitHistory> {
  const reader = createGitReader({
    name: 'app',
    stateDirectory: settings.stateDirectory ?? (await temporaryFolder()),
    leases,
    environment: testEnvironment(),
    ...settings,
  })
  return reader.read({ commits: [], pullRequests: false, ...request }, options)
}

/** `branch main = a`: references with the labels of their commits. */
export function namesOf({ references, graph }: GitHistory, { ids }: TestRepository): readonly string[] {
  const labels = new Map([...ids].map(([label, id]) => [id, label]))
  return references.map(
    ({ kind, name, commit }) => `${kind} ${name} = ${labels.get(graph.idOf(commit)) ?? '?'}`,
  )
}

/** Commits of the history by label, with their parents: `c < a b`. */
export function commitsOf({ graph }: GitHistory, { ids }: TestRepository): readonly string[] {
  const labels = new Map([...ids].map(([label, id]) => [id, label]))
  const label = (commit: number): string => labels.get(graph.idOf(commit)) ?? '?'
  return Array.from({ length: graph.size }, (_, commit) => {
    const parents = Array.from({ length: graph.parentCountOf(commit) }, (_each, nth) =>
      label(graph.parentOf(commit, nth)),
    )
    return `${label(commit)} < ${parents.join(' ')}`.trim()
  })
}

/** What became of a commit, in one word. */
export function fateOf(
  { others, graph }: GitHistory,
  id: string,
): OtherCommit['kind'] | 'reached' | 'untold' {
  return others.get(id)?.kind ?? (graph.indexOf(id) === undefined ? 'untold' : 'reached')
}

/** All that stops the plan, as one text. */
export function troubleOf({ complete, problems, references, graph }: GitHistory): string {
  const texts = problems.filter(({ severity }) => severity === 'incomplete').map(({ text }) => text)
  if (complete !== (texts.length === 0)) throw new Error('complete and problems do not agree')
  if (!complete && (references.length > 0 || graph.size > 0)) return `${texts.join('\n')} (and a part of it)`
  return texts.join('\n')
}
