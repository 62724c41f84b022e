/** Amazon ECR's driver beside its fake, private or public. */
import { parseRepositoryName, parseTagName } from '../../src/core/image/names.ts'
import { parseDigest } from '../../src/core/image/digest.ts'
import type { DriverSettings } from '../../src/adapters/registries/driver.ts'
import type { Seeder } from '../conformance/registry-fixture.ts'
import type { EcrState } from '../fakes/ecr-state.ts'
import { startEcrServer, type EcrServer } from '../fakes/ecr-server.ts'
import { openLab, type LabOptions, type RegistryLab } from './lab.ts'

export interface EcrLabOptions extends LabOptions {
  /** @default false */
  readonly isPublic?: boolean
  readonly settings?: Partial<DriverSettings>
}

export interface EcrLab extends RegistryLab {
  readonly server: EcrServer
  /** Makes every credential that was given out worthless, and puts new ones where the driver looks for them. */
  readonly rotate: () => void
}

export async function startEcrLab(options: EcrLabOptions = {}): Promise<EcrLab> {
  const server = await startEcrServer(options)
  const environment: Record<string, string> = {
    ...server.credentials(),
    AWS_REGION: 'eu-central-1',
    ...(options.isPublic === true && { AWS_ENDPOINT_URL_ECR_PUBLIC: server.fake.url }),
    AWS_ENDPOINT_URL_STS: server.fake.url,
  }
  const lab = await openLab({
    kind: 'ecr',
    url: server.fake.url,
    fakes: [server.fake],
    seeder: seederInto(server.state),
    environment,
    ...(options.settings !== undefined && { settings: options.settings }),
    stop: async () => undefined,
  })
  return {
    ...lab,
    server,
    rotate: () => {
      server.expire()
      Object.assign(environment, server.credentials())
    },
  }
}

/** What clients push, without the way there: pushing needs a login of its own. */
function seederInto({ store }: EcrState): Seeder {
  return {
    putBlob: async (repository, bytes) => {
      store.repository(repository).putBlob(bytes)
    },
    putManifest: async (repository, bytes, mediaType, reference) => {
      const like = parseDigest(reference)
      const tag = like === undefined ? parseTagName(reference) : undefined
      store.repository(repository).putManifest(bytes, mediaType, tag, Date.now(), like)
    },
  }
}

/** A name of a repository, for tests. */
export function repositoryNamed(text: string): NonNullable<ReturnType<typeof parseRepositoryName>> {
  const name = parseRepositoryName(text)
  if (name === undefined) throw new Error(`${text} is no repository`)
  return name
}
