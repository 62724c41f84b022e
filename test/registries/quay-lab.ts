/** The Quay driver beside its fake: an OAuth token for the API, a robot for `/v2/`. */
import type { Credential, CredentialSource } from '../../src/adapters/http/credentials.ts'
import { parseDigest } from '../../src/core/image/digest.ts'
import { parseTagName } from '../../src/core/image/names.ts'
import type { Seeder } from '../conformance/registry-fixture.ts'
import {
  oauthToken,
  robot,
  startQuayServer,
  type QuayServer,
  type QuayServerOptions,
} from '../fakes/quay-server.ts'
import type { QuayState } from '../fakes/quay-state.ts'
import { openLab, type LabOptions, type LabParts, type RegistryLab } from './lab.ts'

export interface QuayLab extends RegistryLab {
  readonly quay: QuayServer
}

export interface QuayLabOptions extends LabOptions, QuayServerOptions {
  /** Of the registry. @default the robot's */
  readonly login?: Credential | 'none'
  /** Of the API. @default a token that may do everything */
  readonly apiLogin?: Credential | 'none'
  readonly settings?: LabParts['settings']
}

export async function startQuayLab(options: QuayLabOptions = {}): Promise<QuayLab> {
  const quay = await startQuayServer(options)
  const robotLogin = { kind: 'basic', username: robot.name, password: robot.token } as const
  const { login = robotLogin, apiLogin = { kind: 'bearer', token: oauthToken } } = options
  const lab = await openLab({
    kind: 'quay',
    url: quay.url,
    fakes: [quay],
    seeder: seederInto(quay.state),
    ...(login !== 'none' && { credentials: source(login) }),
    configuration: {
      auth: { username: robot.name, passwordEnv: 'QUAY_ROBOT' },
      api: { auth: { tokenEnv: 'QUAY_TOKEN' } },
    },
    environment: { QUAY_ROBOT: robot.token, QUAY_TOKEN: oauthToken },
    settings: { ...(apiLogin !== 'none' && { apiCredentials: source(apiLogin) }), ...options.settings },
    stop: async () => {},
  })
  return { ...lab, quay }
}

function source(credential: Credential): CredentialSource {
  return { name: 'the test', get: async () => ({ ...credential, origin: 'the test' }) }
}

/** Puts things into the store as somebody else's pushes would. */
export function seederInto(state: QuayState): Seeder {
  return {
    putBlob: async (repository, bytes) => {
      state.store.repository(repository).putBlob(bytes)
    },
    putManifest: async (repository, bytes, mediaType, reference) => {
      const like = parseDigest(reference)
      const tag = like === undefined ? parseTagName(reference) : undefined
      const stored = state.store.repository(repository)
      const digest = stored.putManifest(bytes, mediaType, tag, Date.now(), like)
      if (tag === undefined) state.temporary?.add(digest)
      state.settle()
    },
  }
}
