/** GitLab's driver beside its fake. */
import { startGitLabServer, type GitLabServer, type GitLabServerOptions } from '../fakes/gitlab-server.ts'
import type { GitLabToken } from '../fakes/gitlab-state.ts'
import { openLab, type LabOptions, type LabParts, type RegistryLab } from './lab.ts'

export interface GitLabLab extends RegistryLab {
  readonly server: GitLabServer
}

export interface GitLabLabOptions extends LabOptions, GitLabServerOptions {
  /** @default one with every scope, of a developer */
  readonly token?: GitLabToken
  readonly username?: string
  readonly settings?: LabParts['settings']
}

const secret = 'glpat-0123456789abcdef'

export async function startGitLabLab(options: GitLabLabOptions = {}): Promise<GitLabLab> {
  const { token = { scopes: ['read_registry', 'write_registry', 'read_api'] }, username = 'winnow' } = options
  const server = await startGitLabServer(options)
  const { state } = server
  state.tokens.set(secret, token)
  const lab = await openLab({
    kind: 'gitlab',
    url: server.url,
    fakes: [server],
    seeder: {
      putBlob: async (repository, bytes) => {
        state.store.repository(state.repository(repository)).putBlob(bytes)
      },
      putManifest: async (repository, bytes, mediaType, reference) => {
        state.put(repository, bytes, mediaType, reference)
      },
    },
    credentials: {
      name: 'the test',
      get: async () => ({ kind: 'basic', username, password: secret, origin: 'the test' }),
    },
    ...(options.settings && { settings: options.settings }),
    configuration: { auth: { username, passwordEnv: 'GITLAB_TOKEN' } },
    environment: { GITLAB_TOKEN: secret },
    stop: async () => {},
  })
  return { ...lab, server }
}
