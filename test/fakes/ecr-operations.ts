/** The operations of ECR's API, and of ECR Public's, over a state: requests and answers as in the reference of the API. */
import type { StoredRepository } from '../../src/adapters/registries/memory/store.ts'
import type { Digest } from '../../src/core/image/digest.ts'
import { parseRepositoryName, type RepositoryName } from '../../src/core/image/names.ts'
import type { EcrState, ImageId } from './ecr-state.ts'

export interface EcrCall {
  readonly operation: string
  readonly input: Readonly<Record<string, unknown>>
}

export interface EcrManners {
  readonly isPublic: boolean
  /** The first part of every name in ECR Public. */
  readonly alias: string
  /** Account of a private registry. */
  readonly account: string
  readonly host: string
  /** @default what AWS gives: 1000 */
  readonly pageSize?: number | undefined
}

/** `{"__type": type, "message": message}` with HTTP status 400. */
export class EcrException extends Error {
  readonly type: string

  constructor(type: string, message: string) {
    super(message)
    this.type = type
  }
}

const PAGE_MAX = 1000
const PAGE_DEFAULT = 100
const BATCH_MAX = 100

export function answerOperation(state: EcrState, manners: EcrManners, { operation, input }: EcrCall): object {
  const named = (): { name: RepositoryName; held: StoredRepository } => repositoryOf(state, manners, input)
  switch (operation) {
    case 'DescribeRepositories':
      return describeRepositories(state, manners, input)
    case 'DescribeImages':
      return describeImages(state, manners, named(), input)
    case 'DescribeImageTags':
      if (!manners.isPublic) throw unknownOperation(operation)
      return describeImageTags(manners, named().held, input)
    case 'BatchGetImage':
      if (manners.isPublic) throw unknownOperation(operation)
      return batchGetImage(state, named(), input)
    case 'BatchDeleteImage':
      return batchDeleteImage(state, named().held, input)
    default:
      throw unknownOperation(operation)
  }
}

function unknownOperation(operation: string): EcrException {
  return new EcrException('UnknownOperationException', `no ${operation}`)
}

type Input = EcrCall['input']
interface Named {
  readonly name: RepositoryName
  readonly held: StoredRepository
}

function repositoryOf(state: EcrState, manners: EcrManners, input: Input): Named {
  const asked = String(input['repositoryName'])
  const name = parseRepositoryName(manners.isPublic ? `${manners.alias}/${asked}` : asked)
  const held = name && state.store.repositories.get(name)
  const isOurs = input['registryId'] === undefined || input['registryId'] === manners.account
  if (name === undefined || held === undefined || !isOurs) throw repositoryNotFound(asked, manners)
  return { name, held }
}

function repositoryNotFound(name: string, { account }: EcrManners): EcrException {
  return new EcrException(
    'RepositoryNotFoundException',
    `The repository with name '${name}' does not exist in the registry with id '${account}'`,
  )
}

function describeRepositories(state: EcrState, manners: EcrManners, input: Input): object {
  const rows = [...state.store.repositories.keys()].toSorted().map((name) => {
    const repositoryName = manners.isPublic ? name.split('/').slice(1).join('/') : name
    return {
      registryId: manners.account,
      repositoryName,
      repositoryUri: `${manners.host}/${name}`,
      createdAt: 1.7e9,
      imageTagMutability: state.immutable.has(name) ? 'IMMUTABLE' : 'MUTABLE',
    }
  })
  const asked = input['repositoryNames']
  if (!Array.isArray(asked)) return page(manners, input, 'repositories', rows)
  const missing = asked.find((name) => rows.every((row) => row.repositoryName !== name)) as string | undefined
  if (missing !== undefined) throw repositoryNotFound(missing, manners)
  return { repositories: rows.filter(({ repositoryName }) => asked.includes(repositoryName)) }
}

function describeImages(state: EcrState, manners: EcrManners, { name, held }: Named, input: Input): object {
  const filter = input['filter'] as { imageStatus?: string; tagStatus?: string } | undefined
  if (manners.isPublic && filter !== undefined) throw invalid('filter')
  const row = (digest: Digest): object => imageDetail(state, manners, { name, held }, digest)
  if (Array.isArray(input['imageIds'])) {
    if (input['maxResults'] !== undefined || input['nextToken'] !== undefined) throw invalid('maxResults')
    const digests = (input['imageIds'] as ImageId[]).map((id) => {
      const digest = id.imageDigest ?? (id.imageTag && held.tags.get(id.imageTag)?.digest)
      if (digest !== undefined && held.manifests.has(digest)) return digest
      const shown = `{imageDigest:'${id.imageDigest ?? 'null'}', imageTag:'${id.imageTag ?? 'null'}'}`
      throw new EcrException(
        'ImageNotFoundException',
        `The image with imageId ${shown} does not exist within the repository with name '${name}'`,
      )
    })
    return { imageDetails: digests.map(row) }
  }
  const wanted = manners.isPublic ? 'ANY' : (filter?.imageStatus ?? 'ACTIVE')
  const digests = [...held.manifests.keys()].filter(
    (digest) => wanted === 'ANY' || state.statusOf(name, digest) === wanted,
  )
  return page(manners, input, 'imageDetails', digests.map(row))
}

function imageDetail(
  state: EcrState,
  { isPublic, account }: EcrManners,
  { name, held }: Named,
  digest: Digest,
): object {
  const manifest = held.manifests.get(digest)
  const tags = held.tagsOf(digest)
  const pulledAt = state.pulledAt(name, digest)
  const subject = manifest?.facts.subject
  return {
    registryId: account,
    repositoryName: name,
    imageDigest: digest,
    imageSizeInBytes: 123,
    imagePushedAt: (manifest?.pushedAt ?? 0) / 1000,
    imageManifestMediaType: manifest?.facts.mediaType,
    ...(tags.length > 0 && { imageTags: tags }),
    ...(!isPublic && { imageStatus: state.statusOf(name, digest) }),
    ...(!isPublic && pulledAt !== undefined && { lastRecordedPullTime: pulledAt / 1000 }),
    ...(!isPublic && subject !== undefined && { subjectManifestDigest: subject }),
  }
}

function describeImageTags(manners: EcrManners, held: StoredRepository, input: Input): object {
  const rows = [...held.tags].map(([imageTag, { digest, pushedAt }]) => ({
    imageTag,
    createdAt: pushedAt / 1000,
    imageDetail: { imageDigest: digest, imageSizeInBytes: 123 },
  }))
  return page(manners, input, 'imageTagDetails', rows)
}

function batchGetImage(state: EcrState, { name, held }: Named, input: Input): object {
  const accepted = input['acceptedMediaTypes'] as readonly string[] | undefined
  const images: object[] = []
  const failures: object[] = []
  for (const imageId of idsIn(input)) {
    const digest = imageId.imageDigest ?? (imageId.imageTag && held.tags.get(imageId.imageTag)?.digest)
    const manifest = digest && held.manifests.get(digest)
    // An archived image answers as if it were not there.
    if (digest === undefined || manifest === undefined || state.statusOf(name, digest) !== 'ACTIVE') {
      failures.push({ imageId, failureCode: 'ImageNotFound', failureReason: 'Requested image not found' })
      continue
    }
    const { mediaType } = manifest.facts
    if (accepted !== undefined && !accepted.includes(mediaType)) throw invalid('acceptedMediaTypes')
    images.push({
      registryId: '012345678910',
      repositoryName: name,
      imageId: { imageDigest: digest, ...(imageId.imageTag && { imageTag: imageId.imageTag }) },
      imageManifest: Buffer.from(manifest.bytes).toString('utf8'),
      imageManifestMediaType: mediaType,
    })
  }
  return { images, failures }
}

function batchDeleteImage(state: EcrState, held: StoredRepository, input: Input): object {
  // Nobody may rely on an order within one call; this is the one that helps least.
  const results = idsIn(input)
    .toReversed()
    .map((id) => state.remove(held, id))
  return {
    imageIds: results.flatMap((result) => (result.kind === 'deleted' ? result.imageId : [])),
    failures: results.flatMap((result) =>
      result.kind === 'failed'
        ? { imageId: result.imageId, failureCode: result.code, failureReason: result.reason }
        : [],
    ),
  }
}

function idsIn(input: Input): readonly ImageId[] {
  const ids = input['imageIds'] as readonly ImageId[]
  if (ids.length > BATCH_MAX)
    throw new EcrException(
      'InvalidParameterException',
      `Invalid parameter at 'imageIds' failed to satisfy constraint: 'Member must have length less than or equal to ${BATCH_MAX}'`,
    )
  return ids
}

/** Tokens are opaque, and good for the list they came from alone. */
function page(manners: EcrManners, input: Input, field: string, rows: readonly object[]): object {
  const asked = Number(input['maxResults'] ?? PAGE_DEFAULT)
  if (asked < 1 || asked > PAGE_MAX) throw invalid('maxResults')
  const size = Math.min(asked, manners.pageSize ?? PAGE_MAX)
  const given = input['nextToken']
  const token = typeof given === 'string' ? readToken(given) : undefined
  if (token !== undefined && token.field !== field) throw invalid('nextToken')
  const start = token?.start ?? 0
  const end = start + size
  return {
    [field]: rows.slice(start, end),
    ...(end < rows.length && {
      nextToken: Buffer.from(JSON.stringify({ field, start: end })).toString('base64'),
    }),
  }
}

function readToken(token: string): { readonly field: string; readonly start: number } {
  return JSON.parse(Buffer.from(token, 'base64').toString('utf8')) as { field: string; start: number }
}

function invalid(parameter: string): EcrException {
  return new EcrException(
    'InvalidParameterException',
    `Invalid parameter at '${parameter}' failed to satisfy constraint`,
  )
}
