/** What can go wrong with a cache that has to be told something. Texts pass the redactor before they come here. */
import { OperationalError } from '../../core/errors/errors.ts'

/** Redis did not do what it was asked, so what the registry remembers is unknown, and nothing is freed. */
export class DescriptorCacheUnreachableError extends OperationalError {
  readonly code = 'DESCRIPTOR_CACHE_UNREACHABLE'
  readonly hint: string

  constructor(place: string, why: string, options?: { readonly cause?: unknown }) {
    super(
      `The registry’s cache at ${place} could not be made to forget what was set aside: ${why}. Nothing is freed, because the registry would take manifests whose layers are gone.`,
      options,
    )
    this.hint =
      'Check `storage.cache` and the credentials named beside it; they are those of the registry’s own configuration. Then run the same command again.'
  }
}
