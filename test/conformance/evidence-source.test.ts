import { startFakeKubernetes } from '../fake-kubernetes/fake-kubernetes.ts'
import { missing, titled } from '../servers/find.ts'
import { startKubeApiserver, type KubeApiserver } from '../servers/kube-apiserver.ts'
import { evidenceSourceSuite, rollouts, type EvidenceServer } from './evidence-source.ts'

function fake(aggregated: 'v2' | false): Promise<EvidenceServer> {
  return startFakeKubernetes({ aggregated, custom: [rollouts] })
}

async function real(): Promise<EvidenceServer> {
  const server = await startKubeApiserver()
  await serveRollouts(server)
  return server
}

async function serveRollouts(server: KubeApiserver): Promise<void> {
  const { group, version, resource, kind } = rollouts
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${resource}.${group}` },
    spec: {
      group,
      names: { plural: resource, singular: 'rollout', kind, listKind: 'RolloutList' },
      scope: 'Namespaced',
      versions: [{ name: version, served: true, storage: true, schema }],
    },
  }
  await server.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition)
  for (let tries = 0; tries < 100; tries++) {
    const served = await server.request('GET', `/apis/${group}/${version}/${resource}`)
    const discovered = await server.request('GET', `/apis/${group}/${version}`)
    if (served.status === 200 && JSON.stringify(discovered.body).includes(resource)) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error('the API server does not serve the custom resource')
}

evidenceSourceSuite('a cluster in this process, with aggregated discovery', () => fake('v2'))
evidenceSourceSuite('a cluster in this process, with the older discovery', () => fake(false))

const needed = ['kube-apiserver', 'etcd'] as const
evidenceSourceSuite(titled('a real kube-apiserver', ...needed), real, missing(...needed) !== undefined)
