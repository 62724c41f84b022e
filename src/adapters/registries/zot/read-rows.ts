/** One page of what zot's search answers. A row that cannot be understood fails the page: never a shorter list. */
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import type { RegistryName, RepositoryName } from '../../../core/image/names.ts'
import type { InstantMs } from '../../../core/inventory/inventory.ts'
import { isRecord, quotable } from '../oci/answers.ts'
import { RegistryContentError } from '../oci/errors.ts'

export interface ZotImage {
  readonly tag: string
  readonly digest: Digest
  /** Of the manifest. */
  readonly pushedAt: InstantMs | undefined
  /** When the tag was set to it. */
  readonly taggedAt: InstantMs | undefined
  /** Of the manifest, by any of its tags or by digest. */
  readonly pulledAt: InstantMs | undefined
}

/** @throws RegistryContentError */
export function readImagePage(
  registry: RegistryName,
  repository: RepositoryName,
  body: unknown,
): { readonly total: number; readonly images: readonly ZotImage[] } {
  const fail = (why: string): never => {
    throw new RegistryContentError(registry, `zot's search for ${repository} ${quotable(why)}`)
  }
  const document = isRecord(body) ? body : fail('was answered with something that is no JSON object')
  const { errors, data } = document
  if (Array.isArray(errors) && errors.length > 0) fail(`failed: ${messagesOf(errors)}`)
  const list = isRecord(data) ? data['ImageList'] : undefined
  const page = isRecord(list) ? list['Page'] : undefined
  const total = isRecord(page) ? page['TotalCount'] : undefined
  const rows = isRecord(list) ? (list['Results'] ?? []) : undefined
  if (!Array.isArray(rows) || typeof total !== 'number' || !Number.isSafeInteger(total) || total < 0)
    return fail('was answered with something that is no list of images')
  return {
    total,
    images: rows.map((row: unknown) => readImage(row) ?? fail('gave a row without tag or digest')),
  }

  function readImage(row: unknown): ZotImage | undefined {
    if (!isRecord(row)) return undefined
    const { Tag: tag, Digest: told } = row
    const digest = typeof told === 'string' ? parseDigest(told) : undefined
    if (typeof tag !== 'string' || digest === undefined) return undefined
    return {
      tag,
      digest,
      pushedAt: instant(row['PushTimestamp']),
      taggedAt: instant(row['TaggedTimestamp']),
      pulledAt: instant(row['LastPullTimestamp']),
    }
  }

  /** Go's zero time, in year 1, is what zot says when it does not know, or when nobody pulled. */
  function instant(value: unknown): InstantMs | undefined {
    if (value === undefined || value === null || value === '') return undefined
    const at = typeof value === 'string' ? Date.parse(value) : Number.NaN
    if (Number.isNaN(at)) return fail(`gave ${JSON.stringify(value)} for a time`)
    return at < 0 ? undefined : at
  }
}

function messagesOf(errors: readonly unknown[]): string {
  return errors.map((each) => (isRecord(each) ? String(each['message']) : '')).join('; ')
}
