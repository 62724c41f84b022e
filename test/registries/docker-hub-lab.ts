/** The driver for Docker Hub beside its fake, on three hosts. */
import type { CredentialSource } from '../../src/adapters/http/credentials.ts'
import { parseDigest } from '../../src/core/image/digest.ts'
import { parseTagName } from '../../src/core/image/names.ts'
import type { Seeder } from '../conformance/registry-fixture.ts'
import { hubUser, startHubServers, type HubServerOptions, type HubServers } from '../fakes/hub-server.ts'
import type { HubState } from '../fakes/hub-state.ts'
import { openLab, type LabOptions, type LabParts, type RegistryLab } from './lab.ts'

export interface HubLab extends RegistryLab, HubServers {}

export async function startDockerHubLab(options: LabOptions = {}): Promise<HubLab> {
  return openHubLab(options, {})
}

export async function openHubLab(
  options: HubServerOptions,
  parts: Partial<Pick<LabParts, 'credentials' | 'settings' | 'configuration'>>,
): Promise<HubLab> {
  const servers = await startHubServers(options)
  const { api, registry, tokens, state } = servers
  const login = { kind: 'basic', username: hubUser.name, password: hubUser.secret } as const
  const credentials: CredentialSource = { name: 'the test', get: async () => login }
  const lab = await openLab({
    kind: 'docker-hub',
    url: registry.url,
    fakes: [api, tokens, registry],
    seeder: seederInto(state),
    credentials,
    configuration: { auth: { username: hubUser.name, passwordEnv: 'HUB_TOKEN' }, api: { url: api.url } },
    environment: { HUB_TOKEN: hubUser.secret },
    stop: async () => undefined,
    ...parts,
    settings: { apiUrl: api.url, ...parts.settings },
  })
  return { ...lab, ...servers }
}

/** Pushes without a request, so that what a test counts is the driver's. */
function seederInto({ store }: HubState): Seeder {
  return {
    putBlob: async (repository, bytes) => {
      store.repository(repository).putBlob(bytes)
    },
    putManifest: async (repository, bytes, mediaType, reference) => {
      const tag = parseDigest(reference) === undefined ? parseTagName(reference) : undefined
      store.repository(repository).putManifest(bytes, mediaType, tag, Date.now())
    },
  }
}
