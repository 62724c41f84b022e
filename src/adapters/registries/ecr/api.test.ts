/** Where the vendor's library sends a call that no configuration sends elsewhere. Nothing is sent: the client is a stand-in. */
import { expect, it } from 'vitest'
import { UnreachableError } from '../../http/http-errors.ts'
import type { HttpClient } from '../../http/http-types.ts'
import type { DriverSettings } from '../driver.ts'
import { AwsApi } from './api.ts'
import { placeOf } from './place.ts'

const account = '012345678910'

async function askedAt(baseUrl: string): Promise<readonly string[]> {
  const asked: string[] = []
  const openHttp = ({ base }: { readonly base: string }): HttpClient => {
    asked.push(base)
    const request = async (): Promise<never> => {
      throw new UnreachableError(base, 'it is a stand-in', 'none')
    }
    return { request, close: async () => undefined } as unknown as HttpClient
  }
  const settings = {
    name: 'test',
    baseUrl,
    apiUrl: undefined,
    aws: { region: undefined, profile: undefined, roleArn: undefined },
    environment: { AWS_ACCESS_KEY_ID: 'AKIATEST', AWS_SECRET_ACCESS_KEY: 'secret-for-tests' },
    openHttp,
  } as unknown as DriverSettings
  const api = new AwsApi(settings, placeOf(settings))
  // What the network says comes through the library as it is.
  await expect(api.call('DescribeRepositories', {})).rejects.toBeInstanceOf(UnreachableError)
  return asked
}

it.each([
  [`https://${account}.dkr.ecr.eu-west-1.amazonaws.com`, 'https://api.ecr.eu-west-1.amazonaws.com'],
  [`https://${account}.dkr.ecr.cn-north-1.amazonaws.com.cn`, 'https://api.ecr.cn-north-1.amazonaws.com.cn'],
  [`https://${account}.dkr.ecr-fips.us-east-1.amazonaws.com`, 'https://api.ecr-fips.us-east-1.amazonaws.com'],
  [`https://${account}.dkr-ecr.eu-west-1.on.aws`, 'https://ecr.eu-west-1.api.aws'],
  ['https://public.ecr.aws', 'https://api.ecr-public.us-east-1.amazonaws.com'],
])('the API of %s is at %s', async (baseUrl, origin) => {
  expect(await askedAt(baseUrl)).toEqual([origin])
})
