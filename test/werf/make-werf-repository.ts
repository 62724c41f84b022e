/**
 * Writes what werf 2 or 3 leaves in a repository: stages, indexes, and every kind of record, as a Distribution storage
 * that a real registry serves. The same calls make the same bytes.
 *
 * Formats after `pkg/storage` and `pkg/image` of werf: a record is an image of one empty layer in Docker's schema 2, whose
 * config holds labels and the time of its push, so that no two records share a digest.
 */
import { createHash } from 'node:crypto'
import { makeLayer } from '../../src/app/demo/layers.ts'
import {
  addBlob,
  addManifest,
  setTag,
  startTree,
  type Descriptor,
  type RegistryTree,
} from '../../src/app/demo/registry-tree.ts'
import type { Digest } from '../../src/core/image/digest.ts'
import { parseDigest } from '../../src/core/image/digest.ts'
import { parseConfig, parseManifest } from '../../src/core/image/parse-manifest.ts'
import type { TagName } from '../../src/core/image/names.ts'
import type { ManifestRecord } from '../../src/core/inventory/inventory.ts'
import { recordManifest } from '../../src/core/inventory/manifest-record.ts'
import { werfNameId } from '../../src/core/werf/name-id.ts'

export interface WerfOptions {
  /** @default 3 */
  readonly version?: 2 | 3
  /** @default 'team/app' */
  readonly repository?: string
  /** @default 'app' */
  readonly project?: string
}

export interface StageSpec {
  /** What is in it: stages of different content have different digests. */
  readonly content: string
  /** When it was pushed, in milliseconds since 1970. */
  readonly at: number
  /** The commit of the build. */
  readonly commit?: string
  readonly parent?: WerfStage
  /** Stages that files were imported from. */
  readonly imports?: readonly WerfStage[]
  /** Stages whose digests were told to the build. */
  readonly dependencies?: readonly WerfStage[]
  readonly labels?: Readonly<Record<string, string>>
  /** @default 'amd64' */
  readonly architecture?: string
}

export interface WerfStage {
  /** Its tag. */
  readonly id: string
  readonly digest: Digest
  /** Of its config; undefined for an index. */
  readonly configDigest: Digest | undefined
  readonly descriptor: Descriptor
}

const dockerManifest = 'application/vnd.docker.distribution.manifest.v2+json'
const dockerList = 'application/vnd.docker.distribution.manifest.list.v2+json'
const dockerConfig = 'application/vnd.docker.container.image.v1+json'
const dockerLayer = 'application/vnd.docker.image.rootfs.diff.tar.gzip'

/** One repository, filled by calls in the order in which werf would make them. */
export class WerfBuilder {
  readonly tree: RegistryTree = startTree()
  readonly repository: string
  readonly #version: 2 | 3
  readonly #project: string
  #pushes = 0

  constructor({ version = 3, repository = 'team/app', project = 'app' }: WerfOptions = {}) {
    this.#version = version
    this.repository = repository
    this.#project = project
  }

  stage(spec: StageSpec): WerfStage {
    const { content, at, parent, commit, imports = [], dependencies = [], architecture = 'amd64' } = spec
    const contentDigest = sha3(content)
    const id = `${contentDigest}-${at}`
    const sourceLabels = imports.flatMap((source, i): [string, string][] => [
      [`werf-import-source-stage-id-${i}`, source.id],
      // werf 2 looks its sources up by what was imported.
      ...(this.#version === 2
        ? [[`werf-import-checksum-${i}`, sha256Hex(`files of ${source.id}`)] as [string, string]]
        : []),
    ])
    const labels = {
      werf: this.#project,
      'werf-version': this.#version === 2 ? 'v2.77.1' : 'v3.2.0',
      'werf-stage-content-digest': contentDigest,
      ...(commit !== undefined && { 'werf-project-repo-commit': commit }),
      ...(parent !== undefined && { 'werf.io/parent-stage-id': parent.id }),
      ...(this.#version === 2 &&
        parent?.configDigest !== undefined && { 'werf.io/base-image-id': parent.configDigest }),
      ...Object.fromEntries(sourceLabels),
      ...Object.fromEntries(dependencies.map((source, i) => [`werf-dependency-stage-id-${i}`, source.id])),
      ...spec.labels,
    }
    const { descriptor, configDigest } = this.#image({ content, at, labels, architecture }, [id])
    if (this.#version === 2) for (const source of imports) this.#importRecord(source, at)
    return { id, descriptor, digest: digestOf(descriptor), configDigest }
  }

  /** A multi-platform image over stages that are there. */
  index(platforms: readonly WerfStage[], at: number): WerfStage {
    const id = sha3(platforms.map((stage) => stage.id).join(':::'))
    const manifests = platforms.map(({ descriptor }) => descriptor)
    const descriptor = addManifest(this.tree, this.repository, { mediaType: dockerList, manifests }, at, [id])
    return { id, descriptor, digest: digestOf(descriptor), configDigest: undefined }
  }

  /** The record that the image of this name at this commit is this stage. */
  link(imageName: string, commit: string, stage: WerfStage, at: number): Digest {
    return this.record([`meta-${werfNameId(imageName)}_${commit}_${stage.id}`], at)
  }

  managedImage(name: string, at: number): Digest {
    const written = name.replaceAll(' ', '__space__').replaceAll('/', '__slash__').replaceAll('+', '__plus__')
    return this.record([`managed-image-${written === '' ? '__nameless__' : written}`], at)
  }

  customTag(tag: string, stage: WerfStage, at: number): Digest {
    setTag(this.tree, this.repository, tag, stage.digest, at)
    return this.record([`custom-tag-meta-${tag.slice(0, 48)}`], at, { 'stage-id': stage.id, tag })
  }

  reject(stage: WerfStage, at: number): Digest {
    return this.record([`${stage.id}-rejected`], at)
  }

  lastCleanup(at: number): Digest {
    return this.record(['cleanup'], at, { lastcleanuptimestamp: String(at) })
  }

  /** werf 2's records for locks. */
  synchronisation(at: number): readonly Digest[] {
    return [
      this.record([`client-id-7f3c1c2e-4b0a-4a5e-9f6e-1d2c3b4a5f60-${at}`], at),
      this.record(['sync-server'], at, {
        syncserver: 'https://synchronization.example.com',
        syncservertimestamp: String(at),
      }),
    ]
  }

  /** werf 3's note in the stages' repository that records lie in another one. */
  metaRepoMarker(address: string, at: number): Digest {
    return this.record([`werf-meta-repo-marker-${this.#project}`], at, { metarepoaddress: address })
  }

  record(tags: readonly string[], at: number, labels: Readonly<Record<string, string>> = {}): Digest {
    const { descriptor } = this.#image(
      { content: undefined, at, labels: { werf: this.#project, ...labels }, architecture: 'amd64' },
      tags,
    )
    return digestOf(descriptor)
  }

  /** Somebody else's image in the same repository. */
  foreign(
    content: string,
    tags: readonly string[],
    at: number,
    labels: Readonly<Record<string, string>> = {},
  ): Digest {
    return digestOf(this.#image({ content, at, labels, architecture: 'amd64' }, tags).descriptor)
  }

  /** The manifests as an inventory has them; in the order of their digests. */
  manifests(options: { readonly labels?: boolean } = {}): readonly ManifestRecord[] {
    return manifestsOf(this.tree, this.repository, options.labels ?? true)
  }

  #importRecord(source: WerfStage, at: number): void {
    this.record([`import-metadata-${sha256Hex(`source ${source.id}`)}`], at, {
      'import-source-id': sha256Hex(`source ${source.id}`),
      'source-stage-id': source.id,
      checksum: sha256Hex(`files of ${source.id}`),
    })
  }

  #image(
    spec: {
      readonly content: string | undefined
      readonly at: number
      readonly labels: Readonly<Record<string, string>>
      readonly architecture: string
    },
    tags: readonly string[],
  ): { readonly descriptor: Descriptor; readonly configDigest: Digest } {
    this.#pushes += 1
    const layer = makeLayer(spec.content ?? 'empty', 'app/content', spec.content === undefined ? 0 : 512)
    const created = new Date(spec.at).toISOString().replace('Z', `${String(this.#pushes).padStart(6, '0')}Z`)
    const config = addBlob(
      this.tree,
      this.repository,
      Buffer.from(
        JSON.stringify({
          created,
          architecture: spec.architecture,
          os: 'linux',
          config: { Labels: spec.labels },
          rootfs: { type: 'layers', diff_ids: [layer.diffId] },
        }),
      ),
      dockerConfig,
      spec.at,
    )
    const layers = [addBlob(this.tree, this.repository, layer.bytes, dockerLayer, spec.at)]
    const descriptor = addManifest(
      this.tree,
      this.repository,
      { mediaType: dockerManifest, config, layers },
      spec.at,
      tags,
    )
    return {
      descriptor: { ...descriptor, platform: { os: 'linux', architecture: spec.architecture } },
      configDigest: digestOf(config),
    }
  }
}

/** What is in a repository of a tree, read by the parsers that drivers use. */
function manifestsOf(tree: RegistryTree, repository: string, withLabels: boolean): readonly ManifestRecord[] {
  const root = 'docker/registry/v2'
  const manifests = `${root}/repositories/${repository}/_manifests`
  const tags = new Map<string, TagName[]>()
  const revisions: string[] = []
  for (const { path, bytes } of tree.files.values()) {
    const text = Buffer.from(bytes).toString()
    if (path.startsWith(`${manifests}/revisions/`)) revisions.push(text)
    const [, tag] = path.startsWith(manifests) ? (/\/tags\/([^/]+)\/current\/link$/.exec(path) ?? []) : []
    if (tag !== undefined) tags.set(text, [...(tags.get(text) ?? []), tag as TagName])
  }
  const blob = (digest: string): Uint8Array => {
    const hex = digest.slice('sha256:'.length)
    return tree.files.get(`${root}/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`)?.bytes ?? new Uint8Array()
  }
  return revisions.toSorted().map((text) => {
    const facts = parseManifest(blob(text), undefined, asDigest(text))
    const config = facts.config && parseConfig(blob(facts.config.digest), facts.config.digest)
    const known = (tags.get(text) ?? []).map((name) => ({ name, pushedAt: undefined, pulledAt: undefined }))
    const record = recordManifest(facts, config, { tags: known })
    return withLabels ? record : { ...record, labels: {}, commits: [] }
  })
}

export function sha3(text: string): string {
  return createHash('sha3-224').update(text).digest('hex')
}

function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function digestOf({ digest }: Descriptor): Digest {
  return asDigest(digest)
}

function asDigest(text: string): Digest {
  const digest = parseDigest(text)
  if (digest === undefined) throw new Error(`${text} is no digest.`)
  return digest
}
