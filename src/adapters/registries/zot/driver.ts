/** zot 2: single tags and digests, children of an index that stays are protected. */
import type { RegistryDriver } from '../driver.ts'
import { createOciReader } from '../oci/reader.ts'
import { zotTraits } from '../oci/traits.ts'
import { createOciWriter } from '../oci/writer.ts'

export const driver: RegistryDriver = {
  product: zotTraits.product,
  open: (settings) => ({
    reader: createOciReader({ ...settings, recognise: async () => zotTraits }),
    createWriter: () => createOciWriter({ ...settings, deletesTags: zotTraits.deleteByTag }),
  }),
}
