/**
 * Facts of manifests and configs as compact JSON: arrays by position, `sha256:` left out. A column that cannot be read
 * back whole is no facts at all, and the manifest is simply fetched again: half of a graph would be dangerous.
 */
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import type {
  ChildReference,
  ConfigFacts,
  ManifestFacts,
  StatementFacts,
} from '../../../core/image/manifest.ts'
import type { StatementReference } from '../../../core/image/statements.ts'
import type { BlobReference } from '../../../core/inventory/inventory.ts'

export function manifestToColumn(facts: ManifestFacts): string {
  return JSON.stringify([
    facts.mediaType,
    facts.sizeBytes,
    facts.children.map((child) => [short(child.digest), child.platform ?? null, child.isAttestation ? 1 : 0]),
    facts.subject === undefined ? null : short(facts.subject),
    facts.artifactType ?? null,
    facts.config === undefined ? null : blobToColumn(facts.config),
    facts.configMediaType ?? null,
    facts.layers.map(blobToColumn),
    facts.annotations,
    facts.createdAt ?? null,
    facts.statements.map((each) => [...blobToColumn(each), each.isDeclared ? 1 : 0]),
  ])
}

export function manifestFromColumn(digest: Digest, column: unknown): ManifestFacts | undefined {
  return readColumn(column, 11, (fields) => ({
    digest,
    mediaType: text(fields[0]),
    sizeBytes: number(fields[1]),
    children: list(fields[2]).map(child),
    subject: orUndefined(fields[3], digestOf),
    artifactType: orUndefined(fields[4], text),
    config: orUndefined(fields[5], blob),
    configMediaType: orUndefined(fields[6], text),
    layers: list(fields[7]).map(blob),
    annotations: texts(fields[8]),
    createdAt: orUndefined(fields[9], number),
    statements: list(fields[10]).map(statement),
  }))
}

export function configToColumn(facts: ConfigFacts): string {
  return JSON.stringify([facts.createdAt ?? null, facts.platform ?? null, facts.labels])
}

export function configFromColumn(digest: Digest, column: unknown): ConfigFacts | undefined {
  return readColumn(column, 3, (fields) => ({
    digest,
    createdAt: orUndefined(fields[0], number),
    platform: orUndefined(fields[1], text),
    labels: texts(fields[2]),
  }))
}

export function statementToColumn(facts: StatementFacts): string {
  return JSON.stringify([facts.commits])
}

export function statementFromColumn(digest: Digest, column: unknown): StatementFacts | undefined {
  return readColumn(column, 1, (fields) => ({ digest, commits: list(fields[0]).map(text) }))
}

class ColumnUnreadable extends Error {}

function readColumn<T>(
  column: unknown,
  length: number,
  read: (fields: readonly unknown[]) => T,
): T | undefined {
  try {
    const fields = list(JSON.parse(text(column)))
    return fields.length === length ? read(fields) : undefined
  } catch (error) {
    if (error instanceof ColumnUnreadable || error instanceof SyntaxError) return undefined
    throw error
  }
}

function short(digest: Digest): string {
  return digest.startsWith('sha256:') ? digest.slice(7) : digest
}

function digestOf(value: unknown): Digest {
  const written = text(value)
  return read(parseDigest(written.includes(':') ? written : `sha256:${written}`))
}

function blobToColumn({ digest, sizeBytes }: BlobReference): readonly [string, number] {
  return [short(digest), sizeBytes]
}

function blob(value: unknown): BlobReference {
  const [digest, sizeBytes] = list(value)
  return { digest: digestOf(digest), sizeBytes: number(sizeBytes) }
}

function statement(value: unknown): StatementReference {
  const [digest, sizeBytes, isDeclared] = list(value)
  return { digest: digestOf(digest), sizeBytes: number(sizeBytes), isDeclared: number(isDeclared) === 1 }
}

function child(value: unknown): ChildReference {
  const [digest, platform, isAttestation] = list(value)
  return {
    digest: digestOf(digest),
    platform: orUndefined(platform, text),
    isAttestation: number(isAttestation) === 1,
  }
}

function orUndefined<T>(value: unknown, as: (value: unknown) => T): T | undefined {
  return value === null ? undefined : as(value)
}

function text(value: unknown): string {
  return read(typeof value === 'string' ? value : undefined)
}

function number(value: unknown): number {
  return read(typeof value === 'number' ? value : undefined)
}

function list(value: unknown): readonly unknown[] {
  return read(Array.isArray(value) ? (value as readonly unknown[]) : undefined)
}

function texts(value: unknown): Readonly<Record<string, string>> {
  const isTexts =
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isText)
  return read(isTexts ? (value as Readonly<Record<string, string>>) : undefined)
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}

function read<T>(value: T | undefined): T {
  if (value === undefined) throw new ColumnUnreadable()
  return value
}
