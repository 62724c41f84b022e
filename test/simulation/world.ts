/**
 * A small registry with people around it: pushes, new tags, signatures, deployments and rollbacks, all drawn from a
 * seed. Every change is numbered, so that an oracle can tell what a run could have seen from what came too late.
 */
import { createHash } from 'node:crypto'
import {
  createMemoryRegistry,
  type MemoryRegistry,
} from '../../src/adapters/registries/memory/memory-registry.ts'
import type { MemoryCall } from '../../src/adapters/registries/memory/state.ts'
import { attachedTo } from '../../src/core/image/attached-tags.ts'
import type { Digest } from '../../src/core/image/digest.ts'
import type { ReferenceInUse } from '../../src/core/evidence/evidence.ts'
import { ociIndexType, ociManifestType } from '../../src/core/image/media-types.ts'
import type { RepositoryName, TagName } from '../../src/core/image/names.ts'
import type { Random } from '../oracle/random.ts'

export const repositories = ['team/app', 'team/lib'] as RepositoryName[]
export const host = 'registry.test'
const hour = 3_600_000

export interface Stored {
  readonly repository: RepositoryName
  readonly digest: Digest
  readonly bytes: Uint8Array
  readonly mediaType: string
  readonly children: readonly Digest[]
  readonly subject: Digest | undefined
}

/** Something running, and what it pulled. */
export interface Deployment {
  readonly name: string
  readonly repository: RepositoryName
  readonly tag: TagName | undefined
  readonly digest: Digest
  readonly since: number
}

export class World {
  readonly registry: MemoryRegistry
  /** Everything ever pushed, by repository and digest. */
  readonly pushed = new Map<string, Stored>()
  readonly deployments = new Map<string, Deployment>()
  /** When a manifest was last pushed, a tag last changed; by number of event. */
  readonly pushedIn = new Map<string, number>()
  /** When a manifest was last pushed that was not there. */
  readonly appearedIn = new Map<string, number>()
  readonly taggedIn = new Map<string, number>()
  event = 0
  clock = Date.parse('2026-01-01T00:00:00Z')
  onCall: (call: MemoryCall) => void = () => undefined
  readonly #blobs = new Map<string, Uint8Array>()
  #made = 0

  constructor(random: Random) {
    this.registry = createMemoryRegistry({
      name: 'prod',
      deleteByTag: random.chance(0.5),
      listsUntagged: random.chance(0.5),
      pushTime: random.chance(0.7),
      referrersApi: random.chance(0.5),
      protectsChildren: random.chance(0.2),
      now: () => this.clock,
      onCall: (call) => {
        this.onCall(call)
      },
    })
  }

  /** One thing that people do, at random. */
  change(random: Random): string {
    const repository = random.pick(repositories)
    const roll = random.next()
    if (roll < 0.28) return this.pushImage(random, repository)
    if (roll < 0.45) return this.pushIndex(random, repository)
    if (roll < 0.57) return this.retag(random, repository)
    if (roll < 0.69) return this.attach(random, repository)
    if (roll < 0.85) return this.deploy(random, repository)
    if (roll < 0.9) return this.undeploy(random)
    if (roll < 0.93) return this.removeTag(random, repository)
    this.clock += random.between(1, 72) * hour
    return 'time passes'
  }

  pushImage(random: Random, repository: RepositoryName): string {
    // Now and then the same image again, or one that the other repository has: reproducible builds do that.
    if (random.chance(0.15)) return this.pushAgain(random, repository)
    const digest = this.#push(
      repository,
      ociManifestType,
      this.#imageBytes(repository),
      this.#newTags(random),
    )
    return `push ${repository}@${short(digest)}`
  }

  pushIndex(random: Random, repository: RepositoryName): string {
    const children = random.some(this.whole(repository), 0, 2).map(({ digest }) => digest)
    while (children.length < 2) {
      children.push(this.#push(repository, ociManifestType, this.#imageBytes(repository), []))
    }
    const manifests = [...new Set(children)].map((digest) => this.#descriptor(repository, digest))
    const document = { schemaVersion: 2, mediaType: ociIndexType, manifests }
    const digest = this.#push(repository, ociIndexType, bytesOf(document), this.#newTags(random))
    return `push index ${repository}@${short(digest)} of ${children.map(short).join(' ')}`
  }

  pushAgain(random: Random, repository: RepositoryName): string {
    const known = [...this.pushed.values()]
    if (known.length === 0) return 'nothing to push again'
    const { bytes, mediaType, children, digest } = random.pick(known)
    const here = new Set(this.whole(repository).map((each) => each.digest))
    if (!children.every((child) => here.has(child))) return 'cannot push again'
    this.#push(repository, mediaType, bytes, this.#newTags(random))
    return `push again ${repository}@${short(digest)}`
  }

  retag(random: Random, repository: RepositoryName): string {
    const here = this.whole(repository)
    if (here.length === 0) return 'nothing to tag'
    const { bytes, mediaType, digest } = random.pick(here)
    const tags = [...this.registry.tags(repository).keys()].filter((tag) => attachedTo(tag) === undefined)
    const tag = tags.length > 0 && random.chance(0.7) ? random.pick(tags) : tagName(random)
    this.#push(repository, mediaType, bytes, [tag])
    return `tag ${repository}:${tag} → ${short(digest)}`
  }

  /** A cosign signature, or an artifact with a subject. */
  attach(random: Random, repository: RepositoryName): string {
    const here = this.present(repository)
    if (here.length === 0) return 'nothing to attach to'
    const { digest: subject } = random.pick(here)
    if (random.chance(0.5)) {
      const tag = `${subject.replace(':', '-')}.sig` as TagName
      const digest = this.#push(repository, ociManifestType, this.#imageBytes(repository), [tag])
      return `sign ${short(subject)} with ${short(digest)}`
    }
    const bytes = this.#imageBytes(repository, this.#descriptor(repository, subject))
    const digest = this.#push(repository, ociManifestType, bytes, random.chance(0.2) ? [tagName(random)] : [])
    return `refer to ${short(subject)} by ${short(digest)}`
  }

  deploy(random: Random, repository: RepositoryName): string {
    const tags = [...this.registry.tags(repository)].filter(([tag]) => attachedTo(tag) === undefined)
    if (tags.length === 0) return 'nothing to deploy'
    const [tag, digest] = random.pick(tags)
    const byTag = random.chance(0.6)
    const name = `Deployment shop/${random.pick(['web', 'api', 'job', 'db'])}`
    this.event += 1
    this.deployments.set(name, { name, repository, tag: byTag ? tag : undefined, digest, since: this.event })
    return `${name} runs ${repository}${byTag ? `:${tag}` : ''}@${short(digest)}`
  }

  undeploy(random: Random): string {
    const names = [...this.deployments.keys()]
    if (names.length === 0) return 'nothing runs'
    const name = random.pick(names)
    this.deployments.delete(name)
    return `${name} ends`
  }

  removeTag(random: Random, repository: RepositoryName): string {
    const tags = [...this.registry.tags(repository).keys()].filter((tag) => attachedTo(tag) === undefined)
    if (tags.length === 0) return 'no tag to remove'
    const tag = random.pick(tags)
    this.event += 1
    this.taggedIn.set(key(repository, tag), this.event)
    this.registry.removeTag(repository, tag)
    return `somebody removes ${repository}:${tag}`
  }

  /** What evidence says now: a pod's own digest always, its tag where it has one. */
  references(): readonly ReferenceInUse[] {
    return [...this.deployments.values()].flatMap(({ name, repository, tag, digest }) => [
      ...(tag === undefined ? [] : [{ reference: `${host}/${repository}:${tag}`, where: name }]),
      { reference: `${host}/${repository}@${digest}`, where: name },
    ])
  }

  /** Manifests that a repository has now. */
  present(repository: RepositoryName): readonly Stored[] {
    return this.registry
      .digests(repository)
      .flatMap((digest) => this.pushed.get(key(repository, digest)) ?? [])
  }

  /** Those of them that can be pulled: what garbage lacks, nobody can tag again. */
  whole(repository: RepositoryName): readonly Stored[] {
    const here = new Map(this.present(repository).map((each) => [each.digest, each]))
    const isWhole = ({ children }: Stored): boolean =>
      children.every((child) => {
        const stored = here.get(child)
        return stored !== undefined && isWhole(stored)
      })
    return [...here.values()].filter(isWhole)
  }

  #imageBytes(repository: RepositoryName, subject?: object): Uint8Array {
    this.#made += 1
    const config = this.#blob(repository, {
      created: new Date(this.clock - (this.#made % 5) * hour).toISOString(),
      architecture: 'amd64',
      os: 'linux',
      number: this.#made,
    })
    const layer = this.#blob(repository, `layer ${this.#made}`)
    return bytesOf({
      schemaVersion: 2,
      mediaType: ociManifestType,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', ...layer }],
      ...(subject && { subject }),
    })
  }

  #blob(repository: RepositoryName, content: unknown): { digest: Digest; size: number } {
    const bytes = bytesOf(content)
    const digest = this.registry.putBlob(repository, bytes)
    this.#blobs.set(digest, bytes)
    return { digest, size: bytes.length }
  }

  #descriptor(repository: RepositoryName, digest: Digest): object {
    const stored = this.pushed.get(key(repository, digest))
    return { mediaType: stored?.mediaType ?? ociManifestType, digest, size: stored?.bytes.length ?? 0 }
  }

  #newTags(random: Random): readonly TagName[] {
    if (random.chance(0.12)) return []
    return random.chance(0.2) ? [tagName(random), tagName(random)] : [tagName(random)]
  }

  #push(repository: RepositoryName, mediaType: string, bytes: Uint8Array, tags: readonly TagName[]): Digest {
    this.event += 1
    // A client uploads what the registry lacks before it puts the manifest.
    for (const [blob] of Buffer.from(bytes)
      .toString('utf8')
      .matchAll(/sha256:[0-9a-f]{64}/g)) {
      const content = this.#blobs.get(blob)
      if (content !== undefined) this.registry.putBlob(repository, content)
    }
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest
    if (!this.registry.digests(repository).includes(digest))
      this.appearedIn.set(key(repository, digest), this.event)
    for (const tag of tags.length === 0 ? [undefined] : tags) {
      this.registry.putManifest(repository, { bytes, mediaType, ...(tag !== undefined && { tag }) })
      if (tag !== undefined) this.taggedIn.set(key(repository, tag), this.event)
    }
    const document = JSON.parse(Buffer.from(bytes).toString('utf8')) as {
      manifests?: readonly { digest: Digest }[]
      subject?: { digest: Digest }
    }
    this.pushed.set(key(repository, digest), {
      repository,
      digest,
      bytes,
      mediaType,
      children: (document.manifests ?? []).map((child) => child.digest),
      subject: document.subject?.digest,
    })
    this.pushedIn.set(key(repository, digest), this.event)
    return digest
  }
}

export function key(repository: RepositoryName, name: string): string {
  return `${repository} ${name}`
}

export function short(digest: string): string {
  return digest.slice(7, 13)
}

function tagName(random: Random): TagName {
  return random.pick([
    '1.0',
    '1.1',
    '2.0',
    'main',
    'latest',
    'pr-1',
    'pr-2',
    'pr-3',
    'pr-4',
    'pr-5',
  ]) as TagName
}

function bytesOf(content: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(content))
}
