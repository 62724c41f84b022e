/** The shared cases of other systems: where they lie, and nothing where they are missing. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A file of cases; suites that need it are skipped, by name, where it is not there. */
export function sharedCasesFile(name: string): string {
  return join(process.env['WINNOW_SHARED'] ?? '../shared', 'cases', name)
}

/** What a file of cases holds; undefined where it is missing. */
export function readSharedCases(name: string): unknown {
  const file = sharedCasesFile(name)
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
}
