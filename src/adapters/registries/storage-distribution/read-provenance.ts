/** What statements about builds say of commits, from the cache where it knows them, else from verified bytes. */
import pLimit from 'p-limit'
import { commitsInStatement } from '../../../core/git/provenance.ts'
import type { Digest } from '../../../core/image/digest.ts'
import type { ManifestFacts, StatementFacts } from '../../../core/image/manifest.ts'
import { goneStatement, STATEMENT_BYTES_MAX, wantedStatements } from '../../../core/image/statements.ts'
import type { ManifestCache } from '../../../ports/manifest-cache.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { Findings } from './findings.ts'
import { readVerified, type Source } from './read-content.ts'

const READS_AT_ONCE = 32

/**
 * Statements by digest. One that cannot be read is a fault, because an image whose commits are unknown must not look like
 * an image without any.
 */
export async function readProvenance(
  source: Source,
  cache: ManifestCache,
  manifests: Iterable<ManifestFacts>,
  findings: Findings,
  options: RunOptions | undefined,
): Promise<ReadonlyMap<Digest, StatementFacts>> {
  const { digests, faults, remarks } = wantedStatements(manifests)
  for (const text of faults) findings.fault(text)
  for (const text of remarks) findings.remark(text)
  const known = await cache.statements(digests)
  const limit = pLimit(READS_AT_ONCE)
  const read = async (digest: Digest): Promise<StatementFacts | undefined> => {
    const bytes = await readVerified(source, digest, { bytesMax: STATEMENT_BYTES_MAX }, options)
    if (bytes !== undefined) return { digest, commits: commitsInStatement(bytes) }
    findings.fault(goneStatement(digest))
    return undefined
  }
  const missing = digests.filter((digest) => !known.has(digest))
  const answers = await Promise.all(
    missing.map((digest) => limit(() => findings.attempt(() => read(digest)))),
  )
  const fresh = answers.flatMap((facts) => facts ?? [])
  if (fresh.length > 0) await cache.putStatements(fresh)
  return new Map([...known.values(), ...fresh].map((facts) => [facts.digest, facts]))
}
