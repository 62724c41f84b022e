/**
 * What every API server must show the cluster sources, and what they must make of it. Run against the fake and against
 * a real kube-apiserver with the same objects, so that the fake stays as honest as the tests that rest on it.
 */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { checkKubernetesAccess } from '../../src/adapters/clusters/kubernetes/access-check.ts'
import {
  createKubernetesSources,
  type KubernetesSettings,
} from '../../src/adapters/clusters/kubernetes/kubernetes-source.ts'
import { helmReleases } from '../../src/adapters/releases/helm/helm-releases.ts'
import type { SourceEvidence } from '../../src/core/evidence/evidence.ts'
import {
  deployment,
  helmConfigMap,
  helmSecret,
  image,
  managed,
  pod,
  renderedPod,
} from '../fake-kubernetes/objects.ts'

/** The part of a server that the suite uses; both runners have it. */
export interface EvidenceServer {
  readonly kubeconfig: string
  request(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ readonly status: number; readonly body: unknown }>
  grant(
    user: 'winnow' | 'restricted',
    rules: readonly {
      readonly apiGroups: readonly string[]
      readonly resources: readonly string[]
      readonly verbs: readonly string[]
    }[],
    namespace?: string,
  ): Promise<void>
  stop(): Promise<void>
}

/** The kind of an operator that every server of the suite has to serve. */
export const rollouts = {
  group: 'argoproj.io',
  version: 'v1alpha1',
  resource: 'rollouts',
  kind: 'Rollout',
  namespaced: true,
  custom: true,
} as const

/** Declares the suite; `start` makes an empty cluster. */
export function evidenceSourceSuite(
  title: string,
  start: () => Promise<EvidenceServer>,
  isSkipped = false,
): void {
  describe.skipIf(isSkipped)(title, () => {
    let server: EvidenceServer
    beforeAll(async () => {
      server = await start()
      await fill(server)
    })
    afterAll(async () => {
      await server.stop()
    })

    const gather = async (
      more: Partial<KubernetesSettings> = {},
    ): Promise<readonly [SourceEvidence, SourceEvidence]> => {
      const settings = settingsFor(server, more)
      const [workloads, helm] = createKubernetesSources(settings, helmReleases)
      if (workloads === undefined || helm === undefined) throw new Error('two sources were expected')
      return [await workloads.gather(managed), await helm.gather(managed)]
    }

    it('shows everything that is in use, and where', async () => {
      const [workloads, helm] = await gather()
      expect(statements(workloads)).toEqual(expectedWorkloads)
      expect(workloads).toMatchObject({ complete: true, pods: POD_COUNT })
      expect(statements(helm)).toEqual(expectedReleases)
      expect(helm).toMatchObject({ complete: true, objects: 3, identity: workloads.identity })
      expect(workloads.identity).toMatch(/^[0-9a-f-]{36}$/)
    })

    it('is read in pages that belong together', async () => {
      const { body } = await server.request('GET', '/api/v1/pods?limit=2')
      const { metadata, kind, items } = body as ListBody
      expect(kind).toBe('PodList')
      expect(metadata.continue).toMatch(/./)
      expect(Object.keys(items[0] ?? {})).not.toContain('kind')
      const next = await server.request('GET', `/api/v1/pods?limit=2&continue=${metadata.continue ?? ''}`)
      expect((next.body as ListBody).metadata.resourceVersion).toBe(metadata.resourceVersion)
    })

    it('tells the kind of a custom resource in every object, and not that of its own', async () => {
      const kindsAt = async (path: string): Promise<readonly unknown[]> =>
        ((await server.request('GET', path)).body as ListBody).items.map((each) =>
          'kind' in each ? each.kind : undefined,
        )
      expect(await kindsAt('/apis/argoproj.io/v1alpha1/rollouts')).toEqual(['Rollout'])
      expect(await kindsAt('/apis/apps/v1/deployments')).toEqual([undefined])
    })

    it.each([
      {
        name: 'an unknown group',
        path: '/apis/nobody.example.com/v1',
        status: 404,
        says: /404 page not found/,
      },
      {
        name: 'an unknown kind of a known group',
        path: '/apis/apps/v1/things',
        status: 404,
        says: /could not find the requested resource/,
      },
      {
        name: 'a namespace that does not exist',
        path: '/api/v1/namespaces/typo/pods',
        status: 200,
        says: /"items":\[\]/,
      },
      {
        name: 'a token that is none',
        path: '/api/v1/pods?limit=2&continue=x',
        status: 400,
        says: /continue key is not valid/,
      },
    ])('answers $name with $status', async ({ path, status, says }) => {
      const answer = await server.request('GET', path)
      expect(answer.status).toBe(status)
      expect(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)).toMatch(says)
    })

    it('refuses a user without rights, kind by kind, and the source says which and what to do', async () => {
      const [workloads, helm] = await gather({ context: 'restricted' })
      for (const evidence of [workloads, helm]) {
        expect(evidence.complete).toBe(false)
        expect(evidence.problems.map(({ text }) => text).join('\n')).toMatch(
          /User "restricted" cannot (?:list|get) resource/,
        )
      }
    })

    it('lets a user read only the namespaces it was given', async () => {
      const namespaces = { apiGroups: [''], resources: ['namespaces'], verbs: ['list'] }
      await server.grant('restricted', [namespaces])
      await server.grant('restricted', [{ apiGroups: ['*'], resources: ['*'], verbs: ['list'] }], 'shop')
      const [workloads] = await gather({ context: 'restricted', scope: { namespaces: ['shop'] } })
      expect(workloads.problems.filter(({ severity }) => severity === 'incomplete')).toEqual([])
      expect(statements(workloads)).toEqual(expectedWorkloads.filter((line) => line.includes(' shop/')))
      const [misspelt] = await gather({ scope: { namespaces: ['shop', 'typo'] } })
      expect(misspelt.complete).toBe(false)
    })

    it('is read in full with the rights of deploy/rbac.yaml, and with nothing less', async () => {
      const before = await checkKubernetesAccess(settingsFor(server, { context: 'winnow' }))
      expect(before.filter(({ ok }) => !ok).map(({ what }) => what)).toContain('list deployments.apps')
      await server.grant('winnow', [...rulesOf('winnow-evidence'), ...rulesOf('winnow-helm-secrets')])
      // A kind of an operator is not in the role: that is told, with the rule to add, and stops the plan.
      const almost = await checkKubernetesAccess(settingsFor(server, { context: 'winnow' }))
      expect(almost.filter(({ ok }) => !ok).map(({ what }) => what)).toEqual(['list rollouts.argoproj.io'])
      expect((await gather({ context: 'winnow' }))[0].complete).toBe(false)
      await server.grant('winnow', [{ apiGroups: ['argoproj.io'], resources: ['*'], verbs: ['list'] }])
      const after = await checkKubernetesAccess(settingsFor(server, { context: 'winnow' }))
      expect(after.filter(({ ok }) => !ok)).toEqual([])
      expect(after.map(({ what }) => what)).toContain('list secrets (Helm releases)')
      const [workloads, helm] = await gather({ context: 'winnow' })
      expect([workloads.complete, helm.complete]).toEqual([true, true])
      expect(statements(workloads)).toEqual(expectedWorkloads)
    })
  })
}

interface ListBody {
  readonly kind: string
  readonly metadata: { readonly continue?: string; readonly resourceVersion: string }
  readonly items: readonly object[]
}

function settingsFor(server: EvidenceServer, more: Partial<KubernetesSettings>): KubernetesSettings {
  return { name: 'lab', kubeconfig: server.kubeconfig, context: 'admin', helm: { revisions: 'all' }, ...more }
}

function rulesOf(
  role: string,
): readonly { readonly apiGroups: string[]; readonly resources: string[]; readonly verbs: string[] }[] {
  const text = readFileSync(new URL('../../deploy/rbac.yaml', import.meta.url), 'utf8')
  const documents = parseAllDocuments(text).map((each) => each.toJS() as RoleDocument)
  const found = documents.find(({ kind, metadata }) => kind === 'ClusterRole' && metadata.name === role)
  if (found === undefined) throw new Error(`deploy/rbac.yaml has no ClusterRole ${role}`)
  return found.rules
}

interface RoleDocument {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly rules: { readonly apiGroups: string[]; readonly resources: string[]; readonly verbs: string[] }[]
}

function statements({ references, digests }: SourceEvidence): readonly string[] {
  const lines = [
    ...references.map(({ reference, where }) => `${reference} ${where}`),
    ...digests.map(({ digest, where }) => `${digest} ${where}`),
  ]
  return [...new Set(lines)].toSorted()
}

const POD_COUNT = 6
const podsPath = '/api/v1/namespaces/shop/pods'

async function fill(server: EvidenceServer): Promise<void> {
  const post = async (path: string, object: unknown): Promise<void> => {
    const { status, body } = await server.request('POST', path, object)
    if (status !== 201) throw new Error(`POST ${path}: ${status} ${JSON.stringify(body)}`)
  }
  await post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } })
  for (const name of ['a', 'b', 'c', 'd', 'e']) await post(podsPath, pod(name, image(`${name}:1`)))
  await post('/api/v1/namespaces/default/pods', pod('elsewhere', image('elsewhere:1')))
  await post('/apis/apps/v1/namespaces/shop/deployments', deployment('api', image('api:2')))
  await post('/apis/apps/v1/namespaces/shop/controllerrevisions', {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: { name: 'db-1' },
    revision: 1,
    data: {
      spec: { template: { $patch: 'replace', spec: { containers: [{ name: 'db', image: image('db:1') }] } } },
    },
  })
  await post('/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts', {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name: 'canary' },
    spec: {
      template: { spec: { containers: [{ name: 'c', image: image('canary:3') }] } },
      note: `was ${image('old:2')}`,
    },
  })
  await post('/api/v1/namespaces/shop/configmaps', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'runner' },
    data: { 'pod.yaml': `image: "${image('runner:4')}"` },
  })
  const release = {
    name: 'web',
    revision: 1,
    status: 'superseded',
    manifest: renderedPod('web', image('web:1')),
  }
  await post('/api/v1/namespaces/shop/secrets', helmSecret(release))
  await post(
    '/api/v1/namespaces/shop/secrets',
    helmSecret({ ...release, revision: 2, status: 'deployed', manifest: renderedPod('web', image('web:2')) }),
  )
  await post(
    '/api/v1/namespaces/shop/configmaps',
    helmConfigMap({ ...release, name: 'map', manifest: renderedPod('map', image('map:1')) }),
  )
  await post('/api/v1/namespaces/shop/secrets', {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata: { name: 'other' },
    data: { a: 'YQ==' },
  })
}

const expectedWorkloads: readonly string[] = [
  ...['a', 'b', 'c', 'd', 'e'].map((name) => `${image(`${name}:1`)} Pod shop/${name}`),
  `${image('elsewhere:1')} Pod default/elsewhere`,
  `${image('api:2')} Deployment shop/api`,
  `${image('db:1')} ControllerRevision shop/db-1`,
  `${image('runner:4')} ConfigMap shop/runner`,
  `${image('canary:3')} Rollout shop/canary`,
  `${image('old:2')} Rollout shop/canary`,
].toSorted()

const expectedReleases: readonly string[] = [1, 2]
  .flatMap((revision) => [
    `${image(`web:${revision}`)} Helm release shop/web revision ${revision}`,
    `${image(`web:${revision}`)} Helm release shop/web revision ${revision}: Pod web`,
  ])
  .concat([
    `${image('map:1')} Helm release shop/map revision 1`,
    `${image('map:1')} Helm release shop/map revision 1: Pod map`,
  ])
  .toSorted()
