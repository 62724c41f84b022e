/**
 * Which time is an image's age measured from, and who told it.
 *
 * `pushed` is the registry's own upload time, else a recorded push, else the newer of a plausible `created` and the
 * first sighting. Builders that want reproducible images write dates like 1970 or 0001 into the config, so `created`
 * counts only from the day Docker existed, and never from the future. What no clock can tell is undefined: undated,
 * which every rule reads as "keep".
 */
import type { InstantMs, ManifestRecord, TagRecord } from '../inventory/inventory.ts'
import type { ClockSource } from '../plan/plan.ts'
import type { Clock } from './policy.ts'

/** 2013-03-20, the day Docker was released: no image is older. */
export const dockerReleasedAt: InstantMs = Date.UTC(2013, 2, 20)

export interface ImageTimes {
  readonly pushedAt: InstantMs | undefined
  /** Who told `pushedAt`. */
  readonly pushedBy: ClockSource | undefined
  readonly createdAt: InstantMs | undefined
  readonly pulledAt: InstantMs | undefined
}

interface TimedRow {
  readonly times: ImageTimes
  readonly manifest: ManifestRecord
  /** Those the row stands for. */
  readonly tags: readonly TagRecord[]
}

/** `created` where it can be true, undefined where it can only be a builder's habit. */
export function plausibleCreated(createdAt: InstantMs | undefined, now: InstantMs): InstantMs | undefined {
  return createdAt !== undefined && createdAt >= dockerReleasedAt && createdAt <= now ? createdAt : undefined
}

/** The later of two times, either of which may be unknown. */
export function later(a: InstantMs | undefined, b: InstantMs | undefined): InstantMs | undefined {
  if (a === undefined) return b
  return b === undefined || a >= b ? a : b
}

/**
 * The times of an image.
 *
 * @param tags the tags the row stands for: all of the image's, or one under `unit: tag`
 * @param below the manifests an index holds: its `created` is the newest plausible one of its platforms
 */
export function imageTimes(
  manifest: ManifestRecord,
  tags: readonly TagRecord[],
  below: readonly ManifestRecord[],
  now: InstantMs,
): ImageTimes {
  let createdAt = plausibleCreated(manifest.createdAt, now)
  let uploadedAt = manifest.pushedAt
  let pulledAt = manifest.pulledAt
  for (const tag of tags) {
    uploadedAt = later(uploadedAt, tag.pushedAt)
    pulledAt = later(pulledAt, tag.pulledAt)
  }
  for (const child of below) {
    createdAt = later(createdAt, plausibleCreated(child.createdAt, now))
    pulledAt = later(pulledAt, child.pulledAt)
  }
  if (uploadedAt !== undefined) return { pushedAt: uploadedAt, pushedBy: 'pushed', createdAt, pulledAt }
  const { recordedAt, firstSeenAt } = manifest
  if (recordedAt !== undefined) return { pushedAt: recordedAt, pushedBy: 'recorded', createdAt, pulledAt }
  const pushedAt = later(createdAt, firstSeenAt)
  if (pushedAt === undefined) return { pushedAt, pushedBy: undefined, createdAt, pulledAt }
  return { pushedAt, pushedBy: pushedAt === createdAt ? 'created' : 'first-seen', createdAt, pulledAt }
}

/** The newest of all times known of one manifest and its tags; undefined when none is known. */
export function newestTime(manifest: ManifestRecord, now: InstantMs): InstantMs | undefined {
  let newest = later(plausibleCreated(manifest.createdAt, now), manifest.pushedAt)
  newest = later(newest, manifest.recordedAt)
  newest = later(newest, manifest.firstSeenAt)
  for (const tag of manifest.tags) newest = later(newest, tag.pushedAt)
  return newest
}

/** What a rule's clock says of a row. */
export function readClock({ times, manifest, tags }: TimedRow, clock: Clock): InstantMs | undefined {
  switch (clock) {
    case 'pushed':
      return times.pushedAt
    case 'tagged':
      return newestOf(tags) ?? times.pushedAt
    case 'uploaded':
      return manifest.uploadedAt ?? times.pushedAt
    case 'created':
      return times.createdAt
    case 'pulled':
      return times.pulledAt
    case 'active':
      return later(times.pushedAt, times.pulledAt)
    case 'pulledItself':
      return pulledItself(manifest, tags)
    case 'activeItself':
      return later(times.pushedAt, pulledItself(manifest, tags))
  }
}

function newestOf(tags: readonly TagRecord[]): InstantMs | undefined {
  return tags.reduce<InstantMs | undefined>((newest, tag) => later(newest, tag.pushedAt), undefined)
}

function pulledItself(manifest: ManifestRecord, tags: readonly TagRecord[]): InstantMs | undefined {
  return tags.reduce((newest, tag) => later(newest, tag.pulledAt), manifest.pulledAt)
}
