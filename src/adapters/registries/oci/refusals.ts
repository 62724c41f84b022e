/**
 * What a registry means when it does not do as asked. The same status says different things with different bodies, so
 * both are read; what fits nothing known is an error, not a guess.
 */
import type { ChangeOutcome, KnownTags, RefusalReason } from '../../../ports/mutable-registry.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import { answeredErrors, contentType, hasCode, saidIn } from './answers.ts'

const deleteCure =
  'Deletion is switched off in the registry (or it is a pull-through cache). Set storage.delete.enabled: true in its configuration, or REGISTRY_STORAGE_DELETE_ENABLED=true in its environment, and restart it.'
const readOnlyCure =
  'The registry is read-only now. Take storage.maintenance.readonly out of its configuration, or REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED out of its environment, and restart it.'

export function refused(reason: RefusalReason, text: string): ChangeOutcome {
  return { kind: 'refused', reason, text }
}

/**
 * The refusal of a manifest that somebody has given a tag since it was decided upon.
 *
 * @param now its tags, read right before its deletion
 * @param known undefined: whoever asks knows of no tags, and so of none that are new
 */
export function taggedSince(now: readonly string[], known: KnownTags | undefined): ChangeOutcome | undefined {
  const added = known && now.find((tag) => !known.tags.some((each) => each === tag))
  return added === undefined ? undefined : refused('protected', `It was given the tag ${added} since.`)
}

/** The refusal that an answer to DELETE is; undefined when it is none we know. */
export function deleteRefusal(response: HttpResponse): ChangeOutcome | undefined {
  const said = saidIn(response)
  const byCode = answeredErrors(response).flatMap(({ code }) => reasonOfCode.get(code) ?? [])[0]
  if (byCode !== undefined) return refused(byCode, said)
  // A want of rights that is none: Google and others say 400 or 403 where a setting stands against it.
  if ((response.status === 400 || response.status === 403) && /\bimmutab(?:le|ility)\b/i.test(said))
    return refused('protected', said)
  switch (response.status) {
    case 400:
      // Distribution 2.8 reads a tag as a digest, and zot and others say plainly that they cannot.
      return hasCode(response, 'DIGEST_INVALID', 'UNSUPPORTED', 'TAG_INVALID')
        ? refused('unsupported', `This registry deletes by digest only (${said}).`)
        : undefined
    case 403:
      return refused('forbidden', `These credentials may not delete (${said || 'status 403'}).`)
    case 405:
      return methodRefused(response, said)
    case 409:
      return refused(
        'protected',
        said || 'The registry answered 409: something it protects stands against it.',
      )
    case 412:
    case 423:
      return refused('protected', said || `The registry answered ${response.status}: it is locked there.`)
    default:
      return undefined
  }
}

function methodRefused(response: HttpResponse, said: string): ChangeOutcome {
  // zot and others: an index that stays has it as a child, or a tag still points at it.
  if (hasCode(response, 'DENIED')) return refused('referenced', said)
  if (hasCode(response, 'UNSUPPORTED')) return refused('disabled', deleteCure)
  const allows = response.headers.get('allow') ?? ''
  const isReadOnly =
    contentType(response) === 'text/plain' && /\bGET\b/.test(allows) && !/\bDELETE\b/.test(allows)
  return isReadOnly
    ? refused('read-only', readOnlyCure)
    : refused('unsupported', said || 'The registry has no such call (405).')
}

const reasonOfCode: ReadonlyMap<string, RefusalReason> = new Map([
  ['REGISTRY_DISALLOWED_OPERATION', 'protected'],
  ['TAG_IMMUTABLE', 'protected'],
  ['PRECONDITION', 'protected'],
  ['VIOLATE_FOREIGN_KEY_CONSTRAINT', 'referenced'],
  ['GOOGLE_MANIFEST_DANGLING_TAG', 'referenced'],
  ['GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE', 'referenced'],
  ['GOOGLE_MANIFEST_REFERRING_MANIFEST', 'referrers-first'],
  ['FAILED_PRECONDITION', 'protected'],
])

/** The refusal that an answer to a PUT of a manifest is; undefined when it is none we know. */
export function putRefusal(response: HttpResponse): ChangeOutcome | undefined {
  const errors = answeredErrors(response)
  const missing = errors.filter(({ code }) => missingBlobCodes.has(code))
  if ((response.status === 400 || response.status === 404) && missing.length > 0) {
    return refused(
      'missing-blob',
      `The registry no longer has what it refers to: ${missing.map(nameOfMissing).join(', ')}.`,
    )
  }
  if (response.status === 400)
    return refused(
      'unsupported',
      `The registry does not take this manifest (${saidIn(response) || 'status 400'}).`,
    )
  if (response.status === 403)
    return refused('forbidden', `These credentials may not push (${saidIn(response) || 'status 403'}).`)
  if (response.status === 405) {
    const outcome = methodRefused(response, saidIn(response))
    // UNSUPPORTED to a push is a pull-through cache; deletion has nothing to do with it.
    return hasCode(response, 'UNSUPPORTED')
      ? refused('read-only', 'The registry takes no pushes; it may be a pull-through cache.')
      : outcome
  }
  if (response.status === 409 || response.status === 412)
    return refused('protected', saidIn(response) || `status ${response.status}`)
  return undefined
}

const missingBlobCodes: ReadonlySet<string> = new Set([
  'MANIFEST_BLOB_UNKNOWN',
  'BLOB_UNKNOWN',
  'MANIFEST_UNKNOWN',
])
const digestInText = /sha(?:256|512):[0-9a-f]+/

// Registries put the digest in `detail`, as a text or in an object, or leave it out.
function nameOfMissing({ detail, message }: { readonly detail: string; readonly message: string }): string {
  return digestInText.exec(detail)?.[0] ?? message
}
