/**
 * The list of referrers under the fallback tag, which has no lock: whatever order the registry hears builds in, the list
 * ends with the record of each, and with what others had put there.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findSubject, link, LinkImageAbsentError, LinkRecordRefusedError } from '../../src/app/link.ts'
import { linkRecordText } from '../../src/core/git/link-record.ts'
import { parseReferrersList } from '../../src/core/git/referrers-list.ts'
import { ociIndexType, ociManifestType } from '../../src/core/image/media-types.ts'
import type { RepositoryName, TagName } from '../../src/core/image/names.ts'
import type { RunEvent } from '../../src/ports/run-options.ts'
import { fakeLinkRegistry, hash, type FakeLinkRegistry } from './link-registry-fake.ts'

const repository = 'team/app' as RepositoryName
const image = rawManifest('{"schemaVersion":2,"config":{},"layers":[]}', ociManifestType)
const listTag = image.digest.replace(':', '-') as TagName
const subject = { digest: image.digest, mediaType: image.mediaType, sizeBytes: image.bytes.length }
const foreign = { mediaType: ociManifestType, digest: `sha256:${'f'.repeat(64)}`, size: 9, data: 'x' }

function rawManifest(text: string, mediaType: string) {
  return { digest: hash([text]), mediaType, bytes: new TextEncoder().encode(text) }
}

function commit(n: number): string {
  return n.toString(16).padStart(40, 'a')
}

function listWith(...entries: readonly object[]) {
  return rawManifest(
    JSON.stringify({ schemaVersion: 2, mediaType: ociIndexType, manifests: entries }),
    ociIndexType,
  )
}

function listed(registry: FakeLinkRegistry): readonly string[] {
  const list = registry.tags.get(listTag)
  return [...(parseReferrersList(list?.bytes ?? new Uint8Array())?.entries.keys() ?? [])].toSorted()
}

function recordOf(n: number): string {
  return hash([linkRecordText(subject, { commit: commit(n) })])
}

function build(registry: FakeLinkRegistry, n: number, onEvent?: (event: RunEvent) => void) {
  const ports = { registry, hash, pause: async () => undefined }
  const request = { repository, subject, links: [{ commit: commit(n) }] }
  return link(request, ports, onEvent === undefined ? {} : { onEvent })
}

describe('the list under the fallback tag', () => {
  it(
    'has every record when builds interleave, however the registry hears them',
    { timeout: 60_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.scheduler(), fc.integer({ min: 2, max: 4 }), async (schedule, builds) => {
          const registry = fakeLinkRegistry(image, (what) => schedule.schedule(Promise.resolve(), what))
          registry.tags.set(listTag, listWith(foreign))
          const numbers = Array.from({ length: builds }, (_, n) => n)
          const all = Promise.all(numbers.map((n) => build(registry, n)))
          await schedule.waitFor(all)
          expect(listed(registry)).toEqual([foreign.digest, ...numbers.map(recordOf)].toSorted())
        }),
        { numRuns: 300 },
      )
    },
  )

  it('is not begun anew when it cannot be read for a moment', async () => {
    const registry = fakeLinkRegistry(image)
    registry.tags.set(listTag, listWith(foreign))
    registry.blinking.set(listTag, 3)
    await build(registry, 1)
    expect(listed(registry)).toContain(foreign.digest)
  })

  it('is begun anew when its tag leads nowhere for good', async () => {
    const registry = fakeLinkRegistry(image)
    registry.tags.set(listTag, listWith(foreign))
    registry.blinking.set(listTag, Number.POSITIVE_INFINITY)
    expect((await build(registry, 1)).listedBy).toBe('fallback-tag')
    expect(listed(registry)).toEqual([recordOf(1)])
  })

  it('takes up what a build left that died after its record', async () => {
    const registry = fakeLinkRegistry(image)
    const text = linkRecordText(subject, { commit: commit(7) })
    registry.tags.set(`${listTag}.link-${commit(7)}` as TagName, rawManifest(text, ociManifestType))
    expect((await build(registry, 8)).listedBy).toBe('fallback-tag')
    expect(listed(registry)).toEqual([recordOf(7), recordOf(8)].toSorted())
  })

  it('that others write over without end is given up, with the record under its tag', async () => {
    const registry = fakeLinkRegistry(image)
    const contested: FakeLinkRegistry = {
      ...registry,
      putManifest: async (at, manifest, tag, options) => {
        const outcome = await registry.putManifest(at, manifest, tag, options)
        if (tag === listTag) registry.tags.set(listTag, listWith(foreign))
        return outcome
      },
    }
    await expect(build(contested, 1)).rejects.toMatchObject({ code: 'LINK_LIST_UNSETTLED' })
    expect(registry.tags.has(`${listTag}.link-${commit(1)}` as TagName)).toBe(true)
  })

  it('keeps the entries and the fields of others as they were', async () => {
    const registry = fakeLinkRegistry(image)
    const list = {
      ...{ schemaVersion: 2, mediaType: ociIndexType, annotations: { a: 'ö' } },
      manifests: [foreign],
    }
    registry.tags.set(listTag, rawManifest(JSON.stringify(list), ociIndexType))
    await build(registry, 1)
    const after: unknown = JSON.parse(new TextDecoder().decode(registry.tags.get(listTag)?.bytes))
    expect(after).toMatchObject({ annotations: { a: 'ö' }, manifests: [foreign, { digest: recordOf(1) }] })
  })

  it.each([
    { name: 'is no list', content: rawManifest('{"schemaVersion":2,"layers":[]}', ociManifestType) },
    { name: 'has an entry without a digest', content: listWith({ mediaType: ociManifestType }) },
  ])('is left alone, with a warning, when what lies there $name', async ({ content }) => {
    const registry = fakeLinkRegistry(image)
    registry.tags.set(listTag, content)
    const events: RunEvent[] = []
    const linked = await build(registry, 1, (event) => events.push(event))
    expect(linked).toMatchObject({ listedBy: 'own-tags', commits: [{ state: 'linked' }] })
    expect(registry.tags.get(listTag)).toBe(content)
    expect(events).toMatchObject([{ kind: 'warning' }])
  })

  it('is left alone when it would be larger than registries take', async () => {
    const registry = fakeLinkRegistry(image)
    const large = listWith({ ...foreign, annotations: { large: 'x'.repeat(3 * 1024 * 1024) } })
    registry.tags.set(listTag, large)
    expect((await build(registry, 1)).listedBy).toBe('own-tags')
    expect(registry.tags.get(listTag)).toBe(large)
  })
})

describe('a link', () => {
  it('is there already the second time, and nothing is put', async () => {
    const registry = fakeLinkRegistry(image)
    expect((await build(registry, 1)).commits).toMatchObject([{ state: 'linked' }])
    const before = new Map(registry.tags)
    expect((await build(registry, 1)).commits).toMatchObject([{ state: 'already-linked' }])
    expect(registry.tags).toEqual(before)
  })

  it('is there already when another build recorded it with another ref', async () => {
    const registry = fakeLinkRegistry(image)
    const tag = `${listTag}.link-${commit(1)}` as TagName
    const theirs = rawManifest(linkRecordText(subject, { commit: commit(1), ref: 'v1' }), ociManifestType)
    registry.tags.set(tag, theirs)
    expect((await build(registry, 1)).commits).toMatchObject([{ state: 'already-linked' }])
    expect(registry.tags.get(tag)).toBe(theirs)
    expect(listed(registry)).toEqual([theirs.digest])
  })

  it('goes over what lies under its tag and is no record of it', async () => {
    const registry = fakeLinkRegistry(image)
    const tag = `${listTag}.link-${commit(1)}` as TagName
    registry.tags.set(tag, image)
    await build(registry, 1)
    expect(registry.tags.get(tag)?.digest).toBe(recordOf(1))
  })

  it('is refused in words that name the other ways, when the registry does not take it', async () => {
    const registry = fakeLinkRegistry(image)
    registry.refuses.add(`${listTag}.link-${commit(1)}` as TagName)
    const error = await build(registry, 1).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(LinkRecordRefusedError)
    expect((error as LinkRecordRefusedError).hint).toMatch(/--file.*\n.*--record state/)
  })

  it('of an image that is not there is an error', async () => {
    const registry = fakeLinkRegistry(image)
    await expect(findSubject(repository, 'gone' as TagName, 'x/y:gone', { registry }, {})).rejects.toThrow(
      LinkImageAbsentError,
    )
  })

  it('of an image that went away meanwhile is an error', async () => {
    const registry = fakeLinkRegistry(image)
    const gone = { ...registry, describe: async () => undefined }
    await expect(build(gone, 1)).rejects.toThrow(/went away while it was linked/)
  })
})
