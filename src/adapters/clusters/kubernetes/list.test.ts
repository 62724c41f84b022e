import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startFakeKubernetes, type FakeKubernetes } from '../../../../test/fake-kubernetes/fake-kubernetes.ts'
import type { Fault } from '../../../../test/fake-kubernetes/faults.ts'
import { pod } from '../../../../test/fake-kubernetes/objects.ts'
import { createApiClient, type ApiClient } from './api-client.ts'
import { loadKubeconfig } from './kubeconfig.ts'
import { listAll, type ListSummary } from './list.ts'
import { metadataOf } from './shape.ts'

let cluster: FakeKubernetes
let api: ApiClient
beforeEach(async () => {
  cluster = await startFakeKubernetes()
  const access = await loadKubeconfig({ kubeconfig: cluster.kubeconfig, context: 'admin' })
  api = createApiClient(access, { backoffMs: 1, attemptsMax: 2, idleTimeoutMs: 200 })
  for (const name of names) await cluster.request('POST', '/api/v1/namespaces/default/pods', pod(name, 'a:1'))
})
afterEach(async () => {
  await api.close()
  await cluster.stop()
})

const names = ['a', 'b', 'c', 'd', 'e'] as const
const path = '/api/v1/pods'

async function read(limit = 2): Promise<{ readonly summary: ListSummary; readonly seen: readonly string[] }> {
  let seen: string[] = []
  const visitor = {
    begin: () => {
      seen = []
    },
    visit: (object: unknown) => {
      seen.push(String(metadataOf(object)['name']))
    },
  }
  const summary = await listAll(api, path, { limit }, visitor, {})
  return { summary, seen }
}

describe('a list', () => {
  it('is followed to its end, and every object is visited once', async () => {
    const { summary, seen } = await read()
    expect(seen).toEqual(names)
    expect(summary).toMatchObject({ pages: 3, objects: 5 })
  })

  it('is never asked for with a resourceVersion, which could bring old objects', async () => {
    await read()
    expect(cluster.requests.filter((line) => line.includes('resourceVersion='))).toEqual([])
  })

  it('begins anew when it expires under way, and counts nothing twice', async () => {
    const forgetOnce = cluster.store.list.bind(cluster.store)
    let pages = 0
    cluster.store.list = (resource, request) => {
      if (request.token !== undefined && ++pages === 2) cluster.store.compact()
      return forgetOnce(resource, request)
    }
    expect((await read()).seen).toEqual(names)
    expect(cluster.requests.filter((line) => line.endsWith(`${path}?limit=2`))).toHaveLength(2)
  })

  it('that expires again and again is asked for in one piece', async () => {
    const list = cluster.store.list.bind(cluster.store)
    cluster.store.list = (resource, request) => {
      if (request.token !== undefined) cluster.store.compact()
      return list(resource, request)
    }
    const { seen, summary } = await read()
    expect(seen).toEqual(names)
    expect(summary.pages).toBe(1)
    expect(cluster.requests.filter((line) => line.endsWith(`${path}?limit=2`))).toHaveLength(4)
  })

  const whole = /\/pods/
  const later = /continue=/
  it.each<{ readonly name: string; readonly fault: Fault; readonly says: RegExp }>([
    { name: 'whose pages come from different moments', fault: { at: later, kind: 'moved' }, says: /./ },
    { name: 'that is one shard of several', fault: { at: whole, kind: 'shard' }, says: /shardInfo/ },
    { name: 'that is no list', fault: { at: later, kind: 'not-a-list' }, says: /not a list but Pod/ },
    { name: 'without items', fault: { at: whole, kind: 'no-items' }, says: /not a list/ },
    {
      name: 'that is a Status of 200',
      fault: { at: later, kind: 'status-200' },
      says: /not a Kubernetes object/,
    },
    {
      name: 'that is a login page',
      fault: { at: later, kind: 'html-200' },
      says: /not a Kubernetes object.*Sign in/,
    },
    {
      name: 'cut off by a proxy that counts',
      fault: { at: later, kind: 'half-json' },
      says: /not a Kubernetes object/,
    },
    { name: 'cut off by the network every time', fault: { at: later, kind: 'truncate' }, says: /./ },
    { name: 'behind a broken proxy', fault: { at: later, kind: 'html-502' }, says: /HTTP 502/ },
    { name: 'behind a proxy that wants a login', fault: { at: later, kind: 'proxy-407' }, says: /HTTP 407/ },
    {
      name: 'with an object that cannot be decoded',
      fault: { at: later, kind: 'storage-error' },
      says: /unable to decode/,
    },
    {
      name: 'that is rate limited for good',
      fault: { at: later, kind: 'too-many' },
      says: /too many requests/,
    },
    {
      name: 'that asks for an absurd pause',
      fault: { at: later, kind: 'too-many', retryAfter: '999999' },
      says: /too many requests/,
    },
    { name: 'whose page never comes', fault: { at: later, kind: 'stall' }, says: /./ },
    { name: 'whose page stops coming', fault: { at: later, kind: 'stall-in-body' }, says: /./ },
    { name: 'whose connection is reset', fault: { at: later, kind: 'reset' }, says: /./ },
    { name: 'that leads in a circle', fault: { at: whole, kind: 'endless' }, says: /continue key|circle/ },
    { name: 'we lost the right to', fault: { at: later, kind: 'forbidden' }, says: /HTTP 403/ },
    { name: 'we are no longer known for', fault: { at: later, kind: 'unauthorized' }, says: /HTTP 401/ },
  ])('$name is an error and never a shorter list', async ({ fault, says }) => {
    cluster.fault(fault)
    // One list in one piece after lost moments would succeed; the fault is then in every page there is.
    if (fault.kind === 'moved') cluster.fault({ at: /pods$/, kind: 'storage-error' })
    await expect(read()).rejects.toThrow(says)
  })

  it.each<Fault['kind']>(['truncate', 'reset', 'unavailable', 'too-many', 'storage-error', 'stall'])(
    'gets over one %s by asking again',
    async (kind) => {
      cluster.fault({ at: later, kind, times: 1 })
      expect((await read()).seen).toEqual(names)
    },
  )
})

describe('a request', () => {
  it('without credentials says that the cluster saw nobody', async () => {
    cluster.fault({ at: /pods/, kind: 'anonymous' })
    await expect(read()).rejects.toMatchObject({
      hint: expect.stringContaining('without any credentials') as string,
    })
  })
})
