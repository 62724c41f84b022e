/**
 * CNCF Distribution 2.8 and 3.x: the OCI driver, with what is known of the two lines.
 *
 * It has no referrers API, no times and no protection of children; a deleted manifest can be put back until its own
 * garbage collector has run.
 */
import type { RegistryDriver } from '../driver.ts'
import { createOciReader } from '../oci/reader.ts'
import { createOciWriter } from '../oci/writer.ts'
import { recogniseLine } from './recognise-line.ts'

export const driver: RegistryDriver = {
  product: 'CNCF Distribution',
  open: (settings) => {
    const [repository] = settings.repositories ?? []
    return {
      reader: createOciReader({
        ...settings,
        recognise: (connection, options) => recogniseLine(connection, repository, options),
      }),
      // Both lines delete exactly the tag, or refuse: 2.8 takes it for a malformed digest.
      createWriter: () => createOciWriter({ ...settings, deletesTags: true }),
    }
  },
}
