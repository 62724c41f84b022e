/**
 * What of a configuration bears on decisions, as text in which equal meanings are equal letters. Comments, the order
 * of keys, line numbers, credentials and where files lie are not in it; a plan made before such a change still stands.
 */
import type { PolicySet } from '../core/policy/policy.ts'
import type { RegistrySettings } from './configuration.ts'
import type { WrittenEvidence } from './schema-evidence.ts'

/** Canonical JSON: keys in order, patterns as written. */
export function fingerprintText(
  policySet: PolicySet,
  registries: readonly RegistrySettings[],
  evidence: WrittenEvidence | undefined,
): string {
  const named = registries.map(({ name, url, kind, aliases, storage }) => ({
    name,
    url,
    kind,
    aliases,
    storage,
  }))
  return JSON.stringify(canonical({ policySet, registries: named, evidence }))
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical)
  if (typeof value !== 'object' || value === null) return value
  if ('source' in value && 'matches' in value) return value.source
  const entries = Object.entries(value)
    .filter(
      ([name, each]) =>
        !['line', 'unmatchedLine'].includes(name) && each !== undefined && typeof each !== 'function',
    )
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([name, each]) => [name, canonical(each)]))
}
