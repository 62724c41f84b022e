/** A registry's files in Google Cloud Storage. */
import { MANIFEST_BYTES_MAX } from '../../../core/image/parse-manifest.ts'
import type { ListableStore } from '../../../ports/listable-store.ts'
import { readableStore } from '../objects/readable-store.ts'
import { sweepableStore, type KeepingStore } from '../objects/sweepable-store.ts'
import { gcsBucket } from './gcs-bucket.ts'
import { gcsRequests, type GcsSettings } from './gcs-requests.ts'

export type { GcsSettings } from './gcs-requests.ts'

/** A bucket as a store that cannot be changed: its token is one for reading. Nothing is opened before the first call. */
export function createReadableGcsStore(settings: GcsSettings): ListableStore {
  return readableStore(gcsBucket(settings, gcsRequests(settings, 'read')))
}

export function createGcsStore(settings: GcsSettings): KeepingStore {
  const bucket = gcsBucket(settings, gcsRequests(settings, 'write'))
  // What may have to be read while it is aside is a manifest.
  return sweepableStore(bucket, settings.readableBytesMax ?? MANIFEST_BYTES_MAX)
}
