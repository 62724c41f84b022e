/** The Harbor driver beside its fake. */
import type { CredentialSource } from '../../src/adapters/http/credentials.ts'
import { parseDigest } from '../../src/core/image/digest.ts'
import { parseTagName } from '../../src/core/image/names.ts'
import type { Seeder } from '../conformance/registry-fixture.ts'
import {
  robot,
  startHarborServer,
  type HarborAccount,
  type HarborServer,
  type HarborServerOptions,
} from '../fakes/harbor-server.ts'
import type { HarborState } from '../fakes/harbor-state.ts'
import { openLab, type LabOptions, type LabParts, type RegistryLab } from './lab.ts'

export interface HarborLab extends RegistryLab {
  readonly harbor: HarborServer
}

export interface HarborLabOptions extends LabOptions, HarborServerOptions {
  /** Whom the driver logs in as. @default a robot account that may do everything */
  readonly login?: Pick<HarborAccount, 'name' | 'secret'>
  readonly settings?: LabParts['settings']
}

export async function startHarborLab(options: HarborLabOptions = {}): Promise<HarborLab> {
  const harbor = await startHarborServer(options)
  const login = options.login ?? robot
  const lab = await openLab({
    kind: 'harbor',
    url: harbor.url,
    fakes: [harbor],
    seeder: seederInto(harbor.state),
    credentials: loginOf(login),
    configuration: { auth: { username: login.name, passwordEnv: 'HARBOR_SECRET' } },
    environment: { HARBOR_SECRET: login.secret },
    ...(options.settings && { settings: options.settings }),
    stop: async () => {},
  })
  return { ...lab, harbor }
}

export function loginOf({ name, secret }: Pick<HarborAccount, 'name' | 'secret'>): CredentialSource {
  return {
    name: 'the test',
    get: async () => ({ kind: 'basic', username: name, password: secret, origin: 'the test' }),
  }
}

/** Puts things into the store as somebody else's pushes would, with their times. */
export function seederInto(state: HarborState): Seeder {
  return {
    putBlob: async (repository, bytes) => {
      state.store.repository(repository).putBlob(bytes)
    },
    putManifest: async (repository, bytes, mediaType, reference) => {
      const like = parseDigest(reference)
      const tag = like === undefined ? parseTagName(reference) : undefined
      state.store.repository(repository).putManifest(bytes, mediaType, tag, Date.now(), like)
      state.settle()
    },
  }
}
