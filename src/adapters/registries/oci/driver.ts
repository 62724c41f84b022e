/** Any registry that speaks the distribution specification, trusted with the least. */
import type { RegistryDriver } from '../driver.ts'
import { createOciReader } from './reader.ts'
import { genericTraits } from './traits.ts'
import { createOciWriter } from './writer.ts'

export const driver: RegistryDriver = {
  product: genericTraits.product,
  open: (settings) => ({
    reader: createOciReader(settings),
    createWriter: () => createOciWriter(settings),
  }),
}
