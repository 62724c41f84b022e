/**
 * Which layers of a manifest are statements about how an image was built. What an attestation is about is written beside
 * it (`predicate type`); where nothing is written it may be provenance, and is read to find out.
 */
import type { BlobReference } from '../inventory/inventory.ts'
import type { Digest } from './digest.ts'
import type { Descriptor } from './manifest-fields.ts'
import { bareMediaType } from './media-types.ts'
import { ownText } from './own-text.ts'

export interface StatementReference extends BlobReference {
  /** Somebody wrote beside it that it is provenance; false where nobody wrote what it is. */
  readonly isDeclared: boolean
}

/** BuildKit's attestations, cosign's, and the bundles of cosign 3 and of GitHub. */
const bundleType = 'application/vnd.dev.sigstore.bundle'
const statementTypes: ReadonlyMap<string, string> = new Map([
  ['application/vnd.in-toto+json', 'in-toto.io/predicate-type'],
  ['application/vnd.dsse.envelope.v1+json', 'predicateType'],
])
const bundlePredicateKey = 'dev.sigstore.bundle.predicateType'
const provenance = 'https://slsa.dev/provenance/'

/** The statements among layers; bills of materials and plain signatures are none. */
export function statementsAmong(
  layers: readonly Descriptor[],
  manifestAnnotations: Readonly<Record<string, string>>,
): readonly StatementReference[] {
  return layers.flatMap(({ mediaType, digest, sizeBytes, annotations }) => {
    const type = bareMediaType(mediaType)
    const isBundle = type.startsWith(bundleType)
    const key = isBundle ? bundlePredicateKey : statementTypes.get(type)
    if (key === undefined) return []
    const predicate = ownText(isBundle ? manifestAnnotations : annotations, key)
    const isDeclared = predicate?.startsWith(provenance) === true
    return isDeclared || predicate === undefined ? [{ digest, sizeBytes, isDeclared }] : []
  })
}

/** Real provenance has kilobytes; with every step and source of a large build it stays below a megabyte. */
export const STATEMENT_BYTES_MAX: number = 4 * 1024 * 1024

/** What is to be read, and what is too large for it. */
export interface WantedStatements {
  readonly digests: readonly Digest[]
  /** Provenance that is not read leaves the commits of an image unknown. */
  readonly faults: readonly string[]
  /** What nobody calls provenance is of this size a bill of materials; nothing is concluded from it. */
  readonly remarks: readonly string[]
}

/** Every statement of some manifests once. */
export function wantedStatements(
  manifests: Iterable<{ readonly statements: readonly StatementReference[] }>,
): WantedStatements {
  const digests = new Set<Digest>()
  const faults = new Set<string>()
  const remarks = new Set<string>()
  for (const { statements } of manifests) {
    for (const { digest, sizeBytes, isDeclared } of statements) {
      const size = `has ${sizeBytes} bytes, more than the ${STATEMENT_BYTES_MAX} that are read`
      if (sizeBytes <= STATEMENT_BYTES_MAX) digests.add(digest)
      else if (isDeclared)
        faults.add(`The provenance ${digest} ${size}, so the commits of its image are not known.`)
      else remarks.add(`The attestation ${digest} ${size}, and nothing says that it is provenance.`)
    }
  }
  return { digests: [...digests], faults: [...faults], remarks: [...remarks] }
}

/** What the statements of a manifest say together. */
export function commitsOf(
  { statements }: { readonly statements: readonly StatementReference[] },
  read: ReadonlyMap<Digest, { readonly commits: readonly string[] }>,
): readonly string[] {
  return statements.flatMap(({ digest }) => read.get(digest)?.commits ?? [])
}

/** Said of a statement whose bytes are certainly not there: what it said of its image is lost, and that is not nothing. */
export function goneStatement(digest: Digest): string {
  return `The provenance ${digest} is referred to and not there, so the commits of its image are not known.`
}
