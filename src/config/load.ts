/** From the text of winnow.yaml to a configuration, or to every mistake in it at once. Reads nothing from disk. */
import { homedir } from 'node:os'
import { dirname, resolve } from 'node:path'
import { checkFile } from './checks.ts'
import type { Configuration } from './configuration.ts'
import type { Diagnostic } from './diagnostics.ts'
import { ConfigurationError } from './diagnostics.ts'
import type { Finding } from './explain-issues.ts'
import { explainIssues } from './explain-issues.ts'
import { resolveFile } from './resolve.ts'
import { resolveConfigurationPath } from './resolving.ts'
import type { WrittenFile } from './schema.ts'
import { fileSchema, printSchema } from './schema.ts'
import type { YamlSource } from './yaml-source.ts'
import { readYaml } from './yaml-source.ts'

export interface ConfigurationText {
  /** As it is to be named in messages; relative paths in the file start from its folder. */
  readonly path: string
  readonly text: string
  /** What `~` stands for. @default the home folder of the user */
  readonly home?: string
}

/**
 * The configuration that the text of a file spells.
 *
 * @throws ConfigurationError with all mistakes, each with its place
 */
export function loadConfiguration(file: ConfigurationText): Configuration {
  const source = readYaml(file.path, file.text)
  if (source.problems.length > 0) throw new ConfigurationError(source.problems)
  const written = parseFile(source)
  const place = { folder: dirname(resolve(file.path)), home: file.home ?? homedir() }
  return resolveFile(written, { source, absolute: (path) => resolveConfigurationPath(path, place) })
}

function parseFile(source: YamlSource): WrittenFile {
  if (source.value === null || source.value === undefined) {
    const hint = '`winnow init` looks at a registry and writes a configuration.'
    throw new ConfigurationError([source.diagnose([], { message: 'The file is empty.', hint })])
  }
  const parsed = fileSchema.safeParse(source.value)
  const issues = parsed.success ? [] : explainIssues(printSchema(), source.value, parsed.error.issues)
  const findings = [...issues, ...checkFile(source.value)]
  if (parsed.success && findings.length === 0) return parsed.data
  throw new ConfigurationError(toDiagnostics(source, findings))
}

/** In the order of the file, and each said once: an anchor used twice brings the same mistake twice. */
function toDiagnostics(source: YamlSource, findings: readonly Finding[]): readonly Diagnostic[] {
  const byPlace = new Map<string, Diagnostic>()
  for (const finding of findings) {
    const diagnostic = source.diagnose(finding.path, finding)
    byPlace.set(`${diagnostic.line}:${diagnostic.column}:${diagnostic.message}`, diagnostic)
  }
  return [...byPlace.values()].sort((a, b) => a.line - b.line || a.column - b.column)
}
