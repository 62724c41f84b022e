/** The Gitea driver beside its fake. */
import type { CredentialSource } from '../../src/adapters/http/credentials.ts'
import { giteaUser, startGitea, type GiteaServer } from '../fakes/gitea-server.ts'
import { openLab, seederOver, type LabOptions, type RegistryLab } from './lab.ts'

export interface GiteaLab extends RegistryLab {
  readonly fake: GiteaServer
}

export interface GiteaLabOptions extends LabOptions {
  readonly credentials?: CredentialSource
  /** @default that of a user who may do everything */
  readonly token?: string
}

export async function startGiteaLab(options: GiteaLabOptions = {}): Promise<GiteaLab> {
  const { pageSize, latencyMs = 0, token = giteaUser.token } = options
  const fake = await startGitea({ latencyMs, ...(pageSize !== undefined && { rowsMax: pageSize }) })
  const lab = await openLab({
    kind: 'gitea',
    url: fake.url,
    fakes: [fake],
    seeder: seederOver(`http://${giteaUser.login}:${giteaUser.token}@${fake.host}`),
    credentials: options.credentials ?? { get: async () => ({ kind: 'bearer', token }) },
    configuration: { auth: { tokenEnv: 'GITEA_TOKEN' } },
    environment: { GITEA_TOKEN: token },
    stop: async () => {},
  })
  return { ...lab, fake }
}
