/** The Nexus driver beside its fake. */
import { nexusUser, startNexus, type NexusServer, type NexusUser } from '../fakes/nexus-server.ts'
import { openLab, seederOver, type LabOptions, type RegistryLab } from './lab.ts'

export interface NexusLab extends RegistryLab {
  readonly fake: NexusServer
}

export interface NexusLabOptions extends LabOptions {
  /** @default a user who may do everything but administer */
  readonly user?: NexusUser
  /** Whether the address is that of a connector, or of the repository below `/repository/`. @default 'connector' */
  readonly by?: 'connector' | 'path'
}

export async function startNexusLab(options: NexusLabOptions = {}): Promise<NexusLab> {
  const { pageSize, latencyMs = 0, user = nexusUser, by = 'connector' } = options
  const fake = await startNexus({ latencyMs, ...(pageSize !== undefined && { rowsMax: pageSize }) })
  const { name: username, password } = user
  const lab = await openLab({
    kind: 'nexus',
    url: by === 'path' ? `${fake.url}/repository/docker-hosted` : fake.url,
    fakes: [fake],
    seeder: seederOver(`http://${nexusUser.name}:${nexusUser.password}@${fake.host}`),
    credentials: { get: async () => ({ kind: 'basic', username, password }) },
    configuration: { auth: { username, passwordEnv: 'NEXUS_PASSWORD' } },
    environment: { NEXUS_PASSWORD: password },
    stop: async () => {},
  })
  return { ...lab, fake }
}
