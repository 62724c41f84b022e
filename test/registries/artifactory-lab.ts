/** The Artifactory driver beside its fake. */
import type { CredentialSource } from '../../src/adapters/http/credentials.ts'
import type { Seeder } from '../conformance/registry-fixture.ts'
import { artifactoryAdmin, startArtifactory, type ArtifactoryServer } from '../fakes/artifactory-server.ts'
import { openLab, seederOver, type LabOptions, type LabParts, type RegistryLab } from './lab.ts'

export interface ArtifactoryLab extends RegistryLab {
  readonly fake: ArtifactoryServer
}

export interface ArtifactoryLabOptions extends LabOptions {
  /** How the configuration names the repository key. @default 'path' */
  readonly names?: 'path' | 'none' | 'port'
  readonly credentials?: CredentialSource
  /** @default the administrator's */
  readonly token?: string
}

export const KEY = 'docker-local'

export async function startArtifactoryLab(options: ArtifactoryLabOptions = {}): Promise<ArtifactoryLab> {
  const { names = 'path', pageSize, latencyMs = 0, token = artifactoryAdmin.secret } = options
  const fake = await startArtifactory({
    latencyMs,
    ...(pageSize !== undefined && { rowsMax: pageSize }),
    ...(names === 'port' && { portKey: KEY }),
  })
  const apiUrl = `${fake.url}/artifactory/api/docker/${KEY}`
  const parts: LabParts = {
    kind: 'artifactory',
    url: names === 'path' ? `${fake.url}/${KEY}` : fake.url,
    fakes: [fake],
    seeder: names === 'none' ? seederOver(pushUrl(fake)) : below(KEY, seederOver(pushUrl(fake))),
    credentials: options.credentials ?? { get: async () => ({ kind: 'bearer', token }) },
    ...(names === 'port' && { settings: { apiUrl } }),
    configuration: {
      auth: { tokenEnv: 'ARTIFACTORY_TOKEN' },
      ...(names === 'port' && { api: { url: apiUrl } }),
    },
    environment: { ARTIFACTORY_TOKEN: token },
    stop: async () => {},
  }
  return { ...(await openLab(parts)), fake }
}

function pushUrl({ host }: ArtifactoryServer): string {
  return `http://${artifactoryAdmin.name}:${artifactoryAdmin.secret}@${host}`
}

function below(key: string, seeder: Seeder): Seeder {
  return {
    putBlob: (repository, bytes) => seeder.putBlob(`${key}/${repository}` as typeof repository, bytes),
    putManifest: (repository, ...rest) =>
      seeder.putManifest(`${key}/${repository}` as typeof repository, ...rest),
  }
}
