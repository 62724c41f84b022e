/** Any registry that speaks the distribution specification, trusted with the least; clouds with what is known of them. */
import type { RegistryDriver } from '../driver.ts'
import { openPreset } from './open-preset.ts'
import { presetOf } from './presets.ts'
import { createOciReader } from './reader.ts'
import { genericTraits } from './traits.ts'
import { createOciWriter } from './writer.ts'

export const driver: RegistryDriver = {
  product: genericTraits.product,
  open: (settings) => {
    const preset = presetOf(new URL(settings.baseUrl).hostname)
    if (preset !== undefined) return openPreset(settings, preset)
    return { reader: createOciReader(settings), createWriter: () => createOciWriter(settings) }
  },
}
