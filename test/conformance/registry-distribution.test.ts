/** The conformance suite against real CNCF Distribution, in each of the ways it is run. */
import { describe, expect, it } from 'vitest'
import type { RegistryKind } from '../../src/adapters/registries/index.ts'
import { parseRepositoryName } from '../../src/core/image/names.ts'
import {
  distributionBinaries,
  startDockerRegistry,
  testCredentials,
  type DockerRegistryOptions,
} from '../servers/docker-registry.ts'
import { startCraneRegistry } from '../servers/crane-registry.ts'
import { missing, titled } from '../servers/find.ts'
import { openLab, seederOver } from '../registries/lab.ts'
import { startZot } from '../servers/zot.ts'
import { registryConformance, type RegistryExpectations, type RegistryUnderTest } from './registry.ts'
import { plant } from './registry-fixture.ts'
import { registrySurvival } from './registry-survival.ts'

const common = {
  listsUntagged: false,
  pushTime: false,
  deleteRemovesSiblings: true,
  deletes: { state: 'unknown' },
} as const
// Debian's 2.8 has schema 1 switched off, as everyone has, and 3.x does not know it any more.
const line2: RegistryExpectations = {
  capabilities: {
    ...common,
    product: 'CNCF Distribution 2',
    deleteByTag: false,
    protectsChildren: false,
    referrersApi: false,
  },
  without: ['schema1'],
}
// 3.x wants every entry of an index to be a manifest it has.
const line3: RegistryExpectations = {
  capabilities: {
    ...common,
    product: 'CNCF Distribution 3',
    deleteByTag: true,
    protectsChildren: false,
    referrersApi: false,
  },
  without: ['schema1', 'cache'],
}

const variants: readonly {
  readonly name: string
  readonly options: DockerRegistryOptions
  readonly expected: RegistryExpectations
}[] = [
  { name: 'Distribution 2.8', options: {}, expected: line2 },
  { name: 'Distribution 2.8 with pages of five', options: { maxEntries: 5 }, expected: line2 },
  { name: 'Distribution 2.8 with htpasswd', options: { htpasswd: testCredentials }, expected: line2 },
  {
    name: 'Distribution 2.8 with deletion switched off',
    options: { delete: false },
    expected: { ...line2, refuses: 'disabled' },
  },
  { name: 'Distribution 3', options: { binary: 'v3' }, expected: line3 },
]

for (const { name, options, expected } of variants) {
  const needed = distributionBinaries[options.binary ?? 'debian']
  describe.skipIf(missing(needed))(titled('real registry', needed), () => {
    const setup = async (): Promise<RegistryUnderTest> => {
      const server = await startDockerRegistry(options)
      return over(
        'distribution',
        server.url,
        server.urlWithCredentials,
        () => server.stop(),
        options.htpasswd,
      )
    }
    registryConformance(name, expected, setup)
    if (expected.refuses === undefined) registrySurvival(name, {}, setup)
  })
}

describe.skipIf(missing('zot'))(titled('real registry', 'zot'), () => {
  const capabilities = {
    ...common,
    product: 'zot',
    deleteByTag: true,
    protectsChildren: true,
    referrersApi: true,
  }
  registryConformance('zot', { capabilities, without: ['schema1', 'cache'] }, async () => {
    const server = await startZot()
    return over('zot', server.url, server.url, () => server.stop())
  })
})

describe.skipIf(missing('crane-registry'))(titled('real registry', 'crane-registry'), () => {
  const capabilities = {
    ...common,
    product: 'OCI registry',
    deleteByTag: false,
    protectsChildren: false,
    referrersApi: true,
  }
  const manners = ['keeps-tags', 'takes-manifests-without-blobs'] as const
  registryConformance("go-containerregistry's registry", { capabilities, manners }, async () => {
    const server = await startCraneRegistry()
    return over('generic', server.url, server.url, () => server.stop())
  })
})

async function over(
  kind: RegistryKind,
  baseUrl: string,
  seedUrl: string,
  stop: () => Promise<void>,
  login?: { readonly user: string; readonly password: string },
): Promise<RegistryUnderTest> {
  const credentials = login && {
    get: async () => ({ kind: 'basic', username: login.user, password: login.password }) as const,
  }
  const lab = await openLab({
    kind,
    url: baseUrl,
    fakes: [],
    seeder: seederOver(seedUrl),
    ...(credentials && { credentials }),
    stop,
  })
  return { ...lab, requestCount: lab.sent }
}

describe.skipIf(missing('docker-registry'))(titled('Distribution read-only', 'docker-registry'), () => {
  it('is told apart from deletion switched off, and says what to change', async () => {
    const server = await startDockerRegistry({ readOnly: true })
    const { writer, stop } = await over('distribution', server.url, server.url, () => server.stop())
    const repository = parseRepositoryName('team/app')
    if (repository === undefined) throw new Error('no name')
    const { index } = plant(repository).graph
    expect(await writer.deleteManifest(repository, index.digest)).toMatchObject({
      kind: 'refused',
      reason: 'read-only',
    })
    expect(await writer.putManifest(repository, index, undefined)).toMatchObject({
      kind: 'refused',
      reason: 'read-only',
    })
    await stop()
  })
})
