/** The driver for Azure Container Registry beside its fake. */
import type { CredentialSource } from '../../src/adapters/http/credentials.ts'
import { acrLogin, startAcrServer, type AcrServer, type AcrServerOptions } from '../fakes/acr-server.ts'
import { openLab, seederOver, type LabOptions, type LabParts, type RegistryLab } from './lab.ts'

export interface AcrLab extends RegistryLab {
  readonly server: AcrServer
}

/** With the password of a token that may do everything. */
export async function startAcrLab(options: LabOptions = {}): Promise<AcrLab> {
  return openAcrLab(options, {})
}

export async function openAcrLab(
  options: AcrServerOptions,
  parts: Partial<Pick<LabParts, 'credentials' | 'settings' | 'kind' | 'url' | 'fakes'>>,
): Promise<AcrLab> {
  const server = await startAcrServer(options)
  const password = { get: async () => ({ kind: 'basic', ...acrLogin }) } as const satisfies CredentialSource
  const lab = await openLab({
    kind: 'acr',
    url: server.url,
    fakes: [server],
    seeder: seederOver(server.urlWithPassword),
    credentials: password,
    configuration: { auth: { username: acrLogin.username, passwordEnv: 'ACR_PASSWORD' } },
    environment: { ACR_PASSWORD: acrLogin.password },
    stop: async () => undefined,
    ...parts,
  })
  return { ...lab, server }
}
