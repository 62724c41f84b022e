/** What a real Helm stores in a real API server is what the Helm source reads. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKubernetesSources } from '../../src/adapters/clusters/kubernetes/kubernetes-source.ts'
import { helmReleases } from '../../src/adapters/releases/helm/helm-releases.ts'
import type { SourceEvidence } from '../../src/core/evidence/evidence.ts'
import type { RegistryName } from '../../src/core/image/names.ts'
import { missing, titled } from '../servers/find.ts'
import { appChart, helm } from '../servers/helm.ts'
import { startKubeApiserver, type KubeApiserver } from '../servers/kube-apiserver.ts'

const needed = ['kube-apiserver', 'etcd', 'helm'] as const
const names = {
  registries: [{ name: 'prod' as RegistryName, prefixes: ['registry.example.com'] }],
  tagsOf: () => new Set<string>(),
}

/** The values of the chart that are images: a Deployment's two, a CronJob's, and a test hook's. */
const keys = ['image', 'initImage', 'cronImage', 'testImage'] as const

function imageFor(key: string, tag: string): string {
  return `registry.example.com/team/${key.toLowerCase()}:${tag}`
}

describe.skipIf(missing(...needed) !== undefined)(titled('releases of a real Helm', ...needed), () => {
  let server: KubeApiserver
  beforeAll(async () => {
    server = await startKubeApiserver()
  })
  afterAll(async () => {
    await server.stop()
  })

  const read = async (revisions: 'all' | number): Promise<SourceEvidence> => {
    const settings = { name: 'lab', kubeconfig: server.kubeconfig, context: 'admin', helm: { revisions } }
    const source = createKubernetesSources(settings, helmReleases).find(({ name }) => name === 'helm:lab')
    if (source === undefined) throw new Error('there is no Helm source')
    return source.gather(names)
  }
  const images = ({ references }: SourceEvidence): readonly string[] =>
    [...new Set(references.map(({ reference }) => reference))].toSorted()

  it('are all kept, hooks included: replaced ones and those uninstalled with their history', async () => {
    const values = (tag: string): readonly string[] =>
      keys.flatMap((key) => ['--set', `${key}=${imageFor(key, tag)}`])
    const run = (...args: readonly string[]) =>
      helm(args, { kubeconfig: server.kubeconfig, context: 'admin' })
    await run('install', 'web', appChart, ...values('1'))
    await run('upgrade', 'web', appChart, ...values('2'))
    const both = await read('all')
    expect(both).toMatchObject({ complete: true, objects: 2 })
    const expected = (...tags: readonly string[]): readonly string[] =>
      keys.flatMap((key) => tags.map((tag) => imageFor(key, tag))).toSorted()
    expect(images(both)).toEqual(expected('1', '2'))
    expect(images(await read(1))).toEqual(expected('2'))
    await run('uninstall', 'web', '--keep-history')
    expect(images(await read('all'))).toEqual(images(both))
  })
})
