/** Registries and repositories as integer keys. */
import type { RegistryName, RepositoryName } from '../../../core/image/names.ts'
import { invariant } from '../../../core/errors/invariant.ts'
import type { Database } from './database.ts'

/** The key of a registry, made when it is new. Within a transaction. */
export function registryKey(database: Database, registry: RegistryName): number {
  database.prepare('INSERT INTO registries (name) VALUES (?) ON CONFLICT DO NOTHING').run(registry)
  return Number(database.prepare('SELECT id FROM registries WHERE name = ?').get(registry)?.['id'])
}

/** The key of a repository, made when it is new. Within a transaction. */
export function repositoryKey(
  database: Database,
  registry: RegistryName,
  repository: RepositoryName,
): number {
  const registryId = registryKey(database, registry)
  database
    .prepare('INSERT INTO repositories (registry_id, name) VALUES (?, ?) ON CONFLICT DO NOTHING')
    .run(registryId, repository)
  const row = database
    .prepare('SELECT id FROM repositories WHERE registry_id = ? AND name = ?')
    .get(registryId, repository)
  return Number(row?.['id'])
}

/** The key of a repository, or undefined when nothing was ever kept for it. */
export function findRepositoryKey(
  database: Database,
  registry: RegistryName,
  repository: RepositoryName,
): number | undefined {
  const row = database
    .prepare(
      `SELECT p.id FROM repositories p JOIN registries r ON r.id = p.registry_id WHERE r.name = ? AND p.name = ?`,
    )
    .get(registry, repository)
  return row === undefined ? undefined : Number(row['id'])
}

/** Free text as a column: JSON, because the engines end plain text at its first NUL. */
export function textToColumn(text: string): string {
  return JSON.stringify(text)
}

export function textFromColumn(column: unknown): string {
  const text: unknown = JSON.parse(String(column))
  invariant(typeof text === 'string', 'a text column holds something else')
  return text
}
