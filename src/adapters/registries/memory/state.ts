/** What the reader and the writer of the registry in memory share. */
import type { RegistryName, RepositoryName } from '../../../core/image/names.ts'
import type { Capabilities, InstantMs } from '../../../core/inventory/inventory.ts'
import type { RegistryStore } from './store.ts'

export interface MemoryCall {
  readonly method:
    | 'listRepositories'
    | 'readRepository'
    | 'resolveTag'
    | 'readManifest'
    | 'hasBlob'
    | 'untag'
    | 'deleteManifest'
    | 'putManifest'
  readonly repository: RepositoryName | undefined
  /** The tag or digest it is about. */
  readonly reference: string | undefined
}

export interface MemoryRegistryState {
  readonly name: RegistryName
  readonly store: RegistryStore
  readonly capabilities: Capabilities
  readonly deletes: 'yes' | 'disabled' | 'read-only'
  readonly now: () => InstantMs
  readonly onCall: (call: MemoryCall) => void | Promise<void>
}
