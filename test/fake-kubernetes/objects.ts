/** Builders of Kubernetes objects and Helm releases: a test states only what matters to it. */
import { gzipSync } from 'node:zlib'
import type { RegistryName } from '../../src/core/image/names.ts'
import type { ManagedNames } from '../../src/core/evidence/managed-names.ts'
import type { StoredObject } from './store.ts'

/** One registry, known as registry.example.com. */
export const managed: ManagedNames = {
  registries: [{ name: 'prod' as RegistryName, prefixes: ['registry.example.com'] }],
  tagsOf: () => new Set(),
}

export function image(name: string): string {
  return `registry.example.com/team/${name}`
}

export function pod(name: string, ...images: readonly string[]): StoredObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: podSpec(images) }
}

export function deployment(name: string, ...images: readonly string[]): StoredObject {
  const labels = { app: name }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: podSpec(images) },
    },
  }
}

function podSpec(images: readonly string[]): object {
  return { containers: images.map((each, i) => ({ name: `c${i}`, image: each })) }
}

export interface ReleaseFacts {
  readonly name: string
  readonly revision: number
  readonly status?: string
  readonly manifest: string
  readonly hooks?: readonly string[]
}

/** The JSON that Helm stores. */
export function release({ name, revision, status = 'deployed', manifest, hooks = [] }: ReleaseFacts): object {
  return {
    name,
    namespace: 'shop',
    version: revision,
    info: { status },
    chart: { metadata: { name }, values: { image: image('only-in-values:1') } },
    config: {},
    manifest,
    hooks: hooks.map((each, i) => ({ name: `hook-${i}`, kind: 'Job', manifest: each, events: ['test'] })),
  }
}

/** What Helm puts into `data.release` of a ConfigMap; of a Secret once more base64 in the API's JSON. */
export function encoded(stored: object, options: { readonly gzip?: boolean } = {}): string {
  const json = Buffer.from(JSON.stringify(stored))
  return (options.gzip === false ? json : gzipSync(json)).toString('base64')
}

export function helmSecret(facts: ReleaseFacts, payload: string = encoded(release(facts))): StoredObject {
  const { name, revision, status = 'deployed' } = facts
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'helm.sh/release.v1',
    metadata: {
      name: `sh.helm.release.v1.${name}.v${revision}`,
      labels: { name, owner: 'helm', status, version: String(revision) },
    },
    data: { release: Buffer.from(payload).toString('base64') },
  }
}

export function helmConfigMap(facts: ReleaseFacts): StoredObject {
  const { type: _type, ...secret } = helmSecret(facts)
  return { ...secret, kind: 'ConfigMap', data: { release: encoded(release(facts)) } }
}

/** A rendered document with a comment line as Helm writes it. */
export function renderedPod(name: string, reference: string): string {
  return `---\n# Source: app/templates/${name}.yaml\napiVersion: v1\nkind: Pod\nmetadata:\n  name: ${name}\nspec:\n  containers:\n    - name: app\n      image: ${reference}\n`
}
