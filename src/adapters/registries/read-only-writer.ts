/** The writer of a registry whose own driver is not part of this version: it refuses, and says what can be done. */
import type { ChangeOutcome } from '../../ports/mutable-registry.ts'
import { refused } from './oci/refusals.ts'
import type { OciWriter, OciWriterSettings } from './oci/writer.ts'

export function createReadOnlyWriter(product: string, settings: OciWriterSettings): OciWriter {
  const text = `This version of Winnow reads ${product} and deletes nothing there, because its rules for deletion differ. Where deletion by digest is known to work, set kind: generic.`
  const refuse = async (): Promise<ChangeOutcome> => refused('unsupported', text)
  return {
    name: settings.name,
    untag: refuse,
    deleteManifest: refuse,
    putManifest: refuse,
    probe: async () => ({ deletes: { state: 'no', cure: text }, deleteByTag: false }),
  }
}
