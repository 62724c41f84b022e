/**
 * Lint: what is valid and probably not meant. `winnow policy check` prints it; nothing is refused for it.
 */
import type { Configuration } from './configuration.ts'
import type { Diagnostic } from './diagnostics.ts'
import type { Finding } from './explain-issues.ts'
import { lintPolicies } from './lint-policy.ts'
import { lintSettings } from './lint-settings.ts'
import type { Report } from './report.ts'

/** Warnings in the order of the file, each with its place and a cure (DESIGN section 3, `winnow policy check`). */
export function lintConfiguration(configuration: Configuration): readonly Diagnostic[] {
  const findings: Finding[] = []
  const report: Report = (path, message, hint, atKey = false) => findings.push({ path, message, hint, atKey })
  lintSettings(configuration.written, report)
  lintPolicies(configuration.written.policies ?? [], report)
  return findings
    .map((finding) => configuration.source.diagnose(finding.path, { ...finding, severity: 'warning' }))
    .sort((a, b) => a.line - b.line || a.column - b.column)
}
