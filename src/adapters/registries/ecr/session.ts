/** The vendor's client with one set of credentials, loaded when it is first needed. */
import { credentialProvider, quiet, type IdentitySettings } from './identity.ts'
import type { Sending } from './request-handler.ts'

export type AwsOperation =
  | 'DescribeRepositories'
  | 'DescribeImages'
  | 'DescribeImageTags'
  | 'BatchGetImage'
  | 'BatchDeleteImage'
  | 'GetAuthorizationToken'

export interface AwsSession {
  /** @throws the library's errors */
  readonly send: (
    operation: AwsOperation,
    input: object,
    sending: Sending,
  ) => Promise<Readonly<Record<string, unknown>>>
}

/** Of the library, what is used here. */
interface Library {
  readonly client: { readonly send: (command: unknown, options: Sending) => Promise<object> }
  readonly commands: Readonly<Partial<Record<AwsOperation, new (input: never) => unknown>>>
}

/** @param isRenewed the credentials of the last session were refused */
export async function openSession(settings: IdentitySettings, isRenewed: boolean): Promise<AwsSession> {
  // The library complains on stderr about every Node that its makers will drop one day.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'
  const { place, handler, aws } = settings
  const configuration = {
    credentials: await credentialProvider(settings, isRenewed),
    ...(place.region !== undefined && { region: place.region }),
    ...(place.endpoint !== undefined && { endpoint: place.endpoint }),
    ...(aws.profile !== undefined && { profile: aws.profile }),
    ...(place.isFips && { useFipsEndpoint: true }),
    ...(place.isDualstack && { useDualstackEndpoint: true }),
    requestHandler: handler as never,
    maxAttempts: 1,
    logger: quiet,
  }
  const { client, commands } = place.isPublic
    ? await openPublic(configuration)
    : await openPrivate(configuration)
  return {
    send: async (operation, input, sending) => {
      const Command = commands[operation]
      if (Command === undefined) throw new TypeError(`there is no ${operation} here`)
      return { ...(await client.send(new Command(input as never), sending)) }
    },
  }
}

async function openPrivate(configuration: object): Promise<Library> {
  const ecr = await import('@aws-sdk/client-ecr')
  return {
    client: new ecr.ECRClient(configuration) as unknown as Library['client'],
    commands: {
      DescribeRepositories: ecr.DescribeRepositoriesCommand,
      DescribeImages: ecr.DescribeImagesCommand,
      BatchGetImage: ecr.BatchGetImageCommand,
      BatchDeleteImage: ecr.BatchDeleteImageCommand,
      GetAuthorizationToken: ecr.GetAuthorizationTokenCommand,
    },
  }
}

async function openPublic(configuration: object): Promise<Library> {
  const ecr = await import('@aws-sdk/client-ecr-public')
  return {
    client: new ecr.ECRPUBLICClient(configuration) as unknown as Library['client'],
    commands: {
      DescribeRepositories: ecr.DescribeRepositoriesCommand,
      DescribeImages: ecr.DescribeImagesCommand,
      DescribeImageTags: ecr.DescribeImageTagsCommand,
      BatchDeleteImage: ecr.BatchDeleteImageCommand,
      GetAuthorizationToken: ecr.GetAuthorizationTokenCommand,
    },
  }
}
