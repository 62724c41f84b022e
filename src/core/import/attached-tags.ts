/**
 * Tags that cosign and others attach to an image (`sha256-….sig`) are parts of it to Winnow. To most systems they are tags
 * like any other, and take places in counts.
 */
import { isRule, type ImportedConfiguration } from './imported-policy.ts'
import type { Importer } from './importer.ts'
import type { Reading } from './reading.ts'

/** Those that leave such tags out of their counts themselves, or count no tags. */
const leaveThemOut: readonly Importer['system'][] = ['quay', 'harbor', 'zot', 'ghcr-cleanup-action', 'werf']

/** Warns where the source counts attached tags, and a rule of what is imported counts. */
export function warnOfAttachedTags(
  { system }: Importer,
  { policies }: ImportedConfiguration,
  reading: Reading,
): void {
  if (leaveThemOut.includes(system)) return
  const counts = policies.some(({ rules }) =>
    rules.some((each) => isRule(each) && (each.delete?.beyondNewest ?? each.keep?.newest) !== undefined),
  )
  if (!counts) return
  reading.warn(
    undefined,
    'Signatures and the like under tags (sha256-….sig, .att, .sbom) take places in counts there. Here they are parts of their image and take none, so more is kept.',
  )
}
