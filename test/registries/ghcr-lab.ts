/** GitHub's driver beside its fake. */
import type { CredentialSource } from '../../src/adapters/http/credentials.ts'
import type { GitHubToken } from '../fakes/ghcr-state.ts'
import { startGitHubServer, type GitHubServer } from '../fakes/ghcr-server.ts'
import { repositoryNamed } from '../fakes/ghcr-state.ts'
import { openLab, type LabOptions, type LabParts, type RegistryLab } from './lab.ts'

export interface GhcrLab extends RegistryLab {
  readonly server: GitHubServer
}

export interface GhcrLabOptions extends LabOptions {
  /** @default that of `octo`, with every scope */
  readonly token?: GitHubToken & { readonly secret?: string }
  readonly settings?: LabParts['settings']
  /** The API has an address of its own. @default false */
  readonly hasOwnApi?: boolean
}

export const fullScopes = ['read:packages', 'write:packages', 'delete:packages']
const secretDefault = 'ghp_0123456789abcdefghijklmnopqrstuvwxyz'

export async function startGhcrLab(options: GhcrLabOptions = {}): Promise<GhcrLab> {
  const { token = { login: 'octo', scopes: fullScopes }, settings = {}, hasOwnApi = false } = options
  const secret = token.secret ?? secretDefault
  const server = await startGitHubServer({ ...options, ...(hasOwnApi && { only: 'registry' }) })
  const { state } = server
  const api = hasOwnApi ? await startGitHubServer({ ...options, only: 'api', state }) : undefined
  state.tokens.set(secret, token)
  state.users.add('octo')
  state.organisationsOf.set('octo', ['team', 'acme'])
  const lab = await openLab({
    kind: 'ghcr',
    url: server.url,
    fakes: [server, ...(api === undefined ? [] : [api])],
    seeder: {
      putBlob: async (repository, bytes) => {
        state.store.repository(repositoryNamed(repository)).putBlob(bytes)
      },
      putManifest: async (repository, bytes, mediaType, reference) => {
        state.put(repository, bytes, mediaType, reference)
      },
    },
    credentials: tokenSource(secret),
    settings: { ...(api !== undefined && { apiUrl: `${api.url}/api/v3` }), ...settings },
    configuration: { auth: { tokenEnv: 'GHCR_TOKEN' } },
    environment: { GHCR_TOKEN: secret },
    stop: async () => {},
  })
  return { ...lab, server }
}

export function tokenSource(token: string): CredentialSource {
  return { name: 'the test', get: async () => ({ kind: 'bearer', token, origin: 'the test' }) }
}
