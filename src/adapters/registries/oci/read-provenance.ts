/**
 * Reads what attestations say about the commits that images were built from. One request a statement that the cache does
 * not have; none at all unless somebody asks.
 */
import { commitsInStatement } from '../../../core/git/provenance.ts'
import type { Digest } from '../../../core/image/digest.ts'
import type { StatementFacts } from '../../../core/image/manifest.ts'
import { goneStatement, wantedStatements } from '../../../core/image/statements.ts'
import { fetchBlob } from './manifests.ts'
import { mapParallel } from './parallel.ts'
import type { Findings, RepositoryReading } from './findings.ts'

const BATCH = 500

/**
 * Statements by digest. One that cannot be read leaves the repository incomplete, because an image whose commits are
 * unknown must not look like an image without any.
 */
export async function readProvenance(
  reading: RepositoryReading,
  findings: Findings,
): Promise<ReadonlyMap<Digest, StatementFacts>> {
  const facts = new Map<Digest, StatementFacts>()
  if (!reading.readProvenance) return facts
  const { cache, concurrency } = reading
  const { digests, faults, remarks } = wantedStatements(findings.facts.values())
  for (const text of faults) findings.fault(text)
  for (const text of remarks) findings.remark(text)
  for (let start = 0; start < digests.length; start += BATCH) {
    const batch = digests.slice(start, start + BATCH)
    const cached = await cache.statements(batch)
    const missing = batch.filter((digest) => !cached.has(digest))
    const read = (
      await mapParallel(missing, concurrency, (digest) => readStatement(reading, findings, digest))
    ).flat()
    for (const statement of [...cached.values(), ...read]) facts.set(statement.digest, statement)
    await cache.putStatements(read)
  }
  return facts
}

async function readStatement(
  { connection, repository, options, onRead }: RepositoryReading,
  findings: Findings,
  digest: Digest,
): Promise<readonly StatementFacts[]> {
  try {
    const bytes = await fetchBlob(connection, repository, digest, options)
    onRead(1)
    if (bytes !== undefined) return [{ digest, commits: commitsInStatement(bytes) }]
    findings.fault(goneStatement(digest))
  } catch (error) {
    findings.fail(`The provenance ${digest}`, error)
  }
  return []
}
