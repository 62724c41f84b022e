/**
 * Fields of an inventory file, each with its path. A field is absent (or null), or right, or the file is refused by name
 * and path; nothing wrong is read as nothing.
 */
import { OperationalError } from '../errors/errors.ts'
import { parseDigest, type Digest } from '../image/digest.ts'
import { parseInstant } from './instant.ts'
import { closestWord } from '../words/closest-word.ts'
import type { InstantMs } from './inventory.ts'

/** An inventory that is there and cannot be relied on. */
export class InventoryUnreadableError extends OperationalError {
  readonly code = 'INVENTORY_UNREADABLE'
  override readonly category = 'incomplete'
  readonly hint = 'Take the inventory again (winnow inventory -o json), or correct the file at this place.'

  constructor(source: string, path: string, what: string, options?: { readonly cause?: unknown }) {
    const end = what.endsWith('?') ? '' : '.'
    super(`The inventory ${source} cannot be read: ${path === '' ? '' : `${path} `}${what}${end}`, options)
  }
}

/** Year 1, Go's zero time: what registries write for a time they do not know. */
const goZeroTime = Date.parse('0001-01-01T00:00:00Z')

/** One value of the document and where it stands: `repositories[0].manifests[2].subject`. */
export class Field {
  readonly #source: string
  readonly path: string
  readonly value: unknown

  constructor(source: string, path: string, value: unknown) {
    this.#source = source
    this.path = path
    this.value = value
  }

  refuse(what: string): never {
    throw new InventoryUnreadableError(this.#source, this.path, what)
  }

  /** The field of this name, there or not. */
  at(key: string): Field {
    const { value } = this
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return this.refuse('is not an object')
    const path = this.path === '' ? key : `${this.path}.${key}`
    return new Field(
      this.#source,
      path,
      Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined,
    )
  }

  /** The value of the field of this name; undefined when it is absent or null. */
  member(key: string): unknown {
    return this.at(key).value ?? undefined
  }

  /**
   * Refuses a key that is none of `known` and looks like one that is not there: whatever it was to say would be lost.
   * Others are passed over, since they may be of a newer version.
   */
  refuseMisspelt(known: ReadonlySet<string>, format: string): void {
    const { value } = this
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return
    for (const key of Object.keys(value)) {
      if (known.has(key)) continue
      const meant = closestWord(
        key,
        [...known].filter((each) => this.member(each) === undefined),
      )
      if (meant !== undefined)
        this.at(key).refuse(`is no key of ${format}; did you mean ${JSON.stringify(meant)}?`)
    }
  }

  text(key: string): string | undefined {
    const value = this.member(key)
    return value === undefined || typeof value === 'string' ? value : this.at(key).refuse('is not a text')
  }

  flag(key: string): boolean | undefined {
    const value = this.member(key)
    return value === undefined || typeof value === 'boolean'
      ? value
      : this.at(key).refuse('is neither true nor false')
  }

  count(key: string): number | undefined {
    const value = this.member(key)
    if (value === undefined) return undefined
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
    return this.at(key).refuse('is not a number of bytes')
  }

  digest(key: string): Digest | undefined {
    const text = this.text(key)
    return text === undefined ? undefined : (parseDigest(text) ?? this.at(key).refuse('is not a digest'))
  }

  instant(key: string): InstantMs | undefined {
    const text = this.text(key)
    if (text === undefined) return undefined
    return parseInstant(text) ?? this.at(key).refuse('is not a time like 2026-01-31T00:00:00Z')
  }

  /** A time that only a registry tells; its zero time is unknown, not two thousand years ago. */
  registryInstant(key: string): InstantMs | undefined {
    const at = this.instant(key)
    return at === undefined || at <= goZeroTime ? undefined : at
  }

  list(key: string): readonly Field[] | undefined {
    const value = this.member(key)
    if (value === undefined) return undefined
    const { path } = this.at(key)
    if (!Array.isArray(value)) return this.at(key).refuse('is not a list')
    return value.map((entry: unknown, i) => new Field(this.#source, `${path}[${i}]`, entry))
  }

  texts(key: string): readonly string[] {
    return (this.list(key) ?? []).map((entry) =>
      typeof entry.value === 'string' ? entry.value : entry.refuse('is not a text'),
    )
  }

  textMap(key: string): Readonly<Record<string, string>> {
    const value = this.member(key)
    if (value === undefined) return {}
    const field = this.at(key)
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return field.refuse('is not a map of texts')
    return Object.fromEntries(
      Object.entries(value).map(([name, text]: [string, unknown]): [string, string] =>
        typeof text === 'string'
          ? [name, text]
          : field.refuse(`holds ${JSON.stringify(name)}, which is not a text`),
      ),
    )
  }
}
