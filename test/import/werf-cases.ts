/** The cases of werf's retention as things that can be planned on: a clone with werf.yaml in it, an inventory, evidence. */
import { createHash } from 'node:crypto'
import { stringify } from 'yaml'
import type { RepositorySpec } from '../git/make-repository.ts'
import { readSharedCases } from './shared-cases.ts'

interface KubernetesObject {
  readonly images?: readonly string[]
  readonly containers?: readonly string[]
  readonly initContainers?: readonly string[]
  readonly ephemeralContainers?: readonly string[]
}

export interface WerfCase {
  readonly name: string
  readonly git: {
    readonly commits: readonly {
      readonly id: string
      readonly parents: readonly string[]
      readonly committed_at: string
    }[]
    readonly refs: readonly {
      readonly kind: 'branch' | 'tag'
      readonly name: string
      readonly commit: string
      readonly created_at: string | null
      readonly annotated?: boolean
      readonly remote?: string | null
    }[]
  }
  readonly policies: readonly object[]
  readonly options: Readonly<Record<string, unknown>>
  readonly images: readonly {
    readonly id: string
    readonly image_name?: string
    readonly commits: readonly string[]
    readonly created_at: string
  }[]
  readonly now: string
  readonly keep: readonly string[]
  readonly delete: readonly string[]
  readonly kubernetes_images?: readonly string[]
  readonly kubernetes_objects?: readonly KubernetesObject[]
  readonly parents?: Readonly<Record<string, string>>
  readonly imports?: Readonly<Record<string, readonly string[]>>
  readonly dependencies?: Readonly<Record<string, readonly string[]>>
}

/** Empty where the shared cases are missing. */
export const werfCases: readonly WerfCase[] =
  (readSharedCases('werf-cases.json') as { readonly cases: readonly WerfCase[] } | undefined)?.cases ?? []

export function repositorySpecOf({ git }: WerfCase): RepositorySpec {
  return {
    commits: git.commits.map(({ id, parents, committed_at: committedAt }) => ({ id, parents, committedAt })),
    references: git.refs.map(({ kind, name, commit, created_at: at, annotated, remote }) => ({
      kind,
      name,
      commit,
      ...(annotated === true && { annotatedAt: at }),
      ...(remote !== undefined && { remote }),
    })),
  }
}

export function werfYamlOf({ policies, options }: WerfCase): string {
  const cleanup = { ...options, ...(policies.length > 0 && { keepPolicies: policies }) }
  const image = '---\nimage: app\nfrom: alpine:3.22\n'
  return stringify({ project: 'demo', configVersion: 1, cleanup }) + image
}

const hex = (text: string): string => createHash('sha256').update(text).digest('hex')

export const digestOf = (id: string): string => `sha256:${hex(id)}`

/** The tag of a stage, as werf forms it. */
const stageOf = (id: string): string => `${hex(id).slice(0, 56)}-1718000000000`

export function werfInventoryOf(each: WerfCase, commitOf: (label: string) => string): object {
  const manifests = each.images.map(({ id, image_name: name, commits, created_at: createdAt }) => ({
    digest: digestOf(id),
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    tags: [{ name: stageOf(id) }],
    createdAt,
    labels: {
      werf: 'demo',
      'werf-stage-content-digest': hex(id).slice(0, 56),
      ...(name !== undefined && { 'werf-image': name }),
      ...(each.parents?.[id] !== undefined && { 'werf.io/parent-stage-id': stageOf(each.parents[id]) }),
      ...labelsTo('werf-import-source-stage-id', each.imports?.[id]),
      ...labelsTo('werf-dependency-stage-id', each.dependencies?.[id]),
    },
    commits: commits.map(commitOf),
  }))
  return {
    schemaVersion: 'inventory/v1',
    takenAt: each.now,
    repositories: [{ name: 'app', complete: true, manifests }],
  }
}

function labelsTo(label: string, ids: readonly string[] | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries((ids ?? []).map((id) => [`${label}-${id}`, stageOf(id)]))
}

/** What Winnow finds in a cluster: werf leaves some of it out. */
export function werfEvidenceOf(each: WerfCase): object {
  const found = [
    ...(each.kubernetes_images ?? []),
    ...(each.kubernetes_objects ?? []).flatMap(
      ({ images, containers, initContainers, ephemeralContainers }) =>
        [images, containers, initContainers, ephemeralContainers].flatMap((list) => list ?? []),
    ),
  ]
  const isAsked = each.options['disableKubernetesBasedPolicy'] !== true
  const references = found.map((reference) => ({
    reference: reference.replace(/:(\w+)(?=$|@)/, (_, id: string) => `:${stageOf(id)}`),
    where: 'Pod shop/app',
  }))
  const source = {
    name: 'kubernetes:prod',
    complete: true,
    identity: 'uid',
    references: isAsked ? references : [],
    digests: [],
  }
  return { schemaVersion: 'evidence/v1', takenAt: each.now, sources: [source] }
}
