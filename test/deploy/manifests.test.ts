/**
 * The manifests in deploy/: that they are Kubernetes objects which hang together, that the configuration in them loads and
 * names folders that are mounted, and that the command line in them is one that Winnow takes.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { commands } from '../../src/cli/commands.ts'
import { buildProgram } from '../../src/cli/program.ts'
import { loadConfiguration } from '../../src/config/load.ts'

const folder = join(import.meta.dirname, '..', '..', 'deploy')

const objectSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
})
const mount = z.looseObject({ name: z.string(), mountPath: z.string().startsWith('/') })
const containerSchema = z.looseObject({
  name: z.string(),
  image: z.string(),
  args: z.array(z.string()),
  resources: z.looseObject({ requests: z.looseObject({}), limits: z.looseObject({}) }),
  volumeMounts: z.array(mount),
})
const statefulSetSchema = z.looseObject({
  metadata: z.looseObject({ namespace: z.string() }),
  spec: z.looseObject({
    serviceName: z.string(),
    selector: z.looseObject({ matchLabels: z.record(z.string(), z.string()) }),
    template: z.looseObject({
      metadata: z.looseObject({ labels: z.record(z.string(), z.string()) }),
      spec: z.looseObject({
        securityContext: z.looseObject({ runAsUser: z.int(), fsGroup: z.int() }),
        containers: z.array(containerSchema),
        volumes: z.array(
          z.looseObject({
            name: z.string(),
            configMap: z.looseObject({ name: z.string() }).optional(),
          }),
        ),
      }),
    }),
    volumeClaimTemplates: z.array(z.looseObject({ metadata: z.looseObject({ name: z.string() }) })),
  }),
})
const configMapSchema = z.looseObject({ data: z.record(z.string(), z.string()) })

type ParsedObject = z.infer<typeof objectSchema>

function objectsIn(file: string): readonly ParsedObject[] {
  const documents = parseAllDocuments(readFileSync(join(folder, file), 'utf8'))
  return documents.map((document) => {
    expect(document.errors, file).toEqual([])
    return objectSchema.parse(document.toJS())
  })
}

const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'))

it.each(files)('%s has objects, none twice, and those of a namespace in the one it makes', (file) => {
  const objects = objectsIn(file)
  const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)
  expect(new Set(names).size).toBe(names.length)
  const namespaces = objects.flatMap(({ kind, metadata }) => (kind === 'Namespace' ? [metadata.name] : []))
  const used = objects.flatMap(({ metadata: { namespace } }) => namespace ?? [])
  expect(new Set(used)).toEqual(new Set(namespaces))
})

describe.each(files.filter((name) => name.startsWith('sweep-')))('%s', (file) => {
  const objects = objectsIn(file)
  const { spec } = statefulSetSchema.parse(objects.find(({ kind }) => kind === 'StatefulSet'))
  const { containers, volumes } = spec.template.spec
  const claims = spec.volumeClaimTemplates.map(({ metadata }) => metadata.name)
  const winnow = containerSchema.parse(containers.find(({ name }) => name === 'winnow'))
  const text = configurationText(objects, volumes)

  it('mounts volumes that are there, and has no others', () => {
    const mounted = containers.flatMap(({ volumeMounts }) => volumeMounts.map(({ name }) => name))
    expect(new Set(mounted)).toEqual(new Set([...volumes.map(({ name }) => name), ...claims]))
  })

  it('selects the pods that it makes', () => {
    expect(spec.template.metadata.labels).toMatchObject(spec.selector.matchLabels)
    const services = objects.filter(({ kind }) => kind === 'Service')
    expect(services.map(({ metadata }) => metadata.name)).toContain(spec.serviceName)
  })

  it('takes its ConfigMaps from itself', () => {
    const maps = objects.filter(({ kind }) => kind === 'ConfigMap').map(({ metadata }) => metadata.name)
    const wanted = volumes.flatMap(({ configMap }) => configMap?.name ?? [])
    expect(wanted.toSorted()).toEqual(maps.toSorted())
  })

  it('sweeps the very files that the registry has, under the same path', () => {
    const { registries } = loadConfiguration({ path: '/etc/winnow/winnow.yaml', text })
    const settings = registries.values().next().value
    const store = settings?.storage?.store
    expect(store?.kind).toBe('filesystem')
    const path = store?.kind === 'filesystem' ? store.path : ''
    for (const { volumeMounts } of containers)
      expect(volumeMounts.find(({ mountPath }) => mountPath === path)?.name).toBe(claims[0])
    expect(winnow.args).toContain(settings?.name)
  })

  it('has a configuration without warnings', () => {
    expect(loadConfiguration({ path: 'winnow.yaml', text }).warnings).toEqual([])
  })

  it('starts Winnow with words that it takes', async () => {
    let ran: string | undefined
    const program = buildProgram((spec) => () => {
      ran = spec.name
      return Promise.resolve()
    })
    await program.parseAsync([...winnow.args], { from: 'user' })
    expect(ran).toBe('sweep')
    const known = commands.find(({ name }) => name === 'sweep')?.options ?? []
    expect(known.map(({ flags }) => flags.split(' ')[0])).toEqual(
      expect.arrayContaining(winnow.args.filter((word) => /^--(?:apply|every)$/.test(word))),
    )
  })

  it('reads its configuration and keeps its state where volumes are', () => {
    const pathAfter = (flag: string): string => winnow.args[winnow.args.indexOf(flag) + 1] ?? ''
    const mounts = winnow.volumeMounts.map(({ mountPath }) => mountPath)
    expect(mounts).toEqual(expect.arrayContaining([pathAfter('--state'), '/tmp']))
    expect(mounts).toContain(pathAfter('--config').replace(/\/winnow\.yaml$/, ''))
  })

  it('leaves the name of the image to be written in', () => {
    expect(winnow.image).toBe('WINNOW_IMAGE')
  })
})

/** winnow.yaml, from the ConfigMap that is mounted. */
function configurationText(
  objects: readonly ParsedObject[],
  volumes: readonly { readonly configMap?: { readonly name: string } | undefined }[],
): string {
  const maps = objects.filter(({ kind }) => kind === 'ConfigMap')
  const mounted = maps.filter(({ metadata }) =>
    volumes.some(({ configMap }) => configMap?.name === metadata.name),
  )
  const texts = mounted.flatMap((map) => configMapSchema.parse(map).data['winnow.yaml'] ?? [])
  expect(texts).toHaveLength(1)
  return texts[0] ?? ''
}
