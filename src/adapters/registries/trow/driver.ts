/** Trow, before 0.7 and since: told apart by reading, and nothing is deleted where they cannot be. */
import type { RunOptions } from '../../../ports/run-options.ts'
import type { DriverCheck, RegistryDriver } from '../driver.ts'
import { OciConnection } from '../oci/connection.ts'
import { createOciReader } from '../oci/reader.ts'
import type { RegistryTraits } from '../oci/traits.ts'
import { ProductApi } from '../product-api.ts'
import { TrowLines, type TrowLine } from './lines.ts'
import { createTrowListing } from './listing.ts'
import { createTrowWriter, unknownLineCure } from './writer.ts'

const product = 'Trow'
const common = { protectsChildren: false, pageSizeMax: undefined }

const traitsOf: Readonly<Record<TrowLine, RegistryTraits>> = {
  'before-0.7': {
    ...common,
    product: 'Trow before 0.7',
    deleteByTag: false,
    collectsUntagged: true,
    pushTime: true,
  },
  'since-0.7': { ...common, product: 'Trow 0.7', deleteByTag: true, deleteRemovesSiblings: false },
  unknown: { ...common, product, deleteByTag: false, deletes: { state: 'no', cure: unknownLineCure } },
}

export const driver: RegistryDriver = {
  product,
  open: (settings) => {
    const connection = new OciConnection(settings)
    const base = settings.apiUrl ?? settings.baseUrl.replace(/\/+$/, '')
    const http =
      settings.apiUrl === undefined
        ? settings.http
        : settings.openHttp({ base, credentials: settings.apiCredentials ?? settings.credentials })
    const api = new ProductApi({ name: settings.name, product, base, http })
    const lines = new TrowLines(api, connection)
    return {
      reader: createOciReader({
        ...settings,
        listing: createTrowListing(connection, lines, settings.concurrency),
        recognise: async (_, options = {}) => traitsOf[await lines.find(options)],
      }),
      createWriter: () => createTrowWriter(connection, lines),
      check: async (_, options) => [await lineCheck(lines, options)],
    }
  },
}

async function lineCheck(lines: TrowLines, options: RunOptions): Promise<DriverCheck> {
  const what = 'tell the version'
  switch (await lines.find(options)) {
    case 'before-0.7':
      return {
        what,
        state: 'ok',
        text: 'before 0.7: whole images are deleted, and a sweep of its files frees them',
      }
    case 'since-0.7':
      return { what, state: 'ok', text: '0.7 or newer: it frees bytes by itself within a day' }
    case 'unknown':
      return { what, state: 'warning', text: 'neither of the two kinds of Trow shows', cure: unknownLineCure }
  }
}
