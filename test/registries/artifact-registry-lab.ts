/** The driver for Google beside its fake: with the REST API, as at Google's own hosts, or without, as behind a mirror. */
import type { RegistryLab, LabOptions } from './lab.ts'
import { openLab, seederOver } from './lab.ts'
import { startGoogleServer, type GoogleRights, type GoogleServer } from '../fakes/google-server.ts'
import type { ArtifactRepository } from '../fakes/google-rest.ts'

export interface GoogleLabOptions extends LabOptions {
  /** Whether the driver is told of the API. @default true */
  readonly hasApi?: boolean
  /** What the API knows. @default one standard repository, `shop/apps` */
  readonly repositories?: readonly ArtifactRepository[]
  /** The account that the driver logs in with. @default 'admin' */
  readonly rights?: GoogleRights
  /** `oauth2accesstoken`, exchanged at the token end-point; a token as it is; or no login at all. @default 'token' */
  readonly login?: 'exchange' | 'token' | 'none'
  /** Below the host. @default 'shop' */
  readonly root?: string
}

export interface GoogleLab extends RegistryLab {
  readonly server: GoogleServer
  /** The account's OAuth token; changed by `expire`. */
  readonly token: () => string
  /** Makes every token worthless that the driver holds. */
  readonly expire: () => void
}

const pusher = 'ya29.somebody-who-pushes'

export async function startGoogleLab(options: GoogleLabOptions = {}): Promise<GoogleLab> {
  const { hasApi = true, rights = 'admin', login = 'token', root = 'shop', pageSize, latencyMs } = options
  const { repositories = [{ project: 'shop', id: 'apps' }] } = options
  let count = 1
  const token = (): string => `ya29.lab-${count}-${'x'.repeat(20)}`
  const server = await startGoogleServer({
    repositories,
    ...(login !== 'none' && {
      rightsOf: (given) => (given === pusher ? 'admin' : given === token() ? rights : undefined),
    }),
    ...(pageSize !== undefined && { pageSize }),
    ...(latencyMs !== undefined && { latencyMs }),
  })
  const url = `${server.url}${root === '' ? '' : `/${root}`}`
  const credentials = {
    name: 'the lab',
    get: async () =>
      login === 'token'
        ? ({ kind: 'bearer', token: token() } as const)
        : ({ kind: 'basic', username: 'oauth2accesstoken', password: token() } as const),
  }
  const seedUrl = server.url.replace('http://', `http://oauth2accesstoken:${pusher}@`)
  const lab = await openLab({
    kind: 'artifact-registry',
    url,
    fakes: [server],
    seeder: seederOver(login === 'none' ? server.url : seedUrl),
    ...(login !== 'none' && { credentials }),
    settings: { ...(hasApi && { apiUrl: server.url }) },
    configuration: {
      ...(hasApi && { api: { url: server.url } }),
      ...(login !== 'none' && {
        auth: { username: 'oauth2accesstoken', passwordEnv: 'GOOGLE_TOKEN' },
      }),
    },
    environment: login === 'none' ? {} : { GOOGLE_TOKEN: token() },
    stop: async () => undefined,
  })
  return {
    ...lab,
    server,
    token,
    expire: () => {
      count += 1
      server.expireTokens()
    },
  }
}

/** As every lab is started: by the API, as at Google's hosts. */
export function startArtifactRegistryLab(options: LabOptions = {}): Promise<GoogleLab> {
  return startGoogleLab(options)
}
