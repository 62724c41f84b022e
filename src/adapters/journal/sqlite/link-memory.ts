/** Links from images to commits, in SQLite. */
import type { FoundLink } from '../../../core/git/link-record.ts'
import { invariant } from '../../../core/errors/invariant.ts'
import type { RegistryName, RepositoryName } from '../../../core/image/names.ts'
import type { InstantMs } from '../../../core/inventory/inventory.ts'
import type { LinkMemory, RememberedLink } from '../../../ports/link-memory.ts'
import type { Database } from './database.ts'
import { digestFromColumn, digestToColumn } from './digest-column.ts'
import type { SqlRow } from './engine.ts'
import { repositoryKey, textFromColumn, textToColumn } from './names.ts'

export function createSqliteLinkMemory(database: Database): LinkMemory {
  return {
    rememberLinks: (registry, repository, links, at) =>
      database.transaction((it) => rememberLinks(it, repositoryKey(it, registry, repository), links, at)),
    rememberedLinks: (registry) => database.read((it) => rememberedLinks(it, registry)),
  }
}

function rememberLinks(
  database: Database,
  key: number,
  links: readonly FoundLink[],
  at: InstantMs,
): readonly boolean[] {
  const insert = database.prepare(`
    INSERT INTO links (repository_id, digest, commit_id, source, ref, at) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (repository_id, digest, commit_id) DO NOTHING`)
  return links.map(({ subject, commit, source, ref }) => {
    const changed = insert.run(
      key,
      digestToColumn(subject),
      Buffer.from(commit, 'hex'),
      optionalToColumn(source),
      optionalToColumn(ref),
      at,
    )
    return changed > 0
  })
}

function rememberedLinks(database: Database, registry: RegistryName): readonly RememberedLink[] {
  return database
    .prepare(
      `SELECT p.name, l.digest, l.commit_id, l.source, l.ref, l.at FROM links l
       JOIN repositories p ON p.id = l.repository_id JOIN registries r ON r.id = p.registry_id WHERE r.name = ?`,
    )
    .all(registry)
    .map(linkOfRow)
}

function linkOfRow(row: SqlRow): RememberedLink {
  const commit = row['commit_id']
  invariant(commit instanceof Uint8Array, 'a commit column holds something else')
  return {
    // Written by `repositoryKey`, from a name that was one.
    repository: String(row['name']) as RepositoryName,
    subject: digestFromColumn(row['digest']),
    commit: Buffer.from(commit).toString('hex'),
    source: optionalFromColumn(row['source']),
    ref: optionalFromColumn(row['ref']),
    at: Number(row['at']),
  }
}

function optionalToColumn(text: string | undefined): string | null {
  return text === undefined ? null : textToColumn(text)
}

function optionalFromColumn(column: unknown): string | undefined {
  return column === null || column === undefined ? undefined : textFromColumn(column)
}
