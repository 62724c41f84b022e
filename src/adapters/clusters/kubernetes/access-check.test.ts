import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startFakeKubernetes, type FakeKubernetes } from '../../../../test/fake-kubernetes/fake-kubernetes.ts'
import { image, managed, pod } from '../../../../test/fake-kubernetes/objects.ts'
import { helmReleases } from '../../releases/helm/helm-releases.ts'
import { checkKubernetesAccess } from './access-check.ts'
import { createKubernetesSources, type KubernetesSettings } from './kubernetes-source.ts'

let cluster: FakeKubernetes
beforeEach(async () => {
  cluster = await startFakeKubernetes()
  await cluster.request('POST', '/api/v1/namespaces/default/pods', pod('web', image('web:1')))
})
afterEach(async () => {
  await cluster.stop()
})

function settings(more: Partial<KubernetesSettings> = {}): KubernetesSettings {
  const connection = { backoffMs: 1, idleTimeoutMs: 200 }
  return {
    name: 'lab',
    kubeconfig: cluster.kubeconfig,
    context: 'winnow',
    helm: { revisions: 'all' },
    connection,
    ...more,
  }
}

async function failures(more: Partial<KubernetesSettings> = {}): Promise<readonly string[]> {
  const checks = await checkKubernetesAccess(settings(more))
  return checks.filter(({ ok }) => !ok).map(({ what, cure }) => `${what} -> ${cure ?? ''}`)
}

const everything = { apiGroups: ['*'], resources: ['*'], verbs: ['list'] }

describe('checking the rights in a cluster', () => {
  it('finds nothing amiss where everything may be listed, and tells the version and the cluster', async () => {
    await cluster.grant('winnow', [everything])
    const checks = await checkKubernetesAccess(settings())
    expect(checks.filter(({ ok }) => !ok)).toEqual([])
    expect(checks.map(({ what }) => what)).toEqual(
      expect.arrayContaining([
        'reach the cluster (v1.36.0-fake)',
        'list pods',
        'list cronjobs.batch',
        'list secrets (Helm releases)',
      ]),
    )
  })

  it('names every kind that may not be listed, with the rule to add, and changes nothing', async () => {
    await cluster.grant('winnow', [{ apiGroups: ['', 'apps'], resources: ['*'], verbs: ['list'] }])
    expect(await failures()).toEqual([
      expect.stringMatching(
        /^list jobs\.batch -> .*\n- \{apiGroups: \["batch"\], resources: \[jobs\], verbs: \[list\]\}/,
      ),
      expect.stringMatching(/^list cronjobs\.batch/),
    ])
    const changing = cluster.requests.filter(
      (line) => line.startsWith('POST') && !line.includes('accessreviews') && !line.includes('/pods'),
    )
    expect(changing).toEqual([])
  })

  it('asks neither for Secrets without Helm nor for what is left out', async () => {
    const what = (
      await checkKubernetesAccess(settings({ helm: false, exclude: [{ resource: 'nodes', reason: 'r' }] }))
    ).map((check) => check.what)
    expect(what.filter((line) => line.includes('secrets') || line === 'list nodes')).toEqual([])
  })

  it.each([
    {
      name: 'the context is misspelt',
      more: { context: 'typo' },
      says: /^load the kubeconfig.*no context typo/s,
    },
    { name: 'a dump is not there', more: { dump: '/nowhere' }, says: /^read \/nowhere/ },
    {
      name: 'a namespace is misspelt',
      more: { context: 'admin', scope: { namespaces: ['default', 'typo'] } },
      says: /^find the namespace typo/,
    },
  ])('fails when $name', async ({ more, says }) => {
    expect(await failures(more)).toEqual([expect.stringMatching(says)])
  })

  it('gives one line, and not one for each kind, when the cluster refuses us', async () => {
    cluster.fault({ at: /./, kind: 'unauthorized' })
    expect(await failures()).toEqual([
      expect.stringMatching(/^reach the cluster through the context winnow.*401/),
    ])
  })

  it('tells of a group that does not answer, and of a review that does not', async () => {
    await cluster.grant('winnow', [everything])
    cluster.fault({ at: /accessreviews/, kind: 'storage-error' })
    expect(await failures()).toContainEqual(expect.stringMatching(/^list pods -> .*500/))
  })
})

describe('credentials that the cluster refuses', () => {
  const gather = async (user: object): Promise<boolean> => {
    const kubeconfig = join(cluster.dir, 'own.yaml')
    const context = { name: 'own', context: { cluster: 'c', user: 'u' } }
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        clusters: [{ name: 'c', cluster: { server: cluster.url } }],
        users: [{ name: 'u', user }],
        contexts: [context],
      }),
    )
    const [source] = createKubernetesSources(settings({ kubeconfig, context: 'own' }), helmReleases)
    return (await source?.gather(managed))?.complete === true
  }

  it('are asked for once more: a plugin may have kept a token that was withdrawn', async () => {
    const folder = join(cluster.dir, 'bin')
    mkdirSync(folder)
    const log = join(folder, 'log')
    const command = join(folder, 'plugin')
    // The first answer is a token nobody knows.
    writeFileSync(
      command,
      `#!/bin/sh\necho x >> ${log}\n[ $(wc -l < ${log}) = 1 ] && T=withdrawn || T=admin-token\necho '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"'$T'"}}'\n`,
    )
    chmodSync(command, 0o755)
    expect(await gather({ exec: { apiVersion: 'client.authentication.k8s.io/v1', command } })).toBe(true)
    expect(readFileSync(log, 'utf8')).toBe('x\nx\n')
  })

  it('are not asked for without end', async () => {
    expect(await gather({ token: 'nobody' })).toBe(false)
    expect(cluster.requests.filter((line) => line.startsWith('GET'))).toHaveLength(1)
  })

  it('are never sent as somebody else than the one who was asked for', async () => {
    expect(await gather({ token: 'admin-token', as: 'someone', 'as-groups': ['a', 'b'] })).toBe(false)
  })
})
