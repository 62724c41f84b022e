/** The fake of Amazon ECR does what the reference says of the real one; asked by the vendor's own library. */
import {
  BatchDeleteImageCommand,
  DescribeImagesCommand,
  DescribeRepositoriesCommand,
  ECRClient,
  GetAuthorizationTokenCommand,
} from '@aws-sdk/client-ecr'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseRepositoryName, type RepositoryName } from '../../src/core/image/names.ts'
import { seedGraph, type Graph } from '../conformance/registry-fixture.ts'
import { startEcrLab, type EcrLab } from '../registries/ecr-lab.ts'

const repository = parseRepositoryName('team/app') as RepositoryName
let lab: EcrLab
let graph: Graph
let client: ECRClient

beforeAll(async () => {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true'
  lab = await startEcrLab({ pageSize: 4 })
  graph = await seedGraph(lab.seeder, repository, [])
  client = clientWith(lab.server.credentials())
})
afterAll(() => lab.stop())

function clientWith(variables: Readonly<Record<string, string>>): ECRClient {
  return new ECRClient({
    endpoint: lab.server.fake.url,
    region: 'eu-central-1',
    maxAttempts: 1,
    credentials: {
      accessKeyId: variables['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: variables['AWS_SECRET_ACCESS_KEY'] ?? '',
      sessionToken: variables['AWS_SESSION_TOKEN'] ?? '',
    },
  })
}

const remove = (imageIds: readonly object[]): Promise<unknown> =>
  client.send(new BatchDeleteImageCommand({ repositoryName: repository, imageIds: [...imageIds] }))

it('knows whose signature it is, and what was signed', async () => {
  const variables = lab.server.credentials()
  const ask = (changed: Readonly<Record<string, string>>): Promise<unknown> =>
    clientWith({ ...variables, ...changed }).send(new DescribeRepositoriesCommand({}))
  await expect(ask({})).resolves.toMatchObject({ repositories: [{ repositoryName: repository }] })
  await expect(ask({ AWS_SECRET_ACCESS_KEY: 'other' })).rejects.toMatchObject({
    name: 'InvalidSignatureException',
  })
  await expect(ask({ AWS_ACCESS_KEY_ID: 'AKIAOTHER' })).rejects.toMatchObject({
    name: 'UnrecognizedClientException',
  })
  await expect(ask({ AWS_SESSION_TOKEN: 'old' })).rejects.toMatchObject({ name: 'ExpiredTokenException' })
})

it('pages, and hides archived images from whoever does not ask for them', async () => {
  lab.server.state.archive(repository, graph.cache.digest)
  const list = (filter: object): Promise<{ readonly imageDetails?: unknown }> =>
    client.send(new DescribeImagesCommand({ repositoryName: repository, ...filter }))
  const first = await list({ filter: { imageStatus: 'ANY' } })
  expect(first.imageDetails).toHaveLength(4)
  const archived = await list({ filter: { imageStatus: 'ARCHIVED' } })
  expect(archived.imageDetails).toMatchObject([{ imageDigest: graph.cache.digest, imageStatus: 'ARCHIVED' }])
  await expect(list({ maxResults: 1001 })).rejects.toMatchObject({ name: 'InvalidParameterException' })
  await expect(list({ imageIds: [{ imageTag: 'none' }] })).rejects.toMatchObject({
    name: 'ImageNotFoundException',
  })
})

it('keeps the parts of an index, and lets an image go with its last tag', async () => {
  expect(await remove([{ imageDigest: graph.arm64.digest }])).toMatchObject({
    imageIds: [],
    failures: [{ failureCode: 'ImageReferencedByManifestList' }],
  })
  expect(await remove([{ imageTag: 'v1' }])).toMatchObject({
    imageIds: [{ imageDigest: graph.index.digest, imageTag: 'v1' }],
  })
  const held = lab.server.state.store.repository(repository)
  expect(held.manifests.has(graph.index.digest)).toBe(true)
  await remove([{ imageTag: 'latest' }])
  expect(held.manifests.has(graph.index.digest)).toBe(false)
  await expect(remove(Array.from({ length: 101 }, () => ({ imageTag: 'x' })))).rejects.toMatchObject({
    name: 'InvalidParameterException',
  })
})

it('gives out passwords that run out', async () => {
  const { authorizationData } = await client.send(new GetAuthorizationTokenCommand({}))
  const authorization = `Basic ${authorizationData?.[0]?.authorizationToken ?? ''}`
  const ask = (): Promise<Response> => fetch(`${lab.server.fake.url}/v2/`, { headers: { authorization } })
  expect((await ask()).status).toBe(200)
  lab.server.expirePasswords()
  const refused = await ask()
  expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining('has expired')])
})
