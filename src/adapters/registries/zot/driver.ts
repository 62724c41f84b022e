/**
 * zot 2: single tags and digests go as the specification has it, children of an index that stays are protected; with the
 * search extension, when everything was pushed and pulled.
 */
import type { DriverCheck, DriverWriter, RegistryDriver } from '../driver.ts'
import { OciConnection } from '../oci/connection.ts'
import { createOciReader } from '../oci/reader.ts'
import { zotTraits } from '../oci/traits.ts'
import { createOciWriter } from '../oci/writer.ts'
import { createZotListing } from './listing.ts'
import { ZotSearch } from './search.ts'

export const driver: RegistryDriver = {
  product: zotTraits.product,
  open: (settings) => {
    const connection = new OciConnection(settings)
    const search = new ZotSearch(connection)
    return {
      reader: createOciReader({
        ...settings,
        listing: createZotListing(connection, search),
        capabilities: { referrersApi: true, freesBytes: 'by-its-collector' },
        recognise: async (_, options) => {
          const tellsTimes = await search.isThere(options)
          return { ...zotTraits, pushTime: tellsTimes, pullTime: tellsTimes }
        },
      }),
      createWriter: () => onlyInZot(createOciWriter({ ...settings, deletesTags: true }), search),
      check: async (_, options) => [timesCheck(await search.isThere(options))],
    }
  },
}

/** Other registries may delete a manifest with its tag: who answers is asked before the first deletion. */
function onlyInZot(writer: DriverWriter, search: ZotSearch): DriverWriter {
  return {
    name: writer.name,
    untag: async (...asked) => {
      await search.isThere(asked[2])
      return writer.untag(...asked)
    },
    deleteManifest: async (...asked) => {
      await search.isThere(asked[2])
      return writer.deleteManifest(...asked)
    },
    putManifest: (...asked) => writer.putManifest(...asked),
    probe: async (...asked) => {
      await search.isThere(asked[1])
      return writer.probe(...asked)
    },
  }
}

function timesCheck(isThere: boolean): DriverCheck {
  const what = 'read push and pull times'
  if (isThere) return { what, state: 'ok', text: 'the search extension tells them' }
  return {
    what,
    state: 'warning',
    text: 'without the search extension, ages come from the images themselves, and nothing tells pulls',
    cure: 'Set extensions.search.enable: true in the configuration of zot (a build with search, not zot-minimal), and restart it.',
  }
}
