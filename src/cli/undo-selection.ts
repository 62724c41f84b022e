/** What of a run to put back, from the words of the command line. */
import { parseDigest, type Digest } from '../core/image/digest.ts'
import { parseRepositoryName, parseTagName, type RepositoryName, type TagName } from '../core/image/names.ts'
import type { JournalRun } from '../core/journal/entry.ts'
import type { UndoSelection } from '../core/journal/undo-plan.ts'
import { UsageError } from './report-error.ts'

interface Named {
  readonly repositories: readonly RepositoryName[]
  readonly digests: readonly Digest[]
  readonly references: readonly { readonly repository: RepositoryName; readonly tag: TagName }[]
}

/**
 * Reads `repository:tag`, `repository@digest`, digests and repositories; a registry's name before it is taken off.
 *
 * @throws UsageError for what is none of these, and for repositories beside single images
 */
export function undoSelection(words: readonly string[], { run }: JournalRun): UndoSelection {
  if (words.length === 0) return {}
  const named = words.map((word) => read(withoutRegistry(word, run.registries), word))
  const repositories = named.flatMap((each) => each.repositories)
  const digests = named.flatMap((each) => each.digests)
  const references = named.flatMap((each) => each.references)
  if (repositories.length === 0) return { digests, references }
  if (digests.length + references.length > 0) {
    throw new UsageError(
      'Whole repositories and single images cannot be named in one undo.',
      'Undo them one after the other; what is there already is left as it is.',
    )
  }
  return { repositories }
}

function withoutRegistry(word: string, registries: readonly string[]): string {
  const prefix = registries.find((registry) => word.startsWith(`${registry}/`))
  return prefix === undefined ? word : word.slice(prefix.length + 1)
}

function read(text: string, word: string): Named {
  const none: Named = { repositories: [], digests: [], references: [] }
  const digest = parseDigest(text.slice(text.indexOf('@') + 1))
  if (digest !== undefined) return { ...none, digests: [digest] }
  const colon = text.lastIndexOf(':')
  const repository = parseRepositoryName(colon === -1 ? text : text.slice(0, colon))
  if (repository !== undefined && colon === -1) return { ...none, repositories: [repository] }
  const tag = parseTagName(text.slice(colon + 1))
  if (repository !== undefined && tag !== undefined) return { ...none, references: [{ repository, tag }] }
  throw new UsageError(
    `${word} names no image.`,
    'Write repository:tag, repository@digest, a digest, or a repository.',
  )
}
