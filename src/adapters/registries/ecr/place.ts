/**
 * Where a registry of Amazon ECR is, and where its API is: read from the address, then from the configuration, then from
 * the environment. What none of them says is left to the vendor's library, which knows profiles and partitions.
 */
import type { DriverSettings } from '../driver.ts'

export interface EcrPlace {
  /** ECR Public, whose API is another one. */
  readonly isPublic: boolean
  /** The account whose registry it is (`registryId`); undefined means that of the credentials. */
  readonly account: string | undefined
  readonly region: string | undefined
  /** The API's address; undefined where the library derives it from the region. */
  readonly endpoint: string | undefined
  readonly isFips: boolean
  readonly isDualstack: boolean
}

/** ECR Public answers in one region alone. */
const PUBLIC_REGION = 'us-east-1'
const PUBLIC_HOST = 'public.ecr.aws'
/** `012345678910.dkr.ecr.eu-central-1.amazonaws.com`, `….dkr.ecr-fips.…`, and dual-stack `….dkr-ecr.….on.aws`. */
const PRIVATE_HOST = /^(\d{12})\.dkr[.-]ecr(-fips)?\.([a-z0-9-]+)\.(.+)$/

type PlaceSettings = Pick<DriverSettings, 'baseUrl' | 'apiUrl' | 'aws' | 'environment'>

export function placeOf(settings: PlaceSettings): EcrPlace {
  const { host, origin } = new URL(settings.baseUrl)
  const [, account, fips, region, suffix] = PRIVATE_HOST.exec(host) ?? []
  const isAmazon = host === PUBLIC_HOST || account !== undefined
  const isPublic = isPublicRegistry(host, account, settings)
  const named = settings.apiUrl ?? namedEndpoint(isPublic, settings.environment)
  return {
    isPublic,
    account,
    region: isPublic ? PUBLIC_REGION : (region ?? namedRegion(settings)),
    // A host that is not Amazon's serves everything itself, unless somebody says otherwise.
    endpoint: named ?? (isAmazon ? undefined : origin),
    isFips: fips !== undefined,
    isDualstack: suffix?.startsWith('on.') === true,
  }
}

/** A stand-in for ECR Public is told by the variable that names its API. */
function isPublicRegistry(
  host: string,
  account: string | undefined,
  { environment }: PlaceSettings,
): boolean {
  return (
    host === PUBLIC_HOST ||
    (account === undefined && environment['AWS_ENDPOINT_URL_ECR_PUBLIC'] !== undefined)
  )
}

function namedRegion({ aws, environment }: PlaceSettings): string | undefined {
  return aws.region ?? environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION']
}

function namedEndpoint(isPublic: boolean, environment: PlaceSettings['environment']): string | undefined {
  if (environment['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'] === 'true') return undefined
  const own = environment[isPublic ? 'AWS_ENDPOINT_URL_ECR_PUBLIC' : 'AWS_ENDPOINT_URL_ECR']
  return own ?? environment['AWS_ENDPOINT_URL']
}
