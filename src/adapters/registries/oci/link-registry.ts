/** Any registry that speaks the distribution specification, for recording links: it takes what a push takes. */
import type { SubjectDescriptor } from '../../../core/git/link-record.ts'
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import { bareMediaType, shapeOf } from '../../../core/image/media-types.ts'
import { parseTagName, type RepositoryName, type TagName } from '../../../core/image/names.ts'
import type { LinkableRegistry } from '../../../ports/mutable-link-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { ChangeOutcome } from '../../../ports/mutable-registry.ts'
import { UnauthorizedError } from '../../http/http-errors.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import { saysAbsent } from './answers.ts'
import { acceptManifests, OciConnection, pullScopes, type ConnectionSettings } from './connection.ts'
import { fetchManifest, fetchTagged } from './manifests.ts'
import { readNames } from './names.ts'
import { putBlob } from './put-blob.ts'
import { putManifest } from './put-manifest.ts'
import { listReferrers, probeReferrers } from './referrers.ts'
import { refused } from './refusals.ts'

export function createOciLinkRegistry(settings: ConnectionSettings): LinkableRegistry {
  const connection = new OciConnection(settings)
  return {
    name: settings.name,
    describe: (repository, reference, options) => describe(connection, repository, reference, options),
    readTagged: (repository, tag, options) => fetchTagged(connection, repository, tag, options),
    listTags: (repository, options) => listTags(connection, repository, options),
    listReferrers: async (repository, subject, options) =>
      (await probeReferrers(connection, repository, options)) === 'yes'
        ? listReferrers(connection, repository, subject, options)
        : undefined,
    putBlob: async (repository, blob, options) => {
      try {
        return await putBlob(connection, repository, blob, options)
      } catch (error) {
        return refusalOf(error)
      }
    },
    putManifest: async (repository, manifest, tag, options) => {
      try {
        return await putManifest(connection, repository, manifest, tag, options)
      } catch (error) {
        return { outcome: refusalOf(error), isSubjectKept: false }
      }
    },
  }
}

/** Credentials that may read and not push are the everyday reason to keep links elsewhere. */
function refusalOf(error: unknown): ChangeOutcome {
  if (!(error instanceof UnauthorizedError)) throw error
  return refused('forbidden', error.message)
}

/** HEAD costs nothing of a rate limit; a registry that tells too little in it is asked for the manifest itself. */
async function describe(
  connection: OciConnection,
  repository: RepositoryName,
  reference: TagName | Digest,
  options: RunOptions | undefined,
): Promise<SubjectDescriptor | undefined> {
  const path = `${repository}/manifests/${reference}`
  const asked = parseDigest(reference)
  const head = await connection.head(path, pullScopes(repository), acceptManifests, options)
  const told = toldBy(head)
  if (told !== undefined && (asked ?? told.digest) === told.digest) return told
  const manifest =
    asked === undefined
      ? await fetchTagged(connection, repository, reference as TagName, options)
      : await fetchManifest(connection, repository, asked, options)
  return (
    manifest && {
      mediaType: manifest.mediaType,
      digest: manifest.digest,
      sizeBytes: manifest.bytes.length,
    }
  )
}

function toldBy({ status, headers }: HttpResponse): SubjectDescriptor | undefined {
  const digest = parseDigest(headers.get('docker-content-digest') ?? '')
  const mediaType = bareMediaType(headers.get('content-type') ?? '')
  const length = headers.get('content-length') ?? ''
  // Of something compressed the length is not the manifest's.
  const isPlain = !headers.has('content-encoding') && /^[1-9][0-9]{0,7}$/.test(length)
  if (status !== 200 || digest === undefined || shapeOf(mediaType) === undefined || !isPlain) return undefined
  return { mediaType, digest, sizeBytes: Number(length) }
}

async function listTags(
  connection: OciConnection,
  repository: RepositoryName,
  options: RunOptions = {},
): Promise<ReadonlySet<TagName>> {
  const list = { path: `${repository}/tags/list`, field: 'tags', scopes: pullScopes(repository) } as const
  const answer = await readNames(connection, list, options)
  if (answer.kind === 'refused') {
    if (saysAbsent(answer.response)) return new Set()
    throw connection.unexpected(`Listing the tags of ${repository}`, answer.response)
  }
  // A name that is no tag is no record's either; an inventory tells of it.
  return new Set([...answer.names].flatMap((name) => parseTagName(name) ?? []))
}
