import { describe, expect, it } from 'vitest'
import type { ManifestRecord, TagRecord } from '../inventory/inventory.ts'
import { dayMs, daysAgo, image, now, tag, type Given } from '../../../test/builders/images.ts'
import { dockerReleasedAt, imageTimes, later, newestTime, plausibleCreated, readClock } from './clocks.ts'

describe('plausibleCreated', () => {
  it.each([
    { name: 'nothing stays unknown', at: undefined, counts: false },
    { name: '1970 is a builder’s habit', at: 0, counts: false },
    { name: 'the millisecond before Docker existed is too early', at: dockerReleasedAt - 1, counts: false },
    { name: 'the day Docker was released counts', at: dockerReleasedAt, counts: true },
    { name: 'now counts', at: now, counts: true },
    { name: 'a millisecond in the future does not', at: now + 1, counts: false },
  ])('$name', ({ at, counts }) => {
    expect(plausibleCreated(at, now)).toBe(counts ? at : undefined)
  })
})

it.each([
  { name: 'the later of two', a: 1, b: 2, is: 2 },
  { name: 'the later of two, the other way round', a: 2, b: 1, is: 2 },
  { name: 'the known one, when the other is not', a: undefined, b: 1, is: 1 },
  { name: 'the epoch, which is known', a: 0, b: undefined, is: 0 },
  { name: 'unknown, when both are', a: undefined, b: undefined, is: undefined },
])('later: $name', ({ a, b, is }) => {
  expect(later(a, b)).toBe(is)
})

describe('the clock pushed', () => {
  const pushedOf = (given: Given, below: readonly Given[] = []): readonly unknown[] => {
    const manifest = image('a', given)
    const { pushedAt, pushedBy } = imageTimes(
      manifest,
      manifest.tags,
      below.map((each, i) => image(`b${i}`, each)),
      now,
    )
    return [pushedAt, pushedBy]
  }

  it.each<{ name: string; given: Given; below?: readonly Given[]; is: readonly unknown[] }>([
    {
      name: 'is the registry’s upload time, whatever else is known',
      given: { pushedAt: daysAgo(9), recordedAt: daysAgo(1), createdAt: daysAgo(2), firstSeenAt: daysAgo(3) },
      is: [daysAgo(9), 'pushed'],
    },
    {
      name: 'is the newer of manifest and tags',
      given: { pushedAt: daysAgo(9), tags: [tag('1', { pushedAt: daysAgo(4) }), tag('2')] },
      is: [daysAgo(4), 'pushed'],
    },
    {
      name: 'is a tag’s upload when the manifest has none',
      given: { tags: [tag('1', { pushedAt: daysAgo(4) })], createdAt: daysAgo(1) },
      is: [daysAgo(4), 'pushed'],
    },
    {
      name: 'is else a recorded push, even an older one',
      given: { recordedAt: daysAgo(8), createdAt: daysAgo(2), firstSeenAt: daysAgo(3) },
      is: [daysAgo(8), 'recorded'],
    },
    {
      name: 'is else the newer of created and first sighting: created',
      given: { createdAt: daysAgo(2), firstSeenAt: daysAgo(3) },
      is: [daysAgo(2), 'created'],
    },
    {
      name: 'is else the newer of created and first sighting: the sighting',
      given: { createdAt: daysAgo(4), firstSeenAt: daysAgo(3) },
      is: [daysAgo(3), 'first-seen'],
    },
    {
      name: 'passes over a creation in 1970',
      given: { createdAt: 0, firstSeenAt: daysAgo(3) },
      is: [daysAgo(3), 'first-seen'],
    },
    {
      name: 'is unknown for a creation in the future alone',
      given: { createdAt: now + 1 },
      is: [undefined, undefined],
    },
    {
      name: 'dates an index by the newest plausible of its platforms',
      given: {},
      below: [
        { createdAt: daysAgo(5) },
        { createdAt: daysAgo(2) },
        { createdAt: 0 },
        { createdAt: now + dayMs },
      ],
      is: [daysAgo(2), 'created'],
    },
    {
      name: 'does not date an index by uploads of its platforms',
      given: {},
      below: [{ pushedAt: daysAgo(1) }],
      is: [undefined, undefined],
    },
    { name: 'is unknown when nothing is told', given: { pulledAt: daysAgo(1) }, is: [undefined, undefined] },
  ])('$name', ({ given, below, is }) => {
    expect(pushedOf(given, below)).toEqual(is)
  })
})

describe('readClock', () => {
  const manifest = image('a', {
    pushedAt: daysAgo(5),
    uploadedAt: daysAgo(9),
    createdAt: daysAgo(6),
    pulledAt: daysAgo(3),
    tags: [tag('1', { pulledAt: daysAgo(2), pushedAt: daysAgo(8) }), tag('2', { pushedAt: daysAgo(7) })],
  })
  const rowOf = (
    given: ManifestRecord,
    tags: readonly TagRecord[] = given.tags,
    below: readonly ManifestRecord[] = [],
  ): Parameters<typeof readClock>[0] => ({
    manifest: given,
    tags,
    times: imageTimes(given, tags, below, now),
  })

  it.each([
    { clock: 'pushed' as const, is: daysAgo(5) },
    { clock: 'tagged' as const, is: daysAgo(7) },
    { clock: 'uploaded' as const, is: daysAgo(9) },
    { clock: 'created' as const, is: daysAgo(6) },
    { clock: 'pulled' as const, is: daysAgo(2) },
    { clock: 'active' as const, is: daysAgo(2) },
  ])('$clock', ({ clock, is }) => {
    expect(readClock(rowOf(manifest), clock)).toBe(is)
  })

  it('takes the tag of the row alone', () => {
    expect(readClock(rowOf(manifest, manifest.tags.slice(0, 1)), 'tagged')).toBe(daysAgo(8))
  })

  it.each(['tagged', 'uploaded'] as const)('reads %s as the push where nothing tells it apart', (clock) => {
    const told = image('b', { pushedAt: daysAgo(5), tags: [tag('1')] })
    const untold = image('c', { pushedAt: undefined, createdAt: undefined, tags: [tag('1')] })
    expect(readClock(rowOf(told), clock)).toBe(daysAgo(5))
    expect(readClock(rowOf(untold), clock)).toBeUndefined()
  })

  it('counts the pull of a platform as a pull of its index', () => {
    const below = [image('p', { pulledAt: daysAgo(1) })]
    expect(readClock(rowOf(manifest, [], below), 'pulled')).toBe(daysAgo(1))
  })

  it('leaves them out where an index is to be pulled itself', () => {
    const below = [image('p', { pulledAt: daysAgo(1) })]
    expect(readClock(rowOf(manifest, manifest.tags, below), 'pulledItself')).toBe(daysAgo(2))
    expect(readClock(rowOf(manifest, manifest.tags, below), 'activeItself')).toBe(daysAgo(2))
    const pushed = image('i', { pushedAt: daysAgo(2), pulledAt: undefined })
    expect(readClock(rowOf(pushed, [], below), 'pulledItself')).toBeUndefined()
    expect(readClock(rowOf(pushed, [], below), 'activeItself')).toBe(daysAgo(2))
  })

  it('reads active as the push of what was never pulled', () => {
    expect(readClock(rowOf(image('b', { pushedAt: daysAgo(5) })), 'active')).toBe(daysAgo(5))
  })
})

describe('newestTime', () => {
  it.each<{ name: string; given: Given; is: number | undefined }>([
    { name: 'a recorded push', given: { pushedAt: daysAgo(5), recordedAt: daysAgo(4) }, is: daysAgo(4) },
    { name: 'a first sighting', given: { pushedAt: daysAgo(5), firstSeenAt: daysAgo(4) }, is: daysAgo(4) },
    { name: 'a plausible creation', given: { pushedAt: daysAgo(5), createdAt: daysAgo(4) }, is: daysAgo(4) },
    {
      name: 'a tag, attached ones too',
      given: { pushedAt: daysAgo(5), tags: [tag('x', { pushedAt: daysAgo(4) })] },
      is: daysAgo(4),
    },
    {
      name: 'no creation in the future',
      given: { pushedAt: daysAgo(5), createdAt: now + 1 },
      is: daysAgo(5),
    },
    { name: 'no pull: being pulled makes nothing young', given: { pulledAt: daysAgo(1) }, is: undefined },
  ])('counts $name', ({ given, is }) => {
    expect(newestTime(image('a', given), now)).toBe(is)
  })
})
