/**
 * What a fake of Harbor holds, and the rules by which it lets go of things: artifacts with ids and times over the registry
 * in memory, accessories hung on their subjects, locks, labels, and the cascade of a deletion.
 */
import { RegistryStore, type StoredRepository } from '../../src/adapters/registries/memory/store.ts'
import { attachedTo } from '../../src/core/image/attached-tags.ts'
import type { Digest } from '../../src/core/image/digest.ts'
import {
  parseRepositoryName,
  parseTagName,
  type RepositoryName,
  type TagName,
} from '../../src/core/image/names.ts'

export interface HarborProject {
  readonly id: number
  readonly name: string
  /** Of the registry that it is a cache of. */
  readonly registryId?: number
}

export interface HarborMark {
  id: number
  pushedAt: number
  pulledAt: number | undefined
  readonly tagPulls: Map<TagName, number>
  readonly labels: string[]
}

export class HarborState {
  readonly store = new RegistryStore()
  readonly projects = new Map<string, HarborProject>()
  readonly immutable: { readonly repository: RepositoryName; readonly tag: RegExp }[] = []
  readonly #marks = new Map<string, HarborMark>()
  readonly #pulls: (() => void)[] = []
  #ids = 0
  isReadOnly = false
  /** Whether accessories of one that an index holds go all the same; what is published leaves it open. */
  cascadeSparesHeld = false

  project(name: string, registryId?: number): HarborProject {
    const known = this.projects.get(name)
    if (known !== undefined) return known
    const made = { id: (this.#ids += 1), name, ...(registryId !== undefined && { registryId }) }
    this.projects.set(name, made)
    return made
  }

  /** Ids and times of an artifact, made when it is first asked for. */
  mark(repository: RepositoryName, digest: Digest): HarborMark {
    const key = `${repository}@${digest}`
    const known = this.#marks.get(key)
    if (known !== undefined) return known
    const made = {
      id: (this.#ids += 1),
      pushedAt: Date.now(),
      pulledAt: undefined,
      tagPulls: new Map(),
      labels: [],
    }
    this.#marks.set(key, made)
    return made
  }

  /** Everything pushed so far gets its id, in the order of pushing. */
  settle(): void {
    for (const [name, repository] of this.store.repositories) {
      this.project(name.split('/', 1)[0] ?? '')
      for (const digest of repository.manifests.keys()) this.mark(name, digest)
    }
  }

  /** Pull times are written some seconds later; a test says when. */
  pulled(repository: RepositoryName, digest: Digest, tag?: TagName): void {
    const at = Date.now()
    this.#pulls.push(() => {
      const mark = this.mark(repository, digest)
      mark.pulledAt = at
      if (tag !== undefined) mark.tagPulls.set(tag, at)
    })
  }

  flushPulls(): void {
    for (const write of this.#pulls.splice(0)) write()
  }

  repository(name: RepositoryName): StoredRepository | undefined {
    return this.store.repositories.get(name)
  }

  isImmutable(repository: RepositoryName, tag: TagName): boolean {
    return this.immutable.some((rule) => rule.repository === repository && rule.tag.test(tag))
  }

  /** What an accessory hangs on: its subject, or what cosign's tag of it names; undefined for an artifact. */
  subjectOf(name: RepositoryName, digest: Digest): Digest | undefined {
    const repository = this.repository(name)
    const subject = repository?.manifests.get(digest)?.facts.subject
    if (subject !== undefined) return subject
    const signs = repository?.tagsOf(digest).find((tag) => tag.endsWith('.sig'))
    return signs && attachedTo(signs)
  }

  accessoriesOf(name: RepositoryName, digest: Digest): readonly Digest[] {
    return [...(this.repository(name)?.manifests.keys() ?? [])].filter(
      (each) => this.subjectOf(name, each) === digest,
    )
  }

  isAccessory(name: RepositoryName, digest: Digest): boolean {
    const subject = this.subjectOf(name, digest)
    return subject !== undefined && this.repository(name)?.manifests.has(subject) === true
  }

  /** Deletes as Harbor does; answers with the code of its refusal. */
  remove(name: RepositoryName, digest: Digest): string | undefined {
    const repository = this.repository(name)
    if (repository === undefined) return 'NOT_FOUND'
    const isHeld = !this.isAccessory(name, digest) && repository.indexesOf(digest).length > 0
    if (isHeld) return 'VIOLATE_FOREIGN_KEY_CONSTRAINT'
    const going = new Set<Digest>()
    this.#cascade(name, repository, digest, going)
    const tags = [...going].flatMap((each) => repository.tagsOf(each))
    if (tags.some((tag) => this.isImmutable(name, tag))) return 'PRECONDITION'
    for (const each of going) {
      repository.remove(each)
      this.#marks.delete(`${name}@${each}`)
    }
    return undefined
  }

  #cascade(name: RepositoryName, repository: StoredRepository, digest: Digest, going: Set<Digest>): void {
    const found = repository.manifests.get(digest)
    if (found === undefined || going.has(digest)) return
    going.add(digest)
    const isHeld = (each: Digest): boolean =>
      repository.indexesOf(each).some((index) => !going.has(index.digest))
    for (const accessory of this.accessoriesOf(name, digest))
      if (!this.cascadeSparesHeld || !isHeld(accessory)) this.#cascade(name, repository, accessory, going)
    for (const { digest: child } of found.facts.children)
      if (repository.tagsOf(child).length === 0 && !isHeld(child))
        this.#cascade(name, repository, child, going)
  }
}

export function repositoryNamed(text: string): RepositoryName {
  const name = parseRepositoryName(text)
  if (name === undefined) throw new Error(`${text} is no repository`)
  return name
}

export function tagNamed(text: string): TagName {
  const tag = parseTagName(text)
  if (tag === undefined) throw new Error(`${text} is no tag`)
  return tag
}
