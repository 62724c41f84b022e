/** What a GitLab policy deletes of the tags it speaks of: all, the old ones, all but the newest few. */
import type { ImportedDelete } from './imported-policy.ts'
import { spokenLength, writeLength } from './lengths-of-time.ts'
import type { Reading } from './reading.ts'
import { entryOf, type SourceMap } from './source-document.ts'

/**
 * How many tags GitLab asks its registry for at a time (read in its code). `keep_n` is applied to each page by itself,
 * and where a page ends is the registry's affair.
 */
const pageTags = 1000

export interface Age {
  readonly ms: number
  readonly written: string
  readonly line: number
}

export interface Deletion {
  readonly criteria: ImportedDelete
  /** Given where tags younger than this take places in the count. */
  readonly keepYounger?: Age
  /** What certainly goes where some tags that count have no known time. */
  readonly whereUndated?: ImportedDelete
}

export function readDeletion(policy: SourceMap, reading: Reading): Deletion {
  const count = reading.whole(entryOf(policy, 'keep_n'), { orText: true }) ?? 0
  const age = readAge(policy, reading)
  if (count === 0) return { criteria: age === undefined ? { all: true } : { olderThan: age.written } }
  const place = entryOf(policy, 'keep_n')?.place
  const undated =
    age === undefined
      ? 'nothing is deleted where a tag that counts has no known time'
      : 'where a tag that counts has no known time the newest of the old ones stay, which is never less'
  reading.warn(
    place,
    `keep_n: GitLab counts in pages of ${pageTags} tags, and takes tags without a known time for the newest. So that never more is deleted than there, nothing is deleted here in a repository with more tags than that, and ${undated} (onePageOf); protected tags are kept and take no place.`,
  )
  return {
    criteria: { beyondNewest: count, countAmong: 'eligible', onePageOf: pageTags },
    ...(age !== undefined && {
      keepYounger: age,
      // Those without a time are never old, so all that count here have one; whatever else is newer only takes places.
      whereUndated: {
        olderThan: age.written,
        beyondNewest: count,
        combine: 'all',
        countAmong: 'eligible',
        onePageOf: pageTags,
      },
    }),
  }
}

function readAge(policy: SourceMap, reading: Reading): Age | undefined {
  const value = entryOf(policy, 'older_than')
  const text = reading.text(value)
  if (value === undefined || text === undefined || text === '') return undefined
  const length = spokenLength(text)
  if (length === undefined) {
    reading.refuse(
      value.place,
      `${JSON.stringify(text)} is not an age.`,
      'GitLab writes ages as "7d", "14d", "30d", "90d".',
    )
    return undefined
  }
  if (length.isRounded)
    reading.warn(value.place, 'Months are taken as 31 days and years as 366, so more is kept.')
  return { ms: length.ms, written: writeLength(length.ms), line: value.place.line }
}
