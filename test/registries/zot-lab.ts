/** The zot driver beside its fake. */
import type { CredentialSource } from '../../src/adapters/http/credentials.ts'
import { startZot, type ZotOptions, type ZotServer } from '../fakes/zot-server.ts'
import { openLab, seederOver, type LabOptions, type RegistryLab } from './lab.ts'

export interface ZotLab extends RegistryLab {
  readonly fake: ZotServer
}

export interface ZotLabOptions extends LabOptions, Pick<ZotOptions, 'search'> {
  /** @default one who may everything */
  readonly user?: 'ci' | 'reader' | 'careful'
}

const users = {
  ci: { password: 'pw-ci', actions: ['read', 'create', 'delete'] },
  reader: { password: 'pw-reader', actions: ['read'] },
  careful: { password: 'pw-careful', actions: ['read', 'create', 'delete', 'detectManifestCollision'] },
} as const

export async function startZotLab(options: ZotLabOptions = {}): Promise<ZotLab> {
  const { pageSize, latencyMs = 0, search = 'new', user = 'ci' } = options
  const fake = await startZot({
    users,
    search,
    latencyMs,
    ...(pageSize !== undefined && { pageMax: pageSize }),
  })
  const { password } = users[user]
  const credentials: CredentialSource = { get: async () => ({ kind: 'basic', username: user, password }) }
  const lab = await openLab({
    kind: 'zot',
    url: fake.url,
    fakes: [fake],
    seeder: seederOver(`http://ci:${users.ci.password}@${fake.host}`),
    credentials,
    configuration: { auth: { username: user, passwordEnv: 'ZOT_PASSWORD' } },
    environment: { ZOT_PASSWORD: password },
    stop: async () => {},
  })
  return { ...lab, fake }
}
