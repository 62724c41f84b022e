import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RegistryName } from '../image/names.ts'
import { createExtractor, type Extraction } from './extract.ts'
import type { ResourceKind } from './field-roles.ts'
import type { ManagedNames } from './managed-names.ts'

const tags: Record<string, readonly string[]> = {
  'team/app': ['1.0', '1.10', '2.0', 'latest'],
  'team/web': ['main'],
}
const managed: ManagedNames = {
  registries: [{ name: 'prod' as RegistryName, prefixes: ['registry.example.com'] }],
  tagsOf: (_registry, repository) => new Set(tags[repository] ?? []),
}
const withHub: ManagedNames = {
  ...managed,
  registries: [...managed.registries, { name: 'hub' as RegistryName, prefixes: ['docker.io'] }],
}
const hex = 'e6693c20186f837fc393390135d8a598a96a833917917789d63766cab6c59582'
const other = hex.replaceAll('e', 'f')
const app = 'registry.example.com/team/app'

const kinds: Record<string, ResourceKind> = Object.fromEntries(
  [
    ['', 'pods', 'Pod'],
    ['', 'configmaps', 'ConfigMap'],
    ['', 'nodes', 'Node'],
    ['', 'events', 'Event'],
    ['', 'podtemplates', 'PodTemplate'],
    ['apps', 'deployments', 'Deployment'],
    ['apps', 'controllerrevisions', 'ControllerRevision'],
    ['batch', 'cronjobs', 'CronJob'],
    ['example.com', 'crontabs', 'CronTab'],
  ].map(([group = '', resource = '', kind = '']) => [kind, { group, version: 'v1', resource, kind }]),
)

function extract(kind: string, object: object, names = managed, strict = false): Extraction {
  const extractor = createExtractor(names, { strict })
  const resource = kinds[kind]
  if (resource === undefined) throw new Error(kind)
  extractor.addObject(resource, { metadata: { namespace: 'shop', name: 'x' }, ...object })
  return extractor.result()
}

function found(extraction: Extraction): string[] {
  return [
    ...extraction.references.map(({ reference, isGuess = false }) => `${isGuess ? '?' : ''}${reference}`),
    ...extraction.digests.map(({ digest, isManifest = false }) => `${isManifest ? '@' : ''}${digest}`),
  ]
}

const container = { name: 'c', image: `${app}:1.0` }

describe('image fields by type', () => {
  it.each([
    {
      name: 'containers of a pod',
      kind: 'Pod',
      object: { spec: { containers: [container] } },
      is: [`${app}:1.0`],
    },
    {
      name: 'init and ephemeral containers',
      kind: 'Pod',
      object: { spec: { initContainers: [container], ephemeralContainers: [{ image: `${app}:2.0` }] } },
      is: [`${app}:1.0`, `${app}:2.0`],
    },
    {
      name: 'an image volume',
      kind: 'Pod',
      object: { spec: { volumes: [{ name: 'v', image: { reference: 'registry.example.com/models/m:3' } }] } },
      is: ['registry.example.com/models/m:3'],
    },
    {
      name: 'a name alone in a container is latest',
      kind: 'Pod',
      object: { spec: { containers: [{ image: app }] } },
      is: [`${app}:latest`],
    },
    {
      name: 'tag and digest',
      kind: 'Pod',
      object: { spec: { containers: [{ image: `${app}:1.0@sha256:${hex}` }] } },
      is: [`${app}:1.0@sha256:${hex}`],
    },
    {
      name: "somebody else's image",
      kind: 'Pod',
      object: { spec: { containers: [{ image: 'nginx:1' }] } },
      is: ['docker.io/library/nginx:1'],
    },
    {
      name: 'a deployment scaled to zero',
      kind: 'Deployment',
      object: { spec: { replicas: 0, template: { spec: { containers: [container] } } } },
      is: [`${app}:1.0`],
    },
    {
      name: 'a cron job',
      kind: 'CronJob',
      object: { spec: { jobTemplate: { spec: { template: { spec: { containers: [container] } } } } } },
      is: [`${app}:1.0`],
    },
    {
      name: 'a pod template',
      kind: 'PodTemplate',
      object: { template: { spec: { containers: [container] } } },
      is: [`${app}:1.0`],
    },
    {
      name: 'a controller revision',
      kind: 'ControllerRevision',
      object: { data: { spec: { template: { $patch: 'replace', spec: { containers: [container] } } } } },
      is: [`${app}:1.0`],
    },
    {
      name: 'a template embedded in another kind',
      kind: 'CronTab',
      object: { spec: { templates: [{ template: { spec: { containers: [{ image: 'alpine:3' }] } } }] } },
      is: ['docker.io/library/alpine:3'],
    },
    {
      name: 'an empty image is a template default',
      kind: 'Deployment',
      object: { spec: { template: { spec: { containers: [{ image: '' }] } } } },
      is: [],
    },
    {
      name: 'an id with repository',
      kind: 'Pod',
      object: { status: { containerStatuses: [{ image: `${app}:1.0`, imageID: `${app}@sha256:${hex}` }] } },
      is: [`${app}:1.0`, `${app}@sha256:${hex}`, `@sha256:${hex}`],
    },
    {
      name: 'an id of docker',
      kind: 'Pod',
      object: { status: { initContainerStatuses: [{ imageID: `docker-pullable://nginx@sha256:${hex}` }] } },
      is: [`docker.io/library/nginx@sha256:${hex}`, `@sha256:${hex}`],
    },
    {
      name: 'an id that is a config',
      kind: 'Pod',
      object: { status: { ephemeralContainerStatuses: [{ image: `sha256:${other}`, imageID: hex }] } },
      is: [`sha256:${hex}`, `sha256:${other}`],
    },
    {
      name: 'the image of a mounted volume',
      kind: 'Pod',
      object: {
        status: {
          containerStatuses: [
            {
              imageID: '',
              volumeMounts: [{ volumeStatus: { image: { imageRef: `${app}@sha256:${hex}` } } }],
            },
          ],
        },
      },
      is: [`${app}@sha256:${hex}`, `@sha256:${hex}`],
    },
    {
      name: 'a field called image elsewhere',
      kind: 'CronTab',
      object: { spec: { image: `${app}:2.0`, size: 'alpine' } },
      is: [`${app}:2.0`],
    },
  ])('$name', ({ kind, object, is }) => {
    const extraction = extract(kind, object)
    expect(found(extraction)).toEqual(is)
    expect(extraction.problems).toEqual([])
  })

  it.each([
    {
      name: 'a short name in an image field is Docker Hub',
      object: { spec: { image: 'team/tool:1' } },
      is: ['docker.io/team/tool:1'],
    },
    {
      name: 'a list of images',
      object: { spec: { images: ['redis:7'] } },
      is: ['docker.io/library/redis:7'],
    },
    { name: 'a short name in any other field is a word', object: { spec: { command: 'redis:7' } }, is: [] },
    {
      name: 'a disk of Ceph is no image',
      object: { spec: { volumes: [{ rbd: { image: 'disk' } }] } },
      is: [],
    },
  ])('where Docker Hub is managed: $name', ({ object, is }) => {
    expect(found(extract('CronTab', object, withHub))).toEqual(is)
  })
})

describe('every other string', () => {
  it.each([
    {
      name: 'arguments',
      kind: 'Deployment',
      object: { spec: { args: [`-image=${app}:1.0`] } },
      is: [`${app}:1.0`],
    },
    {
      name: 'an applied configuration within an annotation',
      kind: 'Deployment',
      object: { metadata: { name: 'x', annotations: { a: JSON.stringify({ image: `${app}:1.0` }) } } },
      is: [`${app}:1.0`],
    },
    {
      name: 'a key of a map',
      kind: 'CronTab',
      object: { spec: { [`${app}:1.0`]: true } },
      is: [`${app}:1.0`],
    },
    {
      name: 'YAML in a config map',
      kind: 'ConfigMap',
      object: { data: { 'pod.yaml': `containers:\n- image: ${app}:1.0\n` } },
      is: [`${app}:1.0`],
    },
    {
      name: 'a lone digest',
      kind: 'CronTab',
      object: { status: { digest: `sha256:${hex}` } },
      is: [`sha256:${hex}`],
    },
    {
      name: 'managed fields say nothing',
      kind: 'Pod',
      object: { metadata: { name: 'x', managedFields: [{ image: `${app}:1.0` }] } },
      is: [],
    },
    {
      name: 'what a node has cached is not in use',
      kind: 'Node',
      object: { status: { images: [{ names: [`${app}:1.0`] }] } },
      is: [],
    },
    { name: 'events say nothing', kind: 'Event', object: { message: `Pulling image "${app}:1.0"` }, is: [] },
  ])('$name', ({ kind, object, is }) => {
    expect(found(extract(kind, object))).toEqual(is)
  })
})

describe('repository and tag in two fields', () => {
  it.each([
    {
      name: 'a tag the repository has',
      object: { spec: { values: { repository: app, tag: '2.0' } } },
      is: [`?${app}:2.0`, `?${app}:latest`],
      warned: false,
    },
    {
      name: 'a tag with capitals that the repository has in lower case',
      object: { spec: { values: { repository: 'registry.example.com/team/web', tag: 'MAIN' } } },
      is: ['?registry.example.com/team/web:latest', '?registry.example.com/team/web:main'],
      warned: false,
    },
    {
      name: 'a tag that YAML took for a number',
      object: { spec: { image: { repository: app, tag: 1.1 } } },
      is: [`?${app}:1.10`, `?${app}:latest`],
      warned: false,
    },
    {
      name: 'a tag in a document within a string',
      object: { spec: { values: `image:\n  repository: ${app}\n  tag: "2.0"\n` } },
      is: [`?${app}:2.0`, `?${app}:latest`],
      warned: false,
    },
    {
      name: 'three fields',
      object: { spec: { registry: 'registry.example.com', repository: 'team/app', tag: '1.0' } },
      is: [`?${app}:1.0`, `?${app}:latest`],
      warned: false,
    },
    {
      name: 'a tag that is a template',
      object: { spec: { image: `${app}:{{inputs.tag}}`, value: '1.0' } },
      is: [`?${app}:1.0`, `?${app}:latest`],
      warned: true,
    },
    {
      name: 'no tag the repository has',
      object: { spec: { url: `oci://${app}`, tag: '9.9' } },
      is: [`?${app}:latest`],
      warned: true,
    },
    {
      name: 'a repository nobody has listed',
      object: { spec: { repository: 'registry.example.com/new', tag: '7' } },
      is: ['?registry.example.com/new:7', '?registry.example.com/new:latest'],
      warned: false,
    },
    {
      name: 'an image field without a tag',
      object: { spec: { image: app, version: '2.0' } },
      is: [`?${app}:2.0`, `${app}:latest`],
      warned: false,
    },
    {
      name: 'an argument without a tag, in a pod',
      kind: 'Pod',
      object: { spec: { containers: [{ args: [`--image=${app}`, '1.0'] }] } },
      is: [`?${app}:1.0`, `?${app}:latest`],
      warned: false,
    },
  ])('$name', ({ kind = 'CronTab', object, is, warned }) => {
    const extraction = extract(kind, object)
    expect(found(extraction)).toEqual(is)
    expect(extraction.problems.map(({ severity }) => severity)).toEqual(warned ? ['warning'] : [])
  })
})

describe('what cannot be read', () => {
  it.each([
    {
      name: 'an image of ours that is no reference stops the plan',
      kind: 'Deployment',
      object: { spec: { containers: [{ image: 'registry.example.com/App:1' }] } },
      is: ['incomplete'],
    },
    {
      name: "somebody else's is told",
      kind: 'Deployment',
      object: { spec: { containers: [{ image: 'Nginx' }] } },
      is: ['warning'],
    },
    {
      name: 'a template is told',
      kind: 'Deployment',
      object: { spec: { containers: [{ image: '$(params.image)' }] } },
      is: ['warning'],
    },
    {
      name: 'a template under our host is told once',
      kind: 'Deployment',
      object: { spec: { containers: [{ image: 'registry.example.com/{{x}}:1' }] } },
      is: ['warning'],
    },
    {
      name: 'a pattern of an admission policy is told',
      kind: 'CronTab',
      object: { spec: { containers: [{ image: 'registry.example.com/*' }] } },
      is: ['warning'],
    },
    {
      name: 'an image of ours in another kind stops the plan',
      kind: 'CronTab',
      object: { spec: { image: 'registry.example.com/App:1' } },
      is: ['incomplete'],
    },
    {
      name: 'a word in a field called image is nobody’s concern',
      kind: 'CronTab',
      object: { spec: { osImage: 'Debian GNU/Linux 12' } },
      is: [],
    },
    {
      name: 'prose that begins like a reference is told',
      kind: 'ConfigMap',
      object: { data: { a: 'see registry.example.com/App:1' } },
      is: ['warning'],
    },
    {
      name: 'an unreadable id of a running image stops the plan',
      kind: 'Pod',
      object: { status: { containerStatuses: [{ imageID: 'rkt://image' }] } },
      is: ['incomplete'],
    },
    {
      name: 'a truncated id stops the plan',
      kind: 'Pod',
      object: { status: { containerStatuses: [{ imageID: 'sha256:abc' }] } },
      is: ['incomplete'],
    },
  ])('$name', ({ kind, object, is }) => {
    const { problems } = extract(kind, object)
    expect(problems.map(({ severity }) => severity)).toEqual(is)
    expect(
      extract(kind, object, managed, true).problems.every(({ severity }) => severity === 'incomplete'),
    ).toBe(true)
  })

  it('shows no credential', () => {
    const { problems } = extract('Deployment', {
      spec: { containers: [{ image: 'https://me:secret@registry.example.com/App' }] },
    })
    expect(problems).toHaveLength(1)
    expect(JSON.stringify(problems)).not.toContain('secret')
  })

  it('tells one fault once, with its places', () => {
    const extractor = createExtractor(managed)
    for (const name of ['e', 'd', 'c', 'b', 'a']) {
      extractor.addObject(kinds['CronTab'] as ResourceKind, {
        metadata: { name },
        spec: { image: 'registry.example.com/App' },
      })
    }
    const { problems } = extractor.result()
    expect(problems.map(({ text }) => text)).toEqual([
      expect.stringContaining('CronTab a, CronTab b, CronTab c and 2 more'),
    ])
  })

  it.each([1, 1000])('gives up, and says so, on an object that contains itself %i times', (times) => {
    const loop: Record<string, unknown> = {}
    loop['again'] = Array.from({ length: times }, () => loop)
    expect(extract('CronTab', loop).problems.map(({ severity }) => severity)).toEqual(['incomplete'])
  })
})

describe('Helm releases and text', () => {
  it('reads manifest and hooks, each document for itself', () => {
    const extractor = createExtractor(managed)
    extractor.addHelmRelease(
      {
        manifest: `---\nimage: ${app}:1.0\n---\nrepository: registry.example.com/team/web\n---\ntag: main\n`,
        hooks: [{ manifest: `image: "${app}:2.0"` }, {}],
        chart: { values: { image: `${app}:unused` } },
      },
      'Release shop/r v1',
    )
    const extraction = extractor.result()
    expect(found(extraction)).toEqual([`${app}:1.0`, `${app}:2.0`, '?registry.example.com/team/web:latest'])
    expect(extraction.references[0]?.where).toBe('Release shop/r v1')
    expect(extraction.problems).toHaveLength(1)
  })

  it('joins a repository and a tag of one document', () => {
    const extractor = createExtractor(managed)
    extractor.addText(`repository: ${app}\ntag: 2.0\n`, 'here')
    expect(found(extractor.result())).toEqual([`?${app}:2.0`, `?${app}:latest`])
  })
})

it('says each thing once, whatever the order of reading', () => {
  const pods = ['a', 'b', 'c'].map((name) => ({
    metadata: { namespace: 'shop', name },
    spec: { containers: [container, container] },
  }))
  const [forward, backward] = [pods, pods.toReversed()].map((list) => {
    const extractor = createExtractor(managed)
    for (const pod of list) extractor.addObject(kinds['Pod'] as ResourceKind, pod)
    return extractor.result()
  })
  expect(forward).toEqual(backward)
  expect(forward?.references.map(({ where }) => where)).toEqual(['Pod shop/a', 'Pod shop/b', 'Pod shop/c'])
  expect(forward).toMatchObject({ objects: 3, pods: 3 })
})

const piece = fc.constantFrom(
  { spec: { containers: [{ image: `${app}:1.0` }] } },
  { spec: { containers: [{ image: app }] } },
  { spec: { repository: app, tag: '2.0' } },
  { status: { containerStatuses: [{ imageID: hex }] } },
  { data: { text: `--image=${app}:1.0` } },
  { spec: { image: 'registry.example.com/App' } },
)

// Promise 2 begins here: another object never takes away what the others said.
it('finds no less when more objects are read', () => {
  const kind = fc.constantFrom('Pod', 'Deployment', 'CronTab', 'ConfigMap')
  const objects = fc.array(fc.tuple(kind, fc.constantFrom('a', 'b'), piece), { maxLength: 5 })
  const read = (list: readonly (readonly [string, string, object])[]): Extraction => {
    const extractor = createExtractor(managed)
    for (const [each, name, object] of list)
      extractor.addObject(kinds[each] as ResourceKind, { metadata: { name }, ...object })
    return extractor.result()
  }
  fc.assert(
    fc.property(objects, objects, (few, others) => {
      const [less, more] = [read(few), read([...few, ...others])]
      const said = ({ references, digests }: Extraction): string[] => [
        ...references.map(({ reference, where }) => `${reference} ${where}`),
        ...digests.map(({ digest, where }) => `${digest} ${where}`),
      ]
      expect(said(more)).toEqual(expect.arrayContaining(said(less)))
      expect(more.problems.length).toBeGreaterThanOrEqual(less.problems.length)
    }),
  )
})
