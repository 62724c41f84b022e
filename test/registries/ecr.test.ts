/** Amazon ECR's driver: the suites of every driver, and what is ECR's own. */
import { afterEach, describe, expect, it } from 'vitest'
import { OperationalError } from '../../src/core/errors/errors.ts'
import type { RepositoryName } from '../../src/core/image/names.ts'
import type { RunEvent } from '../../src/ports/run-options.ts'
import { registryFaults } from '../conformance/registry-faults.ts'
import { seedGraph, type Graph } from '../conformance/registry-fixture.ts'
import { registryConformance } from '../conformance/registry.ts'
import { json, startFakeServer, type FakeRequest, type Reply } from '../fakes/fake-server.ts'
import { repositoryNamed, startEcrLab, type EcrLab, type EcrLabOptions } from './ecr-lab.ts'

const alias = 'w1n2n3o4'

registryConformance(
  'Amazon ECR',
  {
    capabilities: {
      product: 'Amazon ECR',
      deleteByTag: true,
      deleteRemovesSiblings: true,
      listsUntagged: true,
      pushTime: true,
      pullTime: true,
      protectsChildren: true,
      undo: 'manifest-replay',
      freesBytes: 'by-itself',
      pageSizeMax: 1000,
    },
    // One page of images; one batch of manifests; a password once, and each config. Nothing but the page afterwards.
    requests: ({ manifests, configs }) => ({ cold: 1 + Math.ceil(manifests / 100) + 1 + configs, warm: 1 }),
  },
  () => startEcrLab(),
)

registryConformance(
  'Amazon ECR Public',
  {
    capabilities: {
      product: 'Amazon ECR Public',
      deleteByTag: true,
      deleteRemovesSiblings: true,
      listsUntagged: true,
      pushTime: true,
      pullTime: false,
      protectsChildren: true,
      referrersApi: false,
    },
    repositoryOf: (mark) => `${alias}/team/${mark}`,
    // Whose repository it is, one page of images, one of tags; a login; each manifest and config.
    requests: ({ manifests, configs }) => ({ cold: 3 + 3 + 16 + manifests + configs, warm: 3 }),
  },
  () => startEcrLab({ isPublic: true }),
)

const called =
  (operation: string) =>
  ({ headers }: FakeRequest): boolean =>
    String(headers['x-amz-target']).endsWith(`.${operation}`)
const amazon = (type: string, message = ''): Reply => json(400, { __type: type, message })

const faults = {
  catalog: called('DescribeRepositories'),
  listing: called('DescribeImages'),
  deletion: called('BatchDeleteImage'),
  rateLimited: amazon('ThrottlingException', 'Rate exceeded'),
  refusals: [
    {
      name: 'by IAM',
      reply: amazon('AccessDeniedException', 'User: arn:aws:iam::1:user/x is not authorized'),
      reason: 'forbidden',
    },
  ],
  expireTokens: (lab: unknown) => {
    ;(lab as EcrLab).rotate()
  },
} as const

registryFaults('Amazon ECR', faults, (options) => startEcrLab(options))
registryFaults('Amazon ECR Public', { ...faults, repository: `${alias}/team/app` }, (options) =>
  startEcrLab({ ...options, isPublic: true }),
)

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

interface Seeded {
  readonly lab: EcrLab
  readonly repository: RepositoryName
  readonly graph: Graph
}

async function seeded(options: EcrLabOptions = {}): Promise<Seeded> {
  const lab = await startEcrLab(options)
  stops.push(() => lab.stop())
  const repository = repositoryNamed(options.isPublic === true ? `${alias}/team/app` : 'team/app')
  return { lab, repository, graph: await seedGraph(lab.seeder, repository, []) }
}

function tag(name: string): never {
  return name as never
}

function operations(lab: EcrLab): readonly string[] {
  return lab.server.fake.requests.flatMap(({ headers }) => {
    const target = headers['x-amz-target']
    return typeof target === 'string' ? (target.split('.').at(-1) ?? []) : []
  })
}

describe('what ECR tells of images', () => {
  it('has the times of pushes and pulls, to the millisecond', async () => {
    const { lab, repository, graph } = await seeded()
    lab.server.state.pulled(repository, graph.epoch.digest, 1_700_000_001_234)
    const { manifests } = await lab.reader.readRepository(repository)
    const [epoch, chart] = [graph.epoch, graph.chart].map(({ digest }) =>
      manifests.find((each) => each.digest === digest),
    )
    const stored = lab.server.state.store.repository(repository).manifests.get(graph.epoch.digest)
    expect(epoch).toMatchObject({ pushedAt: stored?.pushedAt, pulledAt: 1_700_000_001_234 })
    expect(chart?.pulledAt).toBeUndefined()
  })

  it('counts no reading of its own as a pull', async () => {
    const { lab, repository, graph } = await seeded()
    await lab.reader.readRepository(repository)
    await lab.reader.readManifest(repository, graph.epoch.digest)
    await lab.reader.resolveTag(repository, tag('v1'))
    expect(lab.server.state.pulledAt(repository, graph.epoch.digest)).toBeUndefined()
  })

  it('has the time of each tag in ECR Public', async () => {
    const { lab, repository, graph } = await seeded({ isPublic: true })
    const stored = lab.server.state.store.repository(repository).tags.get(tag('epoch'))
    const { manifests } = await lab.reader.readRepository(repository)
    const epoch = manifests.find(({ digest }) => digest === graph.epoch.digest)
    expect(epoch?.tags[0]?.pushedAt).toBe(stored?.pushedAt)
  })

  it("takes nobody else's repository of ECR Public for its own", async () => {
    const { lab, graph } = await seeded({ isPublic: true })
    const foreign = repositoryNamed('somebody/team/app')
    expect((await lab.reader.readRepository(foreign)).manifests).toEqual([])
    expect(await lab.writer.deleteManifest(foreign, graph.epoch.digest)).toEqual({ kind: 'absent' })
    expect(await lab.writer.untag(foreign, tag('v1'))).toEqual({ kind: 'absent' })
  })

  it('asks for a tag that came twice while the pages were read', async () => {
    const { lab, repository, graph } = await seeded()
    const rows = [graph.epoch, graph.chart].map(({ digest, mediaType }) => ({
      imageDigest: digest,
      imageTags: ['epoch'],
      imageManifestMediaType: mediaType,
    }))
    const isList = (request: FakeRequest): boolean =>
      called('DescribeImages')(request) && !request.body.includes('imageIds')
    lab.server.fake.inject({ on: isList, reply: json(200, { imageDetails: rows }) })
    const { complete, manifests } = await lab.reader.readRepository(repository)
    expect(complete).toBe(true)
    const tagged = manifests.filter(({ tags }) => tags.length > 0)
    expect(tagged.map(({ digest }) => digest)).toEqual([graph.epoch.digest])
  })

  it('asks nobody about parts of an index that are not there but ECR itself', async () => {
    const { lab, repository, graph } = await seeded()
    lab.server.state.store.repository(repository).manifests.delete(graph.attestationArm64.digest)
    lab.server.fake.forgetRequests()
    const read = await lab.reader.readRepository(repository)
    expect(read).toMatchObject({ complete: true })
    expect(read.problems.join()).toContain(graph.attestationArm64.digest)
    expect(lab.server.fake.requests.filter(({ target }) => target.includes('/manifests/'))).toEqual([])
  })
})

describe('archived images', () => {
  it('are locked where their manifests are known, and keep their parts', async () => {
    const { lab, repository, graph } = await seeded()
    await lab.reader.readRepository(repository)
    lab.server.state.archive(repository, graph.index.digest)
    const { complete, manifests } = await lab.reader.readRepository(repository)
    expect(complete).toBe(true)
    expect(manifests.find(({ digest }) => digest === graph.index.digest)).toMatchObject({
      locked: true,
      children: graph.index.children,
    })
  })

  it('make a repository incomplete where an index cannot be read', async () => {
    const { lab, repository, graph } = await seeded()
    lab.server.state.archive(repository, graph.index.digest)
    const { complete, problems } = await lab.reader.readRepository(repository)
    expect(complete).toBe(false)
    expect(problems.join()).toContain(`The archived index ${graph.index.digest} cannot be read`)
  })

  it('are left out where they hold nothing and cannot be read', async () => {
    const { lab, repository, graph } = await seeded()
    lab.server.state.archive(repository, graph.epoch.digest)
    const events: RunEvent[] = []
    const onEvent = (event: RunEvent): void => void events.push(event)
    const { complete, manifests } = await lab.reader.readRepository(repository, { onEvent })
    expect(complete).toBe(true)
    expect(manifests.map(({ digest }) => digest)).not.toContain(graph.epoch.digest)
    expect(events).toContainEqual({ kind: 'warning', text: expect.stringContaining('1 archived') as string })
  })
})

describe('removing tags, where the last one takes the image along', () => {
  it('refuses the last tag', async () => {
    const { lab, repository, graph } = await seeded()
    const outcome = await lab.writer.untag(repository, tag('epoch'))
    expect(outcome).toMatchObject({ kind: 'refused', reason: 'unsupported' })
    expect(await lab.reader.resolveTag(repository, tag('epoch'))).toBe(graph.epoch.digest)
  })

  it('leaves one of them when all are to go at once', async () => {
    const { lab, repository, graph } = await seeded()
    const outcomes = await Promise.all(
      ['v1', 'latest'].map((name) => lab.writer.untag(repository, tag(name))),
    )
    expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual(['done', 'refused'])
    expect(lab.server.state.store.repository(repository).tagsOf(graph.index.digest)).toHaveLength(1)
  })

  it('puts an image back whose other tags somebody removed in that moment', async () => {
    const { lab, repository, graph } = await seeded()
    const held = lab.server.state.store.repository(repository)
    held.remove(graph.orphan.digest)
    lab.server.before('BatchDeleteImage', () => {
      held.tags.delete(tag('latest'))
    })
    expect(await lab.writer.untag(repository, tag('v1'))).toEqual({ kind: 'done' })
    expect(held.manifests.has(graph.index.digest)).toBe(true)
    expect(held.tagsOf(graph.index.digest)).toEqual([])
  })

  it('tells when it cannot put such an image back', async () => {
    const { lab, repository, graph } = await seeded()
    const held = lab.server.state.store.repository(repository)
    lab.server.before('BatchDeleteImage', () => {
      held.tags.delete(tag('latest'))
    })
    lab.server.fake.inject({ on: ({ method }) => method === 'PUT', reply: { status: 403 } })
    await expect(lab.writer.untag(repository, tag('v1'))).rejects.toMatchObject({ code: 'ECR_IMAGE_LOST' })
    expect(held.manifests.has(graph.index.digest)).toBe(false)
  })

  it('puts a tag back that moved in that moment', async () => {
    const { lab, repository, graph } = await seeded()
    const held = lab.server.state.store.repository(repository)
    lab.server.before('BatchDeleteImage', () => {
      held.tags.set(tag('v1'), { digest: graph.chart.digest, pushedAt: 1 })
    })
    const outcome = await lab.writer.untag(repository, tag('v1'))
    expect(outcome).toMatchObject({ kind: 'refused', reason: 'protected' })
    expect(held.tags.get(tag('v1'))?.digest).toBe(graph.chart.digest)
  })

  it('tells when a new image went with a tag that moved to it in that moment', async () => {
    const { lab, repository, graph } = await seeded()
    const held = lab.server.state.store.repository(repository)
    lab.server.before('BatchDeleteImage', () => {
      held.tags.delete(tag('chart-1.0.0'))
      held.tags.set(tag('v1'), { digest: graph.chart.digest, pushedAt: 1 })
    })
    const untagged = lab.writer.untag(repository, tag('v1'))
    await expect(untagged).rejects.toMatchObject({ code: 'ECR_TAG_MOVED' })
  })

  it('looks again when AWS asked for patience', async () => {
    const { lab, repository } = await seeded()
    const removal = called('BatchDeleteImage')
    lab.server.fake.inject({ on: removal, times: 1, reply: faults.rateLimited })
    expect(await lab.writer.untag(repository, tag('v1'))).toEqual({ kind: 'done' })
    expect(operations(lab).filter((name) => name === 'BatchGetImage')).toHaveLength(2)
  })

  it('does not repeat a removal whose answer was lost', async () => {
    const { lab, repository } = await seeded()
    lab.server.fake.inject({ on: called('BatchDeleteImage'), times: 1, reply: 'cut' })
    await expect(lab.writer.untag(repository, tag('v1'))).rejects.toBeInstanceOf(OperationalError)
    expect(operations(lab).filter((name) => name === 'BatchDeleteImage')).toHaveLength(1)
  })
})

describe('deleting images', () => {
  it('sends what comes together in one request, with an outcome for each', async () => {
    const { lab, repository, graph } = await seeded()
    lab.server.fake.forgetRequests()
    const absent = `sha256:${'ab'.repeat(32)}`
    const digests = [graph.epoch.digest, graph.arm64.digest, absent as never, graph.chart.digest]
    const outcomes = await Promise.all(digests.map((digest) => lab.writer.deleteManifest(repository, digest)))
    expect(outcomes).toMatchObject([
      { kind: 'done' },
      { kind: 'refused', reason: 'referenced', text: expect.stringContaining(graph.index.digest) as string },
      { kind: 'absent' },
      { kind: 'done' },
    ])
    // The part of an index that stays was asked for again once, since something had gone.
    expect(operations(lab)).toEqual(['BatchDeleteImage', 'BatchDeleteImage'])
  })

  it('spares the one of a batch that was given a tag since, and asks once for all of them', async () => {
    const { lab, repository, graph } = await seeded()
    const { epoch, chart, orphan } = graph
    await lab.seeder.putManifest(repository, epoch.bytes, epoch.mediaType, 'release')
    lab.server.fake.forgetRequests()
    const tagsOf = (digest: string): readonly never[] =>
      lab.server.state.store
        .repository(repository)
        .tagsOf(digest as never)
        .map(tag)
    const remove = (asked: readonly { readonly digest: string; readonly tags: readonly never[] }[]) =>
      Promise.all(
        asked.map(({ digest, tags }) => lab.writer.deleteManifest(repository, digest as never, {}, { tags })),
      )
    const outcomes = await remove([
      { digest: chart.digest, tags: tagsOf(chart.digest) },
      { digest: epoch.digest, tags: [tag('epoch')] },
      { digest: orphan.digest, tags: tagsOf(orphan.digest) },
    ])
    expect(outcomes).toMatchObject([
      { kind: 'done' },
      { kind: 'refused', reason: 'protected', text: expect.stringContaining('release') as string },
      { kind: 'done' },
    ])
    expect(operations(lab)).toEqual(['DescribeImages', 'BatchDeleteImage'])
    expect(await lab.reader.resolveTag(repository, tag('release'))).toBe(epoch.digest)
    // One that is gone hides nothing about the others.
    const absent = `sha256:${'ab'.repeat(32)}`
    expect(
      await remove([
        { digest: absent, tags: [] },
        { digest: epoch.digest, tags: [tag('epoch')] },
      ]),
    ).toMatchObject([{ kind: 'absent' }, { kind: 'refused', reason: 'protected' }])
  })

  it('deletes an index and its parts that come together, whatever order AWS takes', async () => {
    const { lab, repository, graph } = await seeded()
    const digests = [graph.orphan, graph.fallback, graph.index, graph.amd64, graph.arm64].map(
      ({ digest }) => digest,
    )
    const outcomes = await Promise.all(digests.map((digest) => lab.writer.deleteManifest(repository, digest)))
    expect(outcomes.every(({ kind }) => kind === 'done')).toBe(true)
  })

  it('never asks for more than a hundred at once', async () => {
    const { lab, repository } = await seeded()
    const digests = Array.from({ length: 250 }, (_, i) => `sha256:${String(i).padStart(64, '0')}`)
    const outcomes = await Promise.all(
      digests.map((digest) => lab.writer.deleteManifest(repository, digest as never)),
    )
    expect(outcomes).toHaveLength(250)
    expect(outcomes.every(({ kind }) => kind === 'absent')).toBe(true)
    expect(operations(lab)).toHaveLength(3)
  })

  it('fails every call of a batch that failed', async () => {
    const { lab, repository, graph } = await seeded()
    lab.server.fake.inject({ on: called('BatchDeleteImage'), reply: amazon('ServerException', 'oh') })
    const outcomes = await Promise.allSettled(
      [graph.epoch, graph.chart].map(({ digest }) => lab.writer.deleteManifest(repository, digest)),
    )
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })

  it('fails the one image that AWS cannot delete for a reason of its own', async () => {
    const { lab, repository, graph } = await seeded()
    const failure = {
      imageId: { imageDigest: graph.epoch.digest },
      failureCode: 'KmsError',
      failureReason: 'no key',
    }
    const reply = json(200, { imageIds: [{ imageDigest: graph.chart.digest }], failures: [failure] })
    lab.server.fake.inject({ on: called('BatchDeleteImage'), reply })
    const outcomes = await Promise.allSettled(
      [graph.epoch, graph.chart].map(({ digest }) => lab.writer.deleteManifest(repository, digest)),
    )
    expect(outcomes).toMatchObject([
      { status: 'rejected', reason: { message: expect.stringContaining('KmsError: no key') as string } },
      { status: 'fulfilled', value: { kind: 'done' } },
    ])
  })

  it('is not stopped by immutable tags, and says so when one cannot be put back', async () => {
    const { lab, repository, graph } = await seeded()
    lab.server.state.immutable.add(repository)
    const saved = await lab.reader.readManifest(repository, graph.epoch.digest)
    const put = await lab.writer.putManifest(repository, saved as never, tag('epoch'))
    expect(put).toMatchObject({ kind: 'refused', reason: 'protected' })
    expect(await lab.writer.deleteManifest(repository, graph.epoch.digest)).toEqual({ kind: 'done' })
  })
})

describe('who may ask ECR', () => {
  it('names the action that IAM does not allow', async () => {
    const { lab, repository } = await seeded()
    lab.server.state.denied.add('ecr:DescribeImages')
    const { complete, problems } = await lab.reader.readRepository(repository)
    expect(complete).toBe(false)
    expect(problems.join()).toContain('AWS does not allow ecr:DescribeImages of team/app')
  })

  it('reads repositories that policies name where it may not list them', async () => {
    const named = repositoryNamed('team/app')
    const { lab } = await seeded({ settings: { repositories: [named] } })
    lab.server.state.denied.add('ecr:DescribeRepositories')
    expect(await lab.reader.listRepositories()).toEqual([named])
  })

  it('says which right deletion lacks, without deleting', async () => {
    const { lab, repository } = await seeded()
    expect(await lab.opened.createWriter().probe(repository)).toEqual({
      deletes: { state: 'yes' },
      deleteByTag: true,
    })
    lab.server.state.denied.add('ecr:BatchDeleteImage')
    expect(await lab.opened.createWriter().probe(repository)).toMatchObject({
      deletes: { state: 'no', cure: expect.stringContaining('ecr:BatchDeleteImage') as string },
    })
  })

  it('checks each right, and tells who it is without a secret', async () => {
    const { lab, repository } = await seeded()
    lab.server.state.denied.add('ecr:BatchGetImage')
    const checks = await lab.opened.check?.(repository, {})
    expect(checks?.map(({ what, state }) => [what, state])).toEqual([
      ['log in for layers', 'ok'],
      ['read tags and times', 'ok'],
      ['read manifests', 'failed'],
    ])
    expect(checks?.[2]?.cure).toContain('\necr:BatchGetImage')
    expect(JSON.stringify(checks)).not.toContain('secret-of')
  })

  it('says that keys are wrong, and shows none of them', async () => {
    const environment = {
      AWS_ACCESS_KEY_ID: 'AKIAWRONG',
      AWS_SECRET_ACCESS_KEY: 'wrong-secret-wrong-secret',
      AWS_REGION: 'eu-central-1',
    }
    const { lab } = await seeded({ settings: { environment } })
    const error: unknown = await lab.reader.listRepositories().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'UNAUTHORIZED',
      message: expect.stringContaining('AWS_ACCESS_KEY_ID') as string,
    })
    expect(String(error)).not.toContain('wrong-secret')
  })

  it('says that no region is known', async () => {
    const { lab } = await seeded()
    const environment = { ...lab.environment, AWS_CONFIG_FILE: '/nowhere' }
    delete (environment as Record<string, string>)['AWS_REGION']
    const { lab: lost } = await seeded({ settings: { environment } })
    await expect(lost.reader.listRepositories()).rejects.toMatchObject({ code: 'AWS_REGION_UNKNOWN' })
  })

  it('assumes a role where the configuration names one', async () => {
    const roleArn = 'arn:aws:iam::012345678910:role/winnow'
    const aws = { region: undefined, profile: undefined, roleArn }
    const { lab, repository } = await seeded({ settings: { aws } })
    expect(await lab.reader.listRepositories()).toEqual([repository])
    const used = lab.server.fake.requests.map(({ headers }) => headers.authorization ?? '')
    expect(used.filter((text) => text.includes('ASIAROLE')).length).toBeGreaterThan(0)
    lab.rotate()
    expect(await lab.reader.listRepositories()).toEqual([repository])
  })

  it('says that a role may not be assumed', async () => {
    const roleArn = 'arn:aws:iam::012345678910:role/other'
    const aws = { region: undefined, profile: undefined, roleArn }
    const { lab } = await seeded({ settings: { aws } })
    await expect(lab.reader.listRepositories()).rejects.toMatchObject({
      code: 'CREDENTIALS_UNAVAILABLE',
      message: expect.stringContaining(roleArn) as string,
    })
  })

  it('fetches another password when the one for layers has run out', async () => {
    const { lab, repository, graph } = await seeded()
    const [layer] = graph.amd64.layers
    expect(await lab.reader.hasBlob(repository, layer as never)).toBe(true)
    lab.server.expirePasswords()
    expect(await lab.reader.readManifest(repository, graph.amd64.digest)).toBeDefined()
    // HEAD has no body to say why; the next GET or PUT has.
    const outcome = await lab.writer.putManifest(repository, graph.epoch, undefined)
    expect(outcome).toEqual({ kind: 'done' })
    expect(await lab.reader.hasBlob(repository, layer as never)).toBe(true)
  })

  it('names the other account in every call', async () => {
    const { lab } = await seeded()
    // A private host of Amazon tells the account; the API's address is that of the fake.
    const { lab: other, repository } = await seeded({
      settings: {
        baseUrl: 'https://999999999999.dkr.ecr.eu-west-1.amazonaws.com',
        apiUrl: lab.server.fake.url,
      },
    })
    lab.server.fake.forgetRequests()
    // The keys are those of the other fake, and the account is nobody's there.
    await other.reader.readRepository(repository).catch(() => undefined)
    const [first] = lab.server.fake.requests
    expect(JSON.parse(first?.body.toString() ?? '{}')).toMatchObject({ registryId: '999999999999' })
    expect(first?.headers.authorization).toContain('/eu-west-1/ecr/aws4_request')
  })
})

describe('what is not ECR', () => {
  it.each([
    ['another registry', { status: 404, body: '404 page not found' }],
    ['an API of AWS that is another one', amazon('UnknownOperationException')],
  ])('says so: %s', async (_, reply) => {
    const stranger = await startFakeServer(() => reply)
    stops.push(() => stranger.stop())
    const { lab } = await seeded({ settings: { baseUrl: stranger.url } })
    await expect(lab.reader.listRepositories()).rejects.toMatchObject({
      message: expect.stringContaining('does not look like Amazon ECR') as string,
    })
  })
})

describe('AWS asks for patience', () => {
  it('announces each pause', async () => {
    const { lab, repository } = await seeded()
    lab.server.fake.inject({ on: faults.listing, times: 2, reply: faults.rateLimited })
    const events: RunEvent[] = []
    const onEvent = (event: RunEvent): void => void events.push(event)
    expect(await lab.reader.readRepository(repository, { onEvent })).toMatchObject({ complete: true })
    const waits = events.filter(({ kind }) => kind === 'wait')
    expect(waits).toHaveLength(2)
    expect(waits[0]).toMatchObject({ reason: 'rate limit (ThrottlingException)' })
  })
})
