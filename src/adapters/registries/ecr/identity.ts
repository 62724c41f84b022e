/**
 * Whose requests they are: the vendor's own search for credentials (variables, profiles, single sign-on, processes, roles
 * of machines and of service accounts), and on top of it a role, where the configuration names one.
 *
 * Every secret that comes along is made known to the redactor before it is used.
 */
import type { Redactor } from '../../http/redact.ts'
import type { AwsDriverSettings, DriverSettings } from '../driver.ts'
import type { EcrPlace } from './place.ts'
import type { OwnHttpHandler } from './request-handler.ts'

export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  readonly expiration?: Date
}

export type AwsCredentialProvider = () => Promise<AwsCredentials>

export interface IdentitySettings {
  readonly aws: AwsDriverSettings
  readonly environment: DriverSettings['environment']
  readonly place: EcrPlace
  readonly handler: OwnHttpHandler
  readonly redactor: Redactor
}

const SESSION_NAME = 'winnow'

/**
 * Where credentials come from, once more each time it is asked.
 *
 * @param isRenewed files are read again, whatever was kept of them: what they gave was refused
 */
export async function credentialProvider(
  settings: IdentitySettings,
  isRenewed: boolean,
): Promise<AwsCredentialProvider> {
  const base = await baseProvider(settings, isRenewed)
  const { aws } = settings
  const provider = aws.roleArn === undefined ? base : await roleProvider(settings, base, aws.roleArn)
  return async () => {
    const credentials = await provider()
    settings.redactor.register(credentials.secretAccessKey)
    if (credentials.sessionToken !== undefined) settings.redactor.register(credentials.sessionToken)
    return credentials
  }
}

/** What errors call it; never a secret. */
export function identityName({ aws, environment }: IdentitySettings): string {
  const profile = profileOf(aws, environment)
  const base =
    profile !== undefined
      ? `the AWS profile ${profile}`
      : inVariables(environment)
        ? 'the environment (AWS_ACCESS_KEY_ID)'
        : 'the usual chain of AWS credentials'
  return aws.roleArn === undefined ? base : `the role ${aws.roleArn}, assumed with ${base}`
}

async function baseProvider(
  { aws, environment, place, handler }: IdentitySettings,
  isRenewed: boolean,
): Promise<AwsCredentialProvider> {
  const profile = profileOf(aws, environment)
  // A profile is asked for by name, and then the vendor's library knows where to look.
  const written = profile === undefined ? inVariables(environment) : undefined
  if (written !== undefined) return async () => written
  const { fromNodeProviderChain } = await import('@aws-sdk/credential-providers')
  const { AWS_SHARED_CREDENTIALS_FILE: filepath, AWS_CONFIG_FILE: configFilepath } = environment
  return fromNodeProviderChain({
    ...(profile !== undefined && { profile }),
    ...(filepath !== undefined && { filepath }),
    ...(configFilepath !== undefined && { configFilepath }),
    ignoreCache: isRenewed,
    clientConfig: {
      ...(place.region !== undefined && { region: place.region }),
      requestHandler: handler as never,
    },
    logger: quiet,
  })
}

async function roleProvider(
  { environment, place, handler }: IdentitySettings,
  base: AwsCredentialProvider,
  roleArn: string,
): Promise<AwsCredentialProvider> {
  const { fromTemporaryCredentials } = await import('@aws-sdk/credential-providers')
  const endpoint = environment['AWS_ENDPOINT_URL_STS'] ?? environment['AWS_ENDPOINT_URL']
  const provider = fromTemporaryCredentials({
    masterCredentials: base,
    params: { RoleArn: roleArn, RoleSessionName: SESSION_NAME },
    clientConfig: {
      ...(place.region !== undefined && { region: place.region }),
      ...(endpoint !== undefined && { endpoint }),
      requestHandler: handler as never,
      // Our client repeats; twice would multiply.
      maxAttempts: 1,
    },
    logger: quiet,
  })
  return () => provider()
}

function profileOf(aws: AwsDriverSettings, environment: IdentitySettings['environment']): string | undefined {
  return aws.profile ?? environment['AWS_PROFILE']
}

function inVariables(environment: IdentitySettings['environment']): AwsCredentials | undefined {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = environment
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) return undefined
  return {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN !== undefined && { sessionToken: AWS_SESSION_TOKEN }),
  }
}

function ignore(): void {
  // What matters comes as an error.
}

/** The library would write to stderr. */
export const quiet: {
  readonly debug: () => void
  readonly info: () => void
  readonly warn: () => void
  readonly error: () => void
} = { debug: ignore, info: ignore, warn: ignore, error: ignore }
