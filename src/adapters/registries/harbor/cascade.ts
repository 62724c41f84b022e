/**
 * What Harbor deletes along with an artifact: its accessories, whatever tags they have, and the children that have no tag
 * and no other parent; with each of those, the same again.
 *
 * It decides what a deletion must not be asked for, because it would take something that stays, and which later "not
 * found" is our own doing.
 */
import { attachedTo } from '../../../core/image/attached-tags.ts'
import type { Digest } from '../../../core/image/digest.ts'
import type { HarborArtifact } from './parse-artifact.ts'

interface Part {
  readonly tags: readonly string[]
  readonly children: readonly Digest[]
  readonly accessories: readonly Digest[]
}

const barePart: Part = { tags: [], children: [], accessories: [] }

export class Cascade {
  readonly #parts = new Map<Digest, Part>()
  readonly #parents = new Map<Digest, Digest[]>()
  /** Everything that hung on what was deleted. */
  readonly #taken = new Set<Digest>()

  /** @param accessoryTags ordinary tags of accessories, which are not in the list */
  constructor(artifacts: readonly HarborArtifact[], accessoryTags: ReadonlyMap<string, Digest>) {
    for (const { accessories } of artifacts)
      for (const { digest } of accessories) this.#parts.set(digest, barePart)
    for (const { digest, tags, children, accessories } of artifacts) {
      const parts = { children, accessories: accessories.map((accessory) => accessory.digest) }
      this.#parts.set(digest, { ...parts, tags: tags.map(({ name }) => name) })
    }
    for (const { digest, children } of artifacts) {
      for (const child of children) {
        const parents = this.#parents.get(child)
        if (parents === undefined) this.#parents.set(child, [digest])
        else parents.push(digest)
      }
    }
    for (const [tag, digest] of accessoryTags) {
      const part = this.#parts.get(digest) ?? barePart
      this.#parts.set(digest, { ...part, tags: [...part.tags, tag] })
    }
  }

  /** What deleting `root` would take from something that stays, as a sentence; undefined when it takes only its own. */
  whatHolds(root: Digest): string | undefined {
    const going = this.#takenWith(root)
    for (const digest of going) {
      if (digest === root) continue
      const tag = this.#parts.get(digest)?.tags.find((name) => attachedTo(name) === undefined)
      if (tag !== undefined) return `Harbor would delete the accessory with the tag ${tag} along with it.`
      const parent = this.#parentsOf(digest).find((each) => !going.has(each) && !this.#hangsOn(each, going))
      if (parent !== undefined)
        return `Harbor would delete ${digest} along with it, which the index ${parent} holds.`
    }
    return undefined
  }

  /** Notes that `root` was deleted. */
  deleted(root: Digest): void {
    // Harbor decides by what is there at that moment, so all that hung on it may have gone with it.
    for (const digest of this.#reachable(root)) this.#taken.add(digest)
    for (const digest of this.#takenWith(root)) this.#parts.delete(digest)
  }

  /** Whether it hung on something that was deleted. */
  mayHaveTaken(digest: Digest): boolean {
    return this.#taken.has(digest)
  }

  #takenWith(root: Digest): ReadonlySet<Digest> {
    const taken = new Set([root])
    for (let before = 0; before < taken.size;) {
      before = taken.size
      for (const digest of taken) {
        const { children, accessories } = this.#parts.get(digest) ?? barePart
        for (const accessory of accessories) taken.add(accessory)
        for (const child of children) if (this.#isOnlyPartOf(child, taken)) taken.add(child)
      }
    }
    return taken
  }

  #isOnlyPartOf(child: Digest, taken: ReadonlySet<Digest>): boolean {
    const part = this.#parts.get(child)
    return part?.tags.length === 0 && this.#parentsOf(child).every((parent) => taken.has(parent))
  }

  /** Indexes that name it and are still there. */
  #parentsOf(digest: Digest): readonly Digest[] {
    return (this.#parents.get(digest) ?? []).filter((parent) => this.#parts.has(parent))
  }

  /** A list of referrers hangs on its subject by its name, and goes after it. */
  #hangsOn(index: Digest, going: ReadonlySet<Digest>): boolean {
    const subjects = (this.#parts.get(index)?.tags ?? []).map(attachedTo)
    return subjects.length > 0 && subjects.every((subject) => subject !== undefined && going.has(subject))
  }

  #reachable(root: Digest): ReadonlySet<Digest> {
    const reached = new Set<Digest>()
    const pending = [root]
    for (let digest = pending.pop(); digest !== undefined; digest = pending.pop()) {
      const { children, accessories } = this.#parts.get(digest) ?? barePart
      for (const part of [...children, ...accessories]) {
        if (reached.has(part)) continue
        reached.add(part)
        pending.push(part)
      }
    }
    return reached
  }
}
