/**
 * Tags that Docker Hub lets nobody overwrite or delete: the setting of a repository, with rules that are regular
 * expressions. How a rule is matched is not written down, so a rule that matches any part of a name locks it, and one that
 * cannot be read locks them all.
 */
import { compileTagPattern } from '../../../core/policy/compile-patterns.ts'
import { PatternError } from '../../../core/policy/pattern-error.ts'
import { isRecord } from '../oci/answers.ts'

export type IsLocked = (tag: string) => boolean

/** @param repository as the API shows it */
export function immutableTags(repository: Readonly<Record<string, unknown>>): IsLocked {
  const settings = repository['immutable_tags_settings']
  if (!isRecord(settings) || settings['enabled'] !== true) return () => false
  const rules: unknown = settings['rules'] ?? []
  if (!Array.isArray(rules) || rules.length === 0) return () => true
  const matchers = rules.map(matcherOf)
  return (tag) => matchers.some((matches) => matches(tag))
}

function matcherOf(rule: unknown): IsLocked {
  if (typeof rule !== 'string' || rule === '') return () => true
  try {
    const pattern = compileTagPattern(`/(?s:.*)(?:${rule})(?s:.*)/`)
    return (tag) => pattern.matches(tag)
  } catch (error) {
    if (error instanceof PatternError) return () => true
    throw error
  }
}
