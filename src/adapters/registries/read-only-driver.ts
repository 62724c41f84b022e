/**
 * A registry whose own driver is not part of this version: it is read like any OCI registry, and changes are refused with
 * what can be done.
 */
import type { ChangeOutcome } from '../../ports/mutable-registry.ts'
import type { DriverWriter, RegistryDriver } from './driver.ts'
import { createOciReader } from './oci/reader.ts'
import type { ConnectionSettings } from './oci/connection.ts'
import { refused } from './oci/refusals.ts'
import { genericTraits } from './oci/traits.ts'

export function readOnlyDriver(product: string): RegistryDriver {
  return {
    product,
    open: (settings) => ({
      reader: createOciReader({ ...settings, recognise: async () => ({ ...genericTraits, product }) }),
      createWriter: () => createReadOnlyWriter(product, settings),
    }),
  }
}

function createReadOnlyWriter(product: string, { name }: ConnectionSettings): DriverWriter {
  const text = `This version of Winnow reads ${product} and deletes nothing there, because its rules for deletion differ. Where deletion by digest is known to work, set kind: generic.`
  const refuse = async (): Promise<ChangeOutcome> => refused('unsupported', text)
  return {
    name,
    untag: refuse,
    deleteManifest: refuse,
    putManifest: refuse,
    probe: async () => ({ deletes: { state: 'no', cure: text }, deleteByTag: false }),
  }
}
