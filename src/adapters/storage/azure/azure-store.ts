/** A registry's files in Azure Blob Storage. */
import { MANIFEST_BYTES_MAX } from '../../../core/image/parse-manifest.ts'
import type { ListableStore } from '../../../ports/listable-store.ts'
import { readableStore } from '../objects/readable-store.ts'
import { sweepableStore, type KeepingStore } from '../objects/sweepable-store.ts'
import { azureBucket } from './azure-bucket.ts'
import type { AzureSettings } from './azure-connection.ts'

export type { AzureSettings } from './azure-connection.ts'

/** A container as a store that cannot be changed. Nothing is opened before the first call. */
export function createReadableAzureStore(settings: AzureSettings): ListableStore {
  return readableStore(azureBucket(settings))
}

export function createAzureStore(settings: AzureSettings): KeepingStore {
  // What may have to be read while it is aside is a manifest.
  return sweepableStore(azureBucket(settings), settings.readableBytesMax ?? MANIFEST_BYTES_MAX)
}
