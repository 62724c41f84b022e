import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createMemoryStore, type MemoryStore } from '../../../../test/builders/memory-store.ts'
import { digestsIn } from '../../../../test/builders/listed-links.ts'
import type { Digest } from '../../../core/image/digest.ts'
import { parseManifest } from '../../../core/image/parse-manifest.ts'
import { bytesOfDigest, packReferences } from '../../../core/sweep/reference-record.ts'
import type { BlobPool, PackedDigests, StoredBlobs } from '../../../ports/readable-layout.ts'
import type { RunEvent } from '../../../ports/run-options.ts'
import { createListedDistributionLayout } from './listed-layout.ts'

const base = 'docker/registry/v2'
const T = 1_700_000_000_000

async function poolOver(store: MemoryStore): Promise<BlobPool> {
  const pools: BlobPool[] = []
  for await (const pool of createListedDistributionLayout({ store, retryPauseMs: 1 }).pools())
    pools.push(pool)
  expect(pools.map(({ name }) => name)).toEqual([''])
  return pools[0]!
}

function manifest(label: string, algorithm: 'sha256' | 'sha512' = 'sha256') {
  const blob = (text: string) => ({
    mediaType: 'application/octet-stream',
    size: text.length,
    digest: `sha256:${createHash('sha256').update(text).digest('hex')}`,
  })
  const text = JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: blob(`${label} config`),
    layers: [blob(`${label} layer`)],
  })
  const digest = `${algorithm}:${createHash(algorithm).update(text).digest('hex')}` as Digest
  return { text, digest, record: packReferences(parseManifest(Buffer.from(text), undefined, digest)) }
}

function packed(...digests: readonly Digest[]): PackedDigests {
  const algorithm = digests[0]?.startsWith('sha512:') ? 'sha512' : 'sha256'
  return { algorithm, bytes: Buffer.concat(digests.map(bytesOfDigest)) }
}

const dataKey = (digest: string): string => {
  const [algorithm, hex = ''] = digest.split(':')
  return `${base}/blobs/${algorithm}/${hex.slice(0, 2)}/${hex}/data`
}

describe('blobs of a listing', () => {
  it('come with sizes and times, each algorithm by itself', async () => {
    const [one, two] = [manifest('one'), manifest('two', 'sha512')]
    const store = createMemoryStore({ pageSize: 1 })
    store.put(dataKey(one.digest), 'abc', T)
    store.put(dataKey(two.digest), 'abcde', T + 1)
    const found: StoredBlobs[] = []
    await (await poolOver(store)).listBlobs((blobs) => found.push(blobs))
    expect(found.flatMap(digestsIn)).toEqual([one.digest, two.digest])
    expect(found.map(({ facts }) => [facts?.sizes[0], facts?.times[0]])).toEqual([
      [3, T],
      [5, T + 1],
    ])
    expect(store.calls.every(({ act }) => act === 'page')).toBe(true)
  })

  it('are told of once where they can be none, and left out', async () => {
    const one = manifest('one')
    const store = createMemoryStore()
    const hex = one.digest.slice(7)
    store.put(dataKey(one.digest), 'abc', T)
    for (const key of [
      `sha256/00/${hex}/data`,
      `md5/ab/abc/data`,
      `sha256/${hex.slice(0, 2)}/${hex}/data.1.tmp`,
    ]) {
      store.put(`${base}/blobs/${key}`, 'x')
    }
    const found: StoredBlobs[] = []
    const events: RunEvent[] = []
    const pool = await poolOver(store)
    await pool.listBlobs((blobs) => found.push(blobs), { onEvent: (event) => events.push(event) })
    expect(found.flatMap(digestsIn)).toEqual([one.digest])
    expect(events).toEqual([
      {
        kind: 'warning',
        text: `2 files lie among the blobs and can be none ("${base}/blobs/md5/ab/abc/data"); left alone.`,
      },
    ])
  })

  it('end the run when a page cannot be read', async () => {
    const store = createMemoryStore()
    store.hooks.before = () => {
      throw new Error('the line is down')
    }
    await expect((await poolOver(store)).listBlobs(() => undefined)).rejects.toThrow('the line is down')
  })
})

describe('references', () => {
  it('are read of each manifest that is stored; the others are named', async () => {
    const [one, two, gone] = [manifest('one'), manifest('two'), manifest('gone')]
    const store = createMemoryStore()
    for (const { digest, text } of [one, two]) store.put(dataKey(digest), text)
    const pool = await poolOver(store)
    const { records, absent } = await pool.readReferences(packed(one.digest, gone.digest, two.digest))
    expect(digestsIn({ algorithm: 'sha256', bytes: absent })).toEqual([gone.digest])
    expect([Buffer.concat([one.record, two.record]), Buffer.concat([two.record, one.record])]).toContainEqual(
      Buffer.from(records),
    )
  })

  it('are read of manifests of other algorithms', async () => {
    const one = manifest('one', 'sha512')
    const store = createMemoryStore()
    store.put(dataKey(one.digest), one.text)
    const { records, absent } = await (await poolOver(store)).readReferences(packed(one.digest))
    expect([Buffer.from(records), absent.length]).toEqual([Buffer.from(one.record), 0])
  })

  it('are looked at again while the manifest is being written', async () => {
    const one = manifest('one')
    const store = createMemoryStore()
    store.put(dataKey(one.digest), one.text.slice(0, 40))
    store.hooks.after = ({ act, key }) => void (act === 'read' && store.put(key, one.text))
    const { records } = await (await poolOver(store)).readReferences(packed(one.digest))
    expect(Buffer.from(records)).toEqual(Buffer.from(one.record))
  })

  it.each([
    { name: 'it is never whole', text: '{"schemaVersion', code: 'STORAGE_CORRUPT' },
    {
      name: 'it is longer than any manifest',
      text: ' '.repeat(8 * 1024 * 1024 + 1),
      code: 'STORAGE_UNREADABLE',
    },
  ])('end the run when $name', async ({ text, code }) => {
    const one = manifest('one')
    const store = createMemoryStore()
    store.put(dataKey(one.digest), text)
    await expect((await poolOver(store)).readReferences(packed(one.digest))).rejects.toMatchObject({ code })
  })

  it('end the run when the bytes are right and say nothing that can be followed', async () => {
    const digest = `sha256:${createHash('sha256').update('{}').digest('hex')}` as Digest
    const store = createMemoryStore()
    store.put(dataKey(digest), '{}')
    const reading = (await poolOver(store)).readReferences(packed(digest))
    await expect(reading).rejects.toMatchObject({ category: 'incomplete' })
  })

  it('are the same in bytes that were set aside, if those are the right ones', async () => {
    const one = manifest('one')
    const pool = await poolOver(createMemoryStore())
    expect(pool.referencesIn(one.digest, Buffer.from(one.text))).toEqual(one.record)
    expect(() => pool.referencesIn(one.digest, Buffer.from('{}'))).toThrow(
      /was set aside .* does not hash to/,
    )
  })
})

describe('facts as they are now', () => {
  it('are NaN where a file is gone, in the order asked', async () => {
    const all = Array.from({ length: 5000 }, (_, i) => manifest(`${i}`).digest)
    const store = createMemoryStore()
    all.forEach((digest, i) => i % 3 !== 0 && store.put(dataKey(digest), 'x'.repeat(i % 7), T + i))
    const { sizes, times } = await (await poolOver(store)).blobFacts(packed(...all))
    expect([...sizes]).toEqual(all.map((_, i) => (i % 3 === 0 ? Number.NaN : i % 7)))
    expect([...times]).toEqual(all.map((_, i) => (i % 3 === 0 ? Number.NaN : T + i)))
  })

  it('tell the times of layer links', async () => {
    const store = createMemoryStore()
    const pool = await poolOver(store)
    const [one, two] = [manifest('one').digest, manifest('two').digest]
    const links = [two, one].map((digest) => ({ repository: 'team/app', digest }))
    expect(pool.layerLinkKey(links[0]!)).toBe(
      `${base}/repositories/team/app/_layers/sha256/${two.slice(7)}/link`,
    )
    store.put(pool.layerLinkKey(links[0]!), two, T)
    expect([...(await pool.linkTimes(links))]).toEqual([T, Number.NaN])
  })

  it('lie where the layout says', async () => {
    const { digest } = manifest('one')
    const hex = digest.slice(7)
    expect((await poolOver(createMemoryStore())).fileOf(digest)).toEqual({
      key: dataKey(digest),
      asideName: `sha256/${hex.slice(0, 2)}/${hex}`,
    })
  })
})

describe('checking', () => {
  it.each([
    { name: 'an empty bucket', keys: [], code: 'STORAGE_INCOMPLETE' },
    { name: 'blobs without repositories', keys: [`${base}/blobs/sha256/x`], code: 'STORAGE_INCOMPLETE' },
    { name: 'something else', keys: ['photos/cat.jpg'], code: 'STORAGE_LAYOUT' },
  ])('refuses $name', async ({ keys, code }) => {
    const store = createMemoryStore()
    for (const key of keys) store.put(key, 'x')
    await expect(createListedDistributionLayout({ store }).check()).rejects.toMatchObject({ code })
  })

  it('takes a whole one', async () => {
    const store = createMemoryStore()
    store.put(`${base}/blobs/sha256/x`, 'x')
    store.put(`${base}/repositories/a/_layers/x`, 'x')
    const layout = createListedDistributionLayout({ store })
    await layout.check()
    expect([layout.place, layout.layout]).toEqual(['memory:', 'distribution'])
  })
})
