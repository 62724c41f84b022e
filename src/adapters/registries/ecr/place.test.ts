/** Where a registry of ECR is, told by its address first. */
import { expect, it } from 'vitest'
import { placeOf } from './place.ts'

const aws = { region: undefined, profile: undefined, roleArn: undefined }
const place = (
  baseUrl: string,
  environment: Readonly<Record<string, string>> = {},
  more: { readonly apiUrl?: string; readonly region?: string } = {},
): ReturnType<typeof placeOf> =>
  placeOf({ baseUrl, environment, apiUrl: more.apiUrl, aws: { ...aws, region: more.region } })

const here = {
  isPublic: false,
  account: undefined,
  region: undefined,
  endpoint: undefined,
  isFips: false,
  isDualstack: false,
}
const account = '012345678910'

it.each([
  {
    name: 'the address tells account and region, whatever the environment says',
    found: place(
      `https://${account}.dkr.ecr.eu-west-1.amazonaws.com`,
      { AWS_REGION: 'us-east-2' },
      { region: 'x' },
    ),
    expected: { ...here, account, region: 'eu-west-1' },
  },
  {
    name: 'the address tells a FIPS endpoint',
    found: place(`https://${account}.dkr.ecr-fips.us-gov-west-1.amazonaws.com`),
    expected: { ...here, account, region: 'us-gov-west-1', isFips: true },
  },
  {
    name: 'the address tells a dual-stack endpoint',
    found: place(`https://${account}.dkr-ecr.eu-west-1.on.aws`),
    expected: { ...here, account, region: 'eu-west-1', isDualstack: true },
  },
  {
    name: 'China is another partition, with the same form of address',
    found: place(`https://${account}.dkr.ecr.cn-north-1.amazonaws.com.cn`),
    expected: { ...here, account, region: 'cn-north-1' },
  },
  {
    name: 'ECR Public answers in one region',
    found: place('https://public.ecr.aws', {
      AWS_REGION: 'eu-west-1',
      AWS_ENDPOINT_URL_ECR: 'http://127.0.0.1:1',
    }),
    expected: { ...here, isPublic: true, region: 'us-east-1' },
  },
  {
    name: 'any other host serves its API itself, in the region of the configuration',
    found: place('http://127.0.0.1:5000', { AWS_REGION: 'us-east-2' }, { region: 'eu-west-3' }),
    expected: { ...here, region: 'eu-west-3', endpoint: 'http://127.0.0.1:5000' },
  },
  {
    name: 'the region of the environment comes after that of the configuration',
    found: place('http://127.0.0.1:5000', { AWS_DEFAULT_REGION: 'us-east-2' }),
    expected: { ...here, region: 'us-east-2', endpoint: 'http://127.0.0.1:5000' },
  },
  {
    name: 'the variable of ECR names the API before the one of all services',
    found: place(`https://${account}.dkr.ecr.eu-west-1.amazonaws.com`, {
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
      AWS_ENDPOINT_URL_ECR: 'http://127.0.0.1:2',
    }),
    expected: { ...here, account, region: 'eu-west-1', endpoint: 'http://127.0.0.1:2' },
  },
  {
    name: 'the configuration names the API before any variable',
    found: place(
      `https://${account}.dkr.ecr.eu-west-1.amazonaws.com`,
      { AWS_ENDPOINT_URL: 'http://127.0.0.1:1' },
      { apiUrl: 'http://127.0.0.1:3' },
    ),
    expected: { ...here, account, region: 'eu-west-1', endpoint: 'http://127.0.0.1:3' },
  },
  {
    name: 'variables can be switched off',
    found: place(`https://${account}.dkr.ecr.eu-west-1.amazonaws.com`, {
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
      AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true',
    }),
    expected: { ...here, account, region: 'eu-west-1' },
  },
])('$name', ({ found, expected }) => {
  expect(found).toEqual(expected)
})
