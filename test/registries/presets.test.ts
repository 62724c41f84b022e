/**
 * Clouds over the OCI driver: known by their hosts; where their deletions are not documented, none is asked for until an
 * image of our own proved what they do, and the proof counts for ninety days and for that address.
 */
import { afterEach, describe, expect, it } from 'vitest'
import { createHttpClient } from '../../src/adapters/http/client.ts'
import { createMemoryManifestCache } from '../../src/adapters/journal/memory/manifest-cache.ts'
import { createMemoryProofStore } from '../../src/adapters/journal/memory/proofs.ts'
import type { DriverSettings, OpenedDriver } from '../../src/adapters/registries/driver.ts'
import { driver as genericDriver } from '../../src/adapters/registries/oci/driver.ts'
import { openPreset } from '../../src/adapters/registries/oci/open-preset.ts'
import { presetOf, type Preset } from '../../src/adapters/registries/oci/presets.ts'
import { RegistryStore } from '../../src/adapters/registries/memory/store.ts'
import { InterruptedError, OperationalError } from '../../src/core/errors/errors.ts'
import { parseDigest } from '../../src/core/image/digest.ts'
import { parseRepositoryName, type RegistryName, type RepositoryName } from '../../src/core/image/names.ts'
import type { ProofStore } from '../../src/ports/proofs.ts'
import { seedGraph, type Graph } from '../conformance/registry-fixture.ts'
import { json, startFakeServer, type FakeRequest, type FakeServer, type Reply } from '../fakes/fake-server.ts'
import { answerOci } from '../fakes/oci-server.ts'
import { quickRetry, seederOver } from './lab.ts'

const DAY = 86_400_000
const app = parseRepositoryName('team/app') as RepositoryName
const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

/** What a registry makes of DELETE: as the specification has it, or not. */
type Manner =
  | 'behaves'
  | 'takes-siblings'
  | 'takes-siblings-later'
  | 'takes-sibling-tags'
  | 'keeps-manifest'
  | 'refuses-tags'
  | 'refuses'
  | 'slow'

interface Stand {
  readonly opened: OpenedDriver
  readonly server: FakeServer
  readonly store: RegistryStore
  readonly proofs: ProofStore
  readonly graph: Graph
  readonly clock: { ms: number; slept: number }
  /** The same registry, as the next run opens it. */
  readonly again: (preset?: Preset, baseUrl?: string) => OpenedDriver
}

const experimental = presetOf('cr.yandex') as Preset
const documented = presetOf('registry.digitalocean.com') as Preset

async function stand(manner: Manner, preset: Preset = experimental): Promise<Stand> {
  const store = new RegistryStore()
  const server = await startFakeServer((request) =>
    request.method === 'DELETE'
      ? deletion(store, manner, request)
      : answerOci(store, {}, { ...request, url: request.target }, request.body),
  )
  const proofs = createMemoryProofStore()
  const clock = { ms: 1_700_000_000_000, slept: 0 }
  const credentials = { get: async () => undefined }
  const openHttp: DriverSettings['openHttp'] = (client) => {
    const http = createHttpClient({ retry: quickRetry, environment: {}, ...client })
    stops.push(() => http.close())
    return http
  }
  const again = (of: Preset = preset, baseUrl = server.url): OpenedDriver =>
    openPreset(
      {
        name: 'test' as RegistryName,
        baseUrl,
        http: openHttp({ base: server.url }),
        cache: createMemoryManifestCache(),
        credentials,
        hasOwnCredentials: false,
        kindIsWritten: true,
        apiUrl: undefined,
        apiCredentials: undefined,
        aws: { region: undefined, profile: undefined, roleArn: undefined },
        environment: {},
        openHttp,
        proofs,
      },
      of,
      {
        clock: {
          now: () => clock.ms,
          sleep: async (ms) => {
            clock.slept += ms
            if (clock.slept > 3000) for (const take of later.splice(0)) take()
          },
        },
      },
    )
  stops.push(() => server.stop())
  const graph = await seedGraph(seederOver(server.url), app, [])
  server.forgetRequests()
  return { opened: again(), server, store, proofs, graph, clock, again }
}

/** What a registry does some seconds after it answered. */
const later: (() => void)[] = []
const pending = new WeakMap<RegistryStore, number>()

function deletion(store: RegistryStore, manner: Manner, request: FakeRequest): Reply {
  const asIs = (): Reply => answerOci(store, {}, { ...request, url: request.target }, request.body)
  const reference = decodeURIComponent(request.url.pathname.split('/').at(-1) ?? '')
  const isTag = parseDigest(reference) === undefined
  const held = store.repository(app)
  const digest = [...held.tags].find(([name]) => name === reference)?.[1].digest
  switch (manner) {
    case 'behaves':
      return asIs()
    case 'takes-siblings':
      if (isTag && digest !== undefined) held.remove(digest)
      return isTag ? { status: 202 } : asIs()
    case 'takes-siblings-later':
      if (isTag && digest !== undefined) later.push(() => held.remove(digest))
      return asIs()
    case 'takes-sibling-tags':
      if (!isTag) return asIs()
      for (const [name, tag] of held.tags) if (tag.digest === digest) held.tags.delete(name)
      return { status: 202 }
    case 'keeps-manifest':
      return isTag ? asIs() : { status: 202 }
    case 'refuses-tags':
      return isTag ? json(405, { errors: [{ code: 'UNSUPPORTED', message: 'no' }] }) : asIs()
    case 'refuses':
      return json(405, { errors: [{ code: 'UNSUPPORTED', message: 'no' }] })
    case 'slow': {
      // Answers at once and deletes by digest when it was looked for twice.
      if (!isTag) pending.set(store, 2)
      return isTag ? asIs() : { status: 202 }
    }
  }
}

const proofTags = (store: RegistryStore): readonly string[] =>
  [...store.repository(app).tags.keys()].filter((name) => name.startsWith('winnow-proof-'))

describe('presetOf', () => {
  it.each([
    ['registry.digitalocean.com', 'digitalocean'],
    ['rg.fr-par.scw.cloud', 'scaleway'],
    ['fra.ocir.io', 'oracle'],
    ['ocir.eu-frankfurt-1.oci.oraclecloud.com', 'oracle'],
    ['de.icr.io', 'ibm'],
    ['icr.io', 'ibm'],
    ['registry.cn-hangzhou.aliyuncs.com', 'alibaba'],
    ['registry-intl.eu-central-1.aliyuncs.com', 'alibaba'],
    ['acme-registry.cn-shanghai.cr.aliyuncs.com', 'alibaba'],
    ['acme.tencentcloudcr.com', 'tencent'],
    ['ccr.ccs.tencentyun.com', 'tencent'],
    ['CR.yandex', 'yandex'],
    ['cr.yandex.example.com', undefined],
    ['notscw.cloud', undefined],
    ['registry.digitalocean.com.evil.example', undefined],
    ['registry.example.com', undefined],
  ])('takes %s for %s', (host, key) => {
    expect(presetOf(host)?.key).toBe(key)
  })
})

describe('a cloud whose deletions are documented', () => {
  it('deletes by digest without a proof, leaves single tags alone, and is probed without a push', async () => {
    const { opened, graph, store, server } = await stand('behaves', documented)
    const writer = opened.createWriter()
    expect(await opened.reader.capabilities()).toMatchObject({
      product: 'DigitalOcean Container Registry',
      deleteByTag: false,
      deletes: { state: 'unknown' },
      rateLimit: '5,000 requests an hour, 250 a minute',
      freesBytes: 'by-its-collector',
    })
    expect(await writer.untag(app, graph.index.tags[0] as never)).toMatchObject({ reason: 'unsupported' })
    server.forgetRequests()
    expect(await writer.probe(app)).toMatchObject({ deletes: { state: 'yes' } })
    expect(server.requests.some(({ method }) => ['PUT', 'POST'].includes(method))).toBe(false)
    expect(opened.probePushes).toBe(false)
    expect(await writer.deleteManifest(app, graph.epoch.digest)).toEqual({ kind: 'done' })
    expect(store.repository(app).manifests.has(graph.epoch.digest)).toBe(false)
  })
})

describe('a cloud whose deletions are not documented', () => {
  it('is refused every deletion before the proof, without a request, and says what to run', async () => {
    const { opened, graph, server } = await stand('behaves')
    const writer = opened.createWriter()
    for (const outcome of [
      await writer.deleteManifest(app, graph.epoch.digest),
      await writer.untag(app, graph.index.tags[0] as never),
    ])
      expect(outcome).toMatchObject({
        kind: 'refused',
        reason: 'unsupported',
        text: expect.stringContaining('winnow doctor') as string,
      })
    expect(server.requests).toHaveLength(0)
    expect(await opened.reader.capabilities()).toMatchObject({
      product: 'Yandex Container Registry',
      deleteByTag: false,
      deletes: { state: 'no', cure: expect.stringContaining('winnow doctor') as string },
    })
    expect(opened.probePushes).toBe(true)
  })

  it('deletes tags and digests once it has proved that it does both, and nothing of the proof stays', async () => {
    const { opened, graph, store, server, again } = await stand('behaves')
    const before = new Set(store.repository(app).manifests.keys())
    expect(await opened.createWriter().probe(app)).toMatchObject({
      deletes: { state: 'yes' },
      deleteByTag: true,
      text: expect.stringContaining('90 days') as string,
    })
    expect(new Set(store.repository(app).manifests.keys())).toEqual(before)
    expect(proofTags(store)).toEqual([])
    const next = again()
    expect(await next.reader.capabilities()).toMatchObject({ deleteByTag: true, deletes: { state: 'yes' } })
    const writer = next.createWriter()
    expect(await writer.untag(app, graph.index.tags[0] as never)).toEqual({ kind: 'done' })
    expect(await writer.deleteManifest(app, graph.epoch.digest)).toEqual({ kind: 'done' })
    server.forgetRequests()
    expect(await writer.probe(app)).toMatchObject({ text: expect.stringContaining('counts until') as string })
    expect(server.requests).toHaveLength(0)
  })

  it.each(['takes-siblings', 'takes-siblings-later', 'takes-sibling-tags'] as const)(
    'never deletes a tag of a registry that %s, and still deletes by digest',
    async (manner) => {
      const { opened, graph, store, again } = await stand(manner)
      const probe = await opened.createWriter().probe(app)
      expect(probe).toMatchObject({ deletes: { state: 'yes' }, deleteByTag: false })
      expect(probe.text).toContain('so Winnow does not do it')
      expect(proofTags(store)).toEqual([])
      const writer = again().createWriter()
      expect(await writer.untag(app, graph.index.tags[0] as never)).toMatchObject({ reason: 'unsupported' })
      expect(await writer.deleteManifest(app, graph.epoch.digest)).toEqual({ kind: 'done' })
      expect(store.repository(app).manifests.has(graph.index.digest)).toBe(true)
      expect(store.repository(app).tags.size).toBeGreaterThan(0)
    },
  )

  it('proves deletion by digest where tags are refused', async () => {
    const { opened } = await stand('refuses-tags')
    expect(await opened.createWriter().probe(app)).toMatchObject({
      deletes: { state: 'yes' },
      deleteByTag: false,
      text: expect.stringContaining('single tags cannot be deleted') as string,
    })
  })

  it.each([
    { manner: 'keeps-manifest', says: 'the manifest is still there' },
    { manner: 'refuses', says: 'refuses to delete by digest' },
  ] as const)('stays refused where it $manner, and says what was left', async ({ manner, says }) => {
    const { opened, graph, proofs, again, clock } = await stand(manner)
    const address = { at: clock.ms - 100 * DAY, deletesTags: true, kind: experimental.key }
    await proofs.rememberProof({ ...address, address: 'https://cr.yandex' })
    const { deletes } = await opened.createWriter().probe(app)
    expect(deletes.state).toBe('no')
    expect(deletes.cure).toContain(says)
    expect(deletes.cure).toContain('team/app@sha256:')
    const outcome = await again().createWriter().deleteManifest(app, graph.epoch.digest)
    expect(outcome).toMatchObject({ kind: 'refused', reason: 'unsupported' })
  })

  it('waits for a registry that answers before it has deleted', async () => {
    const { opened, server, store } = await stand('slow')
    server.inject({
      on: ({ method, url }) => {
        const left = pending.get(store)
        if (method !== 'HEAD' || left === undefined || !url.pathname.includes('/manifests/')) return false
        pending.set(store, left - 1)
        if (left === 0)
          for (const [, { digest }] of [...store.repository(app).tags].filter(([name]) =>
            name.includes('proof'),
          ))
            store.repository(app).remove(digest)
        return false
      },
      reply: { status: 500 },
    })
    expect(await opened.createWriter().probe(app)).toMatchObject({ deletes: { state: 'yes' } })
  })

  it('says so when it may not push', async () => {
    const { opened, server, proofs } = await stand('behaves')
    server.inject({
      on: ({ method }) => method === 'POST',
      reply: json(403, { errors: [{ code: 'DENIED' }] }),
    })
    const { deletes } = await opened.createWriter().probe(app)
    expect(deletes).toMatchObject({
      state: 'no',
      cure: expect.stringContaining('cannot be pushed') as string,
    })
    expect(await proofs.proofOf(server.url, experimental.key)).toBeUndefined()
  })

  it.each([
    { name: 'after ninety days', shift: 90 * DAY + 1, counts: false },
    { name: 'on the last day', shift: 90 * DAY, counts: true },
    { name: 'when it is of the future', shift: -1, counts: false },
  ])('takes a proof $name for: $counts', async ({ shift, counts }) => {
    const { opened, again, clock, graph } = await stand('behaves')
    await opened.createWriter().probe(app)
    clock.ms += shift
    const outcome = await again().createWriter().deleteManifest(app, graph.epoch.digest)
    expect(outcome.kind).toBe(counts ? 'done' : 'refused')
  })

  it('takes no proof of another address or another product', async () => {
    const { opened, again, graph, server } = await stand('behaves')
    await opened.createWriter().probe(app)
    const others = [again(presetOf('fra.ocir.io')), again(experimental, `${server.url}/elsewhere`)]
    for (const other of others)
      expect(await other.createWriter().deleteManifest(app, graph.epoch.digest)).toMatchObject({
        kind: 'refused',
      })
  })

  it('pushes nothing where the state cannot be asked', async () => {
    const { opened, server, proofs } = await stand('behaves')
    proofs.proofOf = async () => {
      throw new InterruptedError()
    }
    await expect(opened.createWriter().probe(app)).rejects.toBeInstanceOf(OperationalError)
    expect(server.requests).toHaveLength(0)
  })

  it('puts manifests back without a proof', async () => {
    const { opened, graph } = await stand('behaves')
    const { bytes, digest, mediaType } = graph.epoch
    const outcome = await opened.createWriter().putManifest(app, { bytes, digest, mediaType }, undefined)
    expect(outcome).toEqual({ kind: 'done' })
  })

  it('tells in winnow doctor what is known of it', async () => {
    const { opened } = await stand('behaves')
    const [known] = (await opened.check?.(app, {})) ?? []
    expect(known).toMatchObject({ what: 'know Yandex Container Registry', state: 'ok' })
    expect(known?.text).toContain('an experiment')
  })
})

describe('the generic driver', () => {
  it('opens a cloud that it knows by its host', async () => {
    const { again, server } = await stand('behaves')
    expect(again().probePushes).toBe(true)
    const settings = {
      name: 'test' as RegistryName,
      http: createHttpClient({ base: server.url }),
      cache: createMemoryManifestCache(),
      proofs: createMemoryProofStore(),
    }
    stops.push(() => settings.http.close())
    const opened = (baseUrl: string): OpenedDriver =>
      genericDriver.open({ ...settings, baseUrl } as unknown as DriverSettings)
    expect(opened('https://cr.yandex').probePushes).toBe(true)
    expect(opened('https://registry.example.com').probePushes).toBeUndefined()
  })
})
