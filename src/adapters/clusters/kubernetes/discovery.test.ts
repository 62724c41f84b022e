import { afterEach, describe, expect, it } from 'vitest'
import type { FakeKubernetesOptions } from '../../../../test/fake-kubernetes/fake-cluster.ts'
import { startFakeKubernetes, type FakeKubernetes } from '../../../../test/fake-kubernetes/fake-kubernetes.ts'
import { createApiClient, type ApiClient } from './api-client.ts'
import { holdsEvidence, IGNORED_GROUPS, readingRank, resourceName, type ApiResource } from './api-resource.ts'
import { discover, type Discovery } from './discovery.ts'
import { exclusionsOf } from './exclusions.ts'
import { loadKubeconfig } from './kubeconfig.ts'

let cluster: FakeKubernetes
let api: ApiClient
afterEach(async () => {
  await api.close()
  await cluster.stop()
})

async function discovered(
  options: FakeKubernetesOptions,
  isIgnored = (group: string) => IGNORED_GROUPS.has(group),
): Promise<Discovery> {
  cluster = await startFakeKubernetes(options)
  api = createApiClient(await loadKubeconfig({ kubeconfig: cluster.kubeconfig, context: 'admin' }), {
    backoffMs: 1,
  })
  return discover(api, isIgnored, {})
}

const rollouts = {
  group: 'argoproj.io',
  version: 'v1alpha1',
  resource: 'rollouts',
  kind: 'Rollout',
  namespaced: true,
  custom: true,
}
const forms = [{ aggregated: 'v2' }, { aggregated: 'v2beta1' }, { aggregated: false }] as const

describe.each(forms)('discovery in the form $aggregated', ({ aggregated }) => {
  it('shows every listable kind, in a version that has it', async () => {
    const { resources, problems } = await discovered({ aggregated, custom: [rollouts] })
    const versions = new Map(
      resources.map((each) => [
        resourceName(each),
        `${each.group}/${each.version} ${each.kind} ${each.namespaced}`,
      ]),
    )
    expect(problems).toEqual([])
    expect(versions.get('pods')).toBe('/v1 Pod true')
    expect(versions.get('namespaces')).toBe('/v1 Namespace false')
    // The preferred version of the group, batch/v1, does not have it.
    expect(versions.get('cronjobs.batch')).toBe('batch/v1beta1 CronJob true')
    expect(versions.get('rollouts.argoproj.io')).toBe('argoproj.io/v1alpha1 Rollout true')
    expect([...versions.keys()].filter((name) => name.includes('/'))).toEqual([])
    expect(versions.has('selfsubjectaccessreviews.authorization.k8s.io')).toBe(false)
  })

  it('takes the version the group prefers when several have a kind', async () => {
    const { resources } = await discovered({ aggregated, custom: [rollouts, { ...rollouts, version: 'v1' }] })
    expect(resources.filter((each) => each.group === 'argoproj.io').map(({ version }) => version)).toEqual([
      'v1alpha1',
    ])
  })

  it('tells of a group that does not answer, and still shows the others', async () => {
    const { resources, problems } = await discovered({ aggregated, dead: ['custom.example.com/v1'] })
    expect(problems.join()).toMatch(/custom\.example\.com/)
    expect(resources.some(({ resource }) => resource === 'pods')).toBe(true)
  })

  it('does not mind a group that only computes values, or one left out with a reason', async () => {
    const isIgnored = exclusionsOf([{ resource: '*.custom.example.com', reason: 'no images' }]).isGroupIgnored
    expect(
      (await discovered({ aggregated, dead: ['metrics.k8s.io/v1beta1', 'custom.example.com/v1'] }, isIgnored))
        .problems,
    ).toEqual([])
  })
})

describe('discovery', () => {
  it.each([
    { name: 'a login page', kind: 'html-200' as const },
    { name: 'a Status', kind: 'status-200' as const },
    { name: 'another object', kind: 'no-items' as const },
    { name: 'a refusal', kind: 'forbidden' as const },
    { name: 'nothing there', kind: 'page-not-found' as const },
  ])('that is answered by $name is an error', async ({ kind }) => {
    await discovered({})
    cluster.fault({ at: /^\/apis$/, kind })
    await expect(discover(api, () => false, {})).rejects.toThrow(/\/apis/)
  })
})

describe('a resource', () => {
  const of = (group: string, resource: string): ApiResource => ({
    group,
    version: 'v1',
    resource,
    kind: 'X',
    namespaced: true,
  })

  it.each([
    ['', 'pods', true],
    ['', 'configmaps', true],
    ['', 'secrets', false],
    ['', 'events', false],
    ['coordination.k8s.io', 'leases', false],
    ['metrics.k8s.io', 'pods', false],
    ['example.com', 'events', true],
    ['example.com', 'secrets', true],
    ['networking.k8s.io', 'ingresses', true],
  ])('of the group %j called %s: read as evidence is %s', (group, resource, expected) => {
    expect(holdsEvidence(of(group, resource), [])).toBe(expected)
  })

  it('shown under two groups is read once', () => {
    const twins = [of('extensions', 'ingresses'), of('networking.k8s.io', 'ingresses')]
    expect(twins.map((each) => holdsEvidence(each, twins))).toEqual([false, true])
    expect(holdsEvidence(of('extensions', 'ingresses'), [])).toBe(true)
  })

  it('is read before those it creates, Pods last', () => {
    const order = [
      of('', 'pods'),
      of('apps', 'replicasets'),
      of('apps', 'deployments'),
      of('', 'configmaps'),
      of('argoproj.io', 'rollouts'),
    ]
    expect(order.map(readingRank)).toEqual([4, 3, 2, 1, 0])
  })
})
