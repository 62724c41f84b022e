/**
 * What a fake of Quay holds: manifests over the registry in memory, and the history of every tag, from which a tag that is
 * alive, a dead one and one that is set to die can be told.
 */
import { RegistryStore } from '../../src/adapters/registries/memory/store.ts'
import { attachedTo } from '../../src/core/image/attached-tags.ts'
import type { Digest } from '../../src/core/image/digest.ts'
import { parseTagName, type RepositoryName, type TagName } from '../../src/core/image/names.ts'

export interface TagRow {
  readonly repository: RepositoryName
  readonly name: string
  readonly digest: Digest
  /** Milliseconds. */
  start: number
  end: number | undefined
  immutable: boolean
}

export class QuayState {
  readonly store = new RegistryStore()
  /** Newest first, as Quay shows them. */
  readonly history: TagRow[] = []
  readonly states = new Map<string, string>()
  /** Of the time machine. */
  windowSeconds = 14 * 86_400
  /** Manifests whose bytes were collected. */
  readonly collected = new Set<Digest>()
  /** Pushed by digest, and readable for a while without a tag; undefined: such manifests are not readable at once. */
  temporary: Set<Digest> | undefined = new Set()

  alive(repository: RepositoryName, now = Date.now()): readonly TagRow[] {
    return this.history.filter((row) => row.repository === repository && (row.end ?? Infinity) > now)
  }

  aliveTag(repository: RepositoryName, name: string): TagRow | undefined {
    return this.alive(repository).find((row) => row.name === name)
  }

  /** Tags of the store become rows of the history, and those that are over leave it. */
  settle(): void {
    for (const [repository, stored] of this.store.repositories) {
      for (const [name, { digest, pushedAt }] of stored.tags) {
        const row = this.aliveTag(repository, name)
        if (row?.digest === digest) continue
        if (row !== undefined) row.end = pushedAt
        this.history.unshift({ repository, name, digest, start: pushedAt, end: undefined, immutable: false })
      }
      const alive = new Set(this.alive(repository).map(({ name }) => name))
      for (const name of stored.tags.keys()) if (!alive.has(name)) stored.tags.delete(name)
    }
  }

  /** Ends a tag; cosign's tags of what has no name any more end with it. */
  end(repository: RepositoryName, name: string): void {
    const row = this.aliveTag(repository, name)
    if (row === undefined) return
    row.end = Date.now()
    this.store.repository(repository).tags.delete(tagNamed(name))
    if (this.alive(repository).some(({ digest }) => digest === row.digest)) return
    for (const each of this.alive(repository))
      if (/\.(sig|att|sbom)$/.test(each.name) && attachedTo(each.name) === row.digest)
        this.end(repository, each.name)
  }

  /** Brings a tag back to a manifest that is in its history; false when that cannot be had any more. */
  restore(repository: RepositoryName, name: string, digest: Digest): boolean {
    const since = Date.now() - this.windowSeconds * 1000
    const isThere = this.history.some(
      (row) =>
        row.repository === repository &&
        row.name === name &&
        row.digest === digest &&
        (row.end ?? Infinity) > since,
    )
    if (!isThere || this.collected.has(digest)) return false
    this.end(repository, name)
    this.store.repository(repository).tags.set(tagNamed(name), { digest, pushedAt: Date.now() })
    this.settle()
    return true
  }

  /** Whether a manifest can be read by its digest: a tag that is alive leads to it, or it was pushed a while ago. */
  isReadable(repository: RepositoryName, digest: Digest): boolean {
    if (this.temporary?.has(digest) === true) return true
    const stored = this.store.repositories.get(repository)
    const pending = this.alive(repository).map((row) => row.digest)
    const seen = new Set<Digest>()
    for (let each = pending.pop(); each !== undefined; each = pending.pop()) {
      if (each === digest) return true
      if (seen.has(each)) continue
      seen.add(each)
      pending.push(...(stored?.manifests.get(each)?.facts.children ?? []).map((child) => child.digest))
    }
    return false
  }
}

export function tagNamed(text: string): TagName {
  const tag = parseTagName(text)
  if (tag === undefined) throw new Error(`${text} is no tag`)
  return tag
}
