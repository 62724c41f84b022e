/**
 * What a folder's own record says of its entries: unchanged facts mean that no entry was added, removed or renamed since.
 * They say nothing of what lies deeper, and nothing of a file that was rewritten in its place.
 */
import { pathFacts } from './scan-files.ts'

/** Of one folder: the number of its record, and both times of its last change. */
export const FACTS_BYTES = 24
/**
 * A folder that was changed this short a time before it was looked at may be changed once more under the same time: file
 * systems date by clocks that tick in milliseconds (ext4, XFS), and some only every second or two (FAT, old NFS).
 */
const SETTLED_MS = 2_500

/** Facts of folders that were looked at together. */
export class FactsTaken {
  readonly #before: number
  readonly #values: number[] = []
  #areSettled = true

  /** `now`: the time before the first look. */
  constructor(now: number = Date.now()) {
    this.#before = now - SETTLED_MS
  }

  /** Whether each of them was at rest for long enough that a later change will show. */
  get areSettled(): boolean {
    return this.#areSettled
  }

  /** Looks at a folder, which must be done before its entries are read. One that is not there may come to be there. */
  take(folder: string): void {
    const facts = pathFacts(folder)
    if (facts === undefined) this.#values.push(...ABSENT)
    else {
      const { kind, record, modifiedAtMs, changedAtMs } = facts
      if (kind !== 'folder' || Math.max(modifiedAtMs, changedAtMs) >= this.#before) this.#areSettled = false
      this.#values.push(record, modifiedAtMs, changedAtMs)
    }
  }

  /** FACTS_BYTES for each folder, in the order they were taken. */
  packed(): Uint8Array {
    const view = new DataView(new ArrayBuffer(this.#values.length * 8))
    for (const [i, value] of this.#values.entries()) view.setFloat64(i * 8, value, true)
    return new Uint8Array(view.buffer)
  }
}

/** No file system numbers a folder so. */
const ABSENT = [0, 0, 0] as const

/** Whether a folder is as its facts at `offset` say, or not there as they say. */
export function isUnchanged(folder: string, view: DataView, offset: number): boolean {
  const facts = pathFacts(folder)
  const [record, modifiedAtMs, changedAtMs] =
    facts === undefined ? ABSENT : [facts.record, facts.modifiedAtMs, facts.changedAtMs]
  return (
    view.getFloat64(offset, true) === record &&
    view.getFloat64(offset + 8, true) === modifiedAtMs &&
    view.getFloat64(offset + 16, true) === changedAtMs
  )
}
