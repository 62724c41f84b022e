/**
 * Rows of Quay's list of tags, alive and dead. A row that cannot be understood is an error: the tag would be missing from
 * the list.
 */
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import type { InstantMs } from '../../../core/inventory/inventory.ts'
import { quotable } from '../oci/answers.ts'
import { RegistryContentError } from '../oci/errors.ts'
import type { Row } from './quay-api.ts'

export interface QuayTag {
  readonly name: string
  readonly digest: Digest
  /** When it was pushed, or moved here. */
  readonly startedAt: InstantMs | undefined
  /** When it died, or is set to die. */
  readonly endsAt: InstantMs | undefined
  readonly isImmutable: boolean
}

/** @throws RegistryContentError */
export function parseTag(registry: string, repository: string, row: Row): QuayTag {
  const fail = (field: string, expected: string): never => {
    const shown = quotable(JSON.stringify(row[field]) ?? 'nothing')
    throw new RegistryContentError(
      registry,
      `the list of tags of ${repository} has ${shown} as ${field}, where ${expected} belongs`,
    )
  }
  const { name, manifest_digest: digest, immutable = false } = row
  if (typeof immutable !== 'boolean') return fail('immutable', 'true or false')
  return {
    name: typeof name === 'string' && name !== '' ? name : fail('name', 'a tag'),
    digest: parseDigest(typeof digest === 'string' ? digest : '') ?? fail('manifest_digest', 'a digest'),
    startedAt: instantOf(row, 'start_ts', 'last_modified', fail),
    endsAt: instantOf(row, 'end_ts', 'expiration', fail),
    isImmutable: immutable,
  }
}

/** Seconds since 1970, else the same as a date of RFC 2822: `Wed, 01 May 2024 07:53:20 -0000`. */
function instantOf(
  row: Row,
  seconds: string,
  date: string,
  fail: (field: string, expected: string) => never,
): InstantMs | undefined {
  const told = row[seconds] ?? undefined
  if (told !== undefined)
    return typeof told === 'number' && Number.isFinite(told) ? known(told * 1000) : fail(seconds, 'seconds')
  const written = row[date] ?? undefined
  if (written === undefined || written === '') return undefined
  const instant = typeof written === 'string' ? Date.parse(written) : Number.NaN
  return Number.isNaN(instant) ? fail(date, 'a date') : known(instant)
}

/** Before the first container registry is no time at all. */
function known(instant: InstantMs): InstantMs | undefined {
  return instant < Date.UTC(2013, 0, 1) ? undefined : instant
}
