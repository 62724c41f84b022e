/** The Trow driver beside its fake. */
import type { CredentialSource } from '../../src/adapters/http/credentials.ts'
import { startTrow, type TrowOptions, type TrowServer } from '../fakes/trow-server.ts'
import { openLab, seederOver, type LabOptions, type RegistryLab } from './lab.ts'

export interface TrowLab extends RegistryLab {
  readonly fake: TrowServer
}

/** Trow gives all names that are asked for on one page, so `pageSize` is nothing to it. */
export interface TrowLabOptions extends LabOptions, Pick<TrowOptions, 'line'> {
  /** @default false */
  readonly hasLogin?: boolean
  /** @default the one that is right */
  readonly password?: string
}

const login = { username: 'winnow', password: 'pw-of-trow' }

export async function startTrowLab(options: TrowLabOptions = {}): Promise<TrowLab> {
  const { latencyMs = 0, line = 'since-0.7', hasLogin = false, password = login.password } = options
  const fake = await startTrow({ line, latencyMs, ...(hasLogin && { login }) })
  const credentials: CredentialSource = {
    get: async () => ({ kind: 'basic', username: login.username, password }),
  }
  const seedUrl = `http://${login.username}:${login.password}@${fake.host}`
  const lab = await openLab({
    kind: 'trow',
    url: fake.url,
    fakes: [fake],
    seeder: seederOver(hasLogin ? seedUrl : fake.url),
    ...(hasLogin && {
      credentials,
      configuration: { auth: { username: login.username, passwordEnv: 'TROW_PASSWORD' } },
      environment: { TROW_PASSWORD: password },
    }),
    stop: async () => {},
  })
  return { ...lab, fake }
}
