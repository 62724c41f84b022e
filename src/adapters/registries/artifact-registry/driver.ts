/**
 * Google: Artifact Registry at its own hosts (pkg.dev) and at those of Container Registry (gcr.io), which it serves now.
 *
 * Lists every manifest of a repository with one request, upload times included. Tags are removed one by one; a digest is
 * deleted only when no tag, index or referrer is left on it, and refusals say which. Nothing is kept in a bin.
 */
import type { Capabilities } from '../../../core/inventory/inventory.ts'
import type { DriverSettings, OpenedDriver, RegistryDriver } from '../driver.ts'
import { createOciReader } from '../oci/reader.ts'
import type { RegistryTraits } from '../oci/traits.ts'
import { createOciWriter } from '../oci/writer.ts'
import { checkGoogle } from './checks.ts'
import { createGoogleListing } from './listing.ts'
import { PAGE_SIZE_MAX, PRODUCT } from './read-node.ts'
import { rootsOf } from './roots.ts'
import { openSession, openWritingHttp } from './session.ts'
import { Survey } from './survey.ts'

const traits: RegistryTraits = {
  product: PRODUCT,
  deleteByTag: true,
  protectsChildren: true,
  pageSizeMax: PAGE_SIZE_MAX,
}

const capabilities: Partial<Capabilities> = {
  // A digest with tags is refused (GOOGLE_MANIFEST_DANGLING_TAG), so they go first.
  deleteRemovesSiblings: false,
  listsUntagged: true,
  pushTime: true,
  pullTime: false,
  // The list of tags shows referrers as well, so nobody is asked for them.
  referrersApi: true,
  undo: 'manifest-replay',
  freesBytes: 'by-itself',
  rateLimit: '60 000 requests and 18 000 deletions a minute for a project',
}

export const driver: RegistryDriver = { product: PRODUCT, open }

function open(settings: DriverSettings): OpenedDriver {
  const session = openSession(settings)
  const survey = new Survey(settings.name, session)
  const roots = rootsOf(session.root, settings.namespaces)
  const { baseUrl, http } = session
  return {
    reader: createOciReader({
      ...settings,
      baseUrl,
      http,
      recognise: async () => traits,
      listing: createGoogleListing(session, survey, roots),
      capabilities,
    }),
    createWriter: () =>
      // A DELETE of a tag takes that tag alone; what it named stays, untagged.
      createOciWriter({ ...settings, baseUrl, http: openWritingHttp(settings), deletesTags: true }),
    check: (repository, options) => checkGoogle({ session, roots, repository }, options),
  }
}
