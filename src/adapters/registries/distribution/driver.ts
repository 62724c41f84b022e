/**
 * CNCF Distribution 2.8 and 3.x: the OCI driver, with what is known of the two lines.
 *
 * It has no referrers API, no times and no protection of children; a deleted manifest can be put back until its own
 * garbage collector has run.
 */
import type { ReadableRegistry } from '../../../ports/readable-registry.ts'
import { createOciReader, type OciReaderSettings } from '../oci/reader.ts'
import { createOciWriter, type OciWriter, type OciWriterSettings } from '../oci/writer.ts'
import { recogniseLine } from './recognise-line.ts'

export function createDistributionReader(settings: OciReaderSettings): ReadableRegistry {
  const [repository] = settings.repositories ?? []
  return createOciReader({
    ...settings,
    recognise: (connection, options) => recogniseLine(connection, repository, options),
  })
}

/** Both lines delete exactly the tag, or refuse: 2.8 takes it for a malformed digest. */
export function createDistributionWriter(settings: OciWriterSettings): OciWriter {
  return createOciWriter({ ...settings, deletesTags: true })
}
