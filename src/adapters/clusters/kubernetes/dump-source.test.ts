import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import {
  deployment,
  helmSecret,
  image,
  managed,
  pod,
  renderedPod,
} from '../../../../test/fake-kubernetes/objects.ts'
import type { SourceEvidence } from '../../../core/evidence/evidence.ts'
import { helmReleases } from '../../releases/helm/helm-releases.ts'
import { createKubernetesSources, type KubernetesSettings } from './kubernetes-source.ts'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'winnow-dump-'))
})
afterAll(() => {
  rmSync(dir, { recursive: true, force: true })
})

const system = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-system', uid: 'the-uid' } }
const list = (...items: readonly unknown[]): object => ({
  apiVersion: 'v1',
  kind: 'List',
  metadata: { resourceVersion: '' },
  items,
})
const whole = list(system, pod('web', image('web:1')), deployment('api', image('api:2')))

async function gather(
  text: string,
  more: Partial<KubernetesSettings> = {},
): Promise<readonly [SourceEvidence, SourceEvidence]> {
  const dump = join(dir, 'dump')
  writeFileSync(dump, text)
  const [workloads, helm] = createKubernetesSources(
    { name: 'lab', dump, helm: { revisions: 'all' }, ...more },
    helmReleases,
  )
  if (workloads === undefined || helm === undefined) throw new Error('two sources were expected')
  return [await workloads.gather(managed), await helm.gather(managed)]
}

function images({ references }: SourceEvidence): readonly string[] {
  return [...new Set(references.map(({ reference }) => reference))].toSorted()
}

function texts({ problems }: SourceEvidence): string {
  return problems.map(({ severity, text }) => `${severity}: ${text}`).join('\n')
}

describe('a dump', () => {
  it.each([
    { name: 'one list', text: JSON.stringify(whole) },
    { name: 'one list, indented, with a byte order mark', text: `\uFEFF${JSON.stringify(whole, null, 4)}\n` },
    {
      name: 'several lists',
      text: `${JSON.stringify(list(system, pod('web', image('web:1'))))}\n${JSON.stringify(list(deployment('api', image('api:2'))))}\n`,
    },
    {
      name: 'one object a line',
      text: [system, pod('web', image('web:1')), deployment('api', image('api:2'))]
        .map((each) => JSON.stringify(each))
        .join('\n'),
    },
    { name: 'YAML', text: stringify(whole) },
    {
      name: 'several YAML documents',
      text: `${stringify(list(system, pod('web', image('web:1'))))}---\n${stringify(list(deployment('api', image('api:2'))))}`,
    },
    {
      name: 'lists straight from the API, whose objects do not say their kind',
      text: [
        { kind: 'NamespaceList', apiVersion: 'v1', metadata: {}, items: [{ metadata: system.metadata }] },
        {
          kind: 'PodList',
          apiVersion: 'v1',
          metadata: {},
          items: [{ metadata: { name: 'web' }, spec: { containers: [{ image: image('web:1') }] } }],
        },
        {
          kind: 'DeploymentList',
          apiVersion: 'apps/v1',
          metadata: {},
          items: [{ metadata: { name: 'api' }, spec: { image: image('api:2') } }],
        },
      ]
        .map((each) => JSON.stringify(each))
        .join('\n'),
    },
  ])('of $name is read in full', async ({ text }) => {
    const [evidence] = await gather(text)
    expect(evidence).toMatchObject({ complete: true, identity: 'the-uid', pods: 1 })
    expect(images(evidence)).toEqual([image('api:2'), image('web:1')])
  })

  it.each([
    { name: 'an empty file', text: '', says: /is empty/ },
    { name: 'an empty list', text: JSON.stringify(list()), says: /holds no objects/ },
    { name: 'one object', text: JSON.stringify(pod('web', 'a:1')), says: /but one Pod/ },
    {
      name: 'an error of the cluster',
      text: JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure' }),
      says: /but one Status/,
    },
    { name: 'a table', text: JSON.stringify({ kind: 'Table', rows: [] }), says: /but one Table/ },
    { name: 'an array', text: JSON.stringify([pod('web', 'a:1')]), says: /not a list/ },
    { name: 'words', text: 'error: You must be logged in to the server', says: /not a list|not whole/ },
    {
      name: 'a list without items',
      text: JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata: {} }),
      says: /but one PodList/,
    },
    {
      name: 'one page of a longer list',
      text: JSON.stringify({
        kind: 'PodList',
        apiVersion: 'v1',
        metadata: { continue: 'x' },
        items: [pod('a', 'b')],
      }),
      says: /one page/,
    },
    {
      name: 'objects that do not say what they are',
      text: JSON.stringify(list({ metadata: { name: 'x' } })),
      says: /which kind/,
    },
    { name: 'a file that is cut off', text: JSON.stringify(whole).slice(0, -30), says: /cut off/ },
    {
      name: 'a second list that is cut off',
      text: `${JSON.stringify(whole)}${JSON.stringify(whole).slice(0, 50)}`,
      says: /cut off/,
    },
  ])('that is $name is incomplete', async ({ text, says }) => {
    const [evidence, helm] = await gather(text)
    expect([evidence.complete, helm.complete]).toEqual([false, false])
    expect(texts(evidence)).toMatch(says)
  })

  it('cut off anywhere is incomplete', async () => {
    const text = JSON.stringify(whole)
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: text.length - 1 }), async (length) => {
        expect((await gather(text.slice(0, length)))[0].complete).toBe(false)
      }),
      { numRuns: 60 },
    )
  })

  it('that is not there is incomplete', async () => {
    const [evidence] = await gather('', { dump: join(dir, 'nowhere') })
    expect(evidence.complete).toBe(false)
  })

  it('without Pods stops the plan, and without other kinds it names what it does not cover', async () => {
    const [evidence] = await gather(JSON.stringify(list(system, deployment('api', image('api:2')))))
    expect(evidence.complete).toBe(false)
    expect(texts(evidence)).toMatch(/no Pods at all/)
    expect(texts(evidence)).toMatch(/warning: .*no ReplicaSet, no StatefulSet/)
  })

  it('gives Helm’s Secrets to the Helm source, and no Secret to the other one', async () => {
    const secret = helmSecret({ name: 'app', revision: 1, manifest: renderedPod('app', image('app:1')) })
    const other = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's' },
      stringData: { a: image('secret:1') },
    }
    const [evidence, helm] = await gather(JSON.stringify(list(pod('web', image('web:1')), secret, other)))
    expect(images(evidence)).toEqual([image('web:1')])
    expect(images(helm)).toEqual([image('app:1')])
    expect(helm).toMatchObject({ complete: true, identity: undefined, objects: 1 })
  })

  it('whose Secrets were emptied is incomplete for Helm', async () => {
    const { data: _data, ...emptied } = helmSecret({ name: 'app', revision: 1, manifest: '' })
    const [, helm] = await gather(JSON.stringify(list(pod('web', 'a:1'), emptied)))
    expect(helm.complete).toBe(false)
  })
})
