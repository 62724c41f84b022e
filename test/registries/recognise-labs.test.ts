/**
 * `kind: auto` against every product's fake: each is taken for what it is, by reading alone and without showing a
 * credential to a page that did not ask for one. Amazon's, Google's and Docker's are known by their hosts only.
 */
import { describe, expect, it } from 'vitest'
import { createHttpClient } from '../../src/adapters/http/client.ts'
import type { HttpClient } from '../../src/adapters/http/http-types.ts'
import type { DriverSettings } from '../../src/adapters/registries/driver.ts'
import { recogniseRegistry } from '../../src/adapters/registries/recognise.ts'
import type { RegistryName } from '../../src/core/image/names.ts'
import { labs, type LabEntry } from './labs.ts'

const byHostOnly: readonly LabEntry['kind'][] = ['ecr', 'artifact-registry', 'docker-hub']

describe('kind: auto', () => {
  it.each(labs)('knows the fake of $kind', async ({ kind, start }) => {
    const lab = await start()
    const clients: HttpClient[] = []
    try {
      const url = String(lab.configuration['url'])
      for (const fake of lab.fakes) fake.forgetRequests()
      const openHttp: DriverSettings['openHttp'] = (client) => {
        const http = createHttpClient({ environment: {}, ...client })
        clients.push(http)
        return http
      }
      const http = openHttp({ base: url, credentials: lab.credentials })
      const registry = { name: 'test' as RegistryName, baseUrl: url, http, openHttp }
      const found = await recogniseRegistry(registry)
      expect(found.kind).toBe(byHostOnly.includes(kind) ? 'generic' : kind)
      const requests = lab.fakes.flatMap((fake) => fake.requests)
      expect(requests.every(({ method }) => method === 'GET')).toBe(true)
      const shown = requests.filter(({ headers }) => headers.authorization !== undefined)
      expect(shown.every(({ url: { pathname } }) => /\/v2\/|^\/(token|service|login)/.test(pathname))).toBe(
        true,
      )
    } finally {
      for (const http of clients) await http.close()
      await lab.stop()
    }
  })
})
