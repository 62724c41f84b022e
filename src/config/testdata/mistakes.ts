/** For tests: the mistakes of a text, and the expectation of one mistake at one place. */
import { expect } from 'vitest'
import type { Diagnostic } from '../diagnostics.ts'
import { ConfigurationError, formatDiagnostic } from '../diagnostics.ts'
import { loadConfiguration } from '../load.ts'

export function mistakes(text: string): readonly Diagnostic[] {
  try {
    loadConfiguration({ path: 'winnow.yaml', text, home: '/home/me' })
    return []
  } catch (error) {
    if (error instanceof ConfigurationError) return error.diagnostics
    throw error
  }
}

export const inRule = (rule: string, more = ''): string =>
  `version: 1\npolicies:\n  - ${more}rules:\n      - ${rule}\n    unmatched: keep\n`
export const inRegistry = (registry: string): string => `version: 1\nregistries:\n  r: ${registry}\n`

export function expectMistake({ text, at, says }: { text: string; at: string; says: RegExp }): void {
  const found = mistakes(text).map((each) => ({
    at: `${each.line}:${each.column}`,
    text: formatDiagnostic(each),
  }))
  expect(
    found.filter((each) => each.at === at && says.test(each.text)),
    JSON.stringify(found, null, 1),
  ).toHaveLength(1)
}
