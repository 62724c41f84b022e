/** What the forges say differently: where lists of pull requests are, and how one of them is written down. */
import type { InstantMs } from '../../core/inventory/inventory.ts'

export type ForgeKind = 'github' | 'gitlab' | 'gitea'

export interface ForgeDialect {
  /** For messages. */
  readonly name: string
  /** The API of its public servers, by the hosts that repositories of theirs have. */
  readonly publicApis: Readonly<Record<string, string>>
  /** What the address of an API ends with; what comes before is where the forge itself lies. */
  readonly apiPath: RegExp
  readonly headers: Readonly<Record<string, string>>
  /** How many are asked for on a page. */
  readonly pageSize: number
  /**
   * Paths of lists below the API's address that together have every open pull request, oldest first: one that is opened
   * meanwhile pushes none to a page already read.
   */
  openLists(project: string): readonly string[]
  /** The same of those that are closed, the one that changed last first. */
  closedLists(project: string, since: InstantMs): readonly string[]
  /** One entry of a list; undefined when it is not what it should be. */
  parse(entry: unknown): ListedPull | undefined
}

export interface ListedPull {
  readonly number: number
  /** Undefined where the forge does not tell it. */
  readonly head: string | undefined
  readonly isOpen: boolean
  /** When it was closed or merged; undefined of an open one, and where nobody wrote it down. */
  readonly closedAt: InstantMs | undefined
  readonly updatedAt: InstantMs
}

/** A field of an object that came from outside. */
export function field(value: unknown, ...path: readonly string[]): unknown {
  let at = value
  for (const name of path) {
    if (typeof at !== 'object' || at === null) return undefined
    at = (at as Readonly<Record<string, unknown>>)[name]
  }
  return at
}

export function commitId(value: unknown): string | undefined {
  const isId = typeof value === 'string' && /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(value)
  return isId ? value : undefined
}

/** An ISO 8601 time in milliseconds; undefined for anything else, the year 1 that Go writes for "never" included. */
export function instant(value: unknown): InstantMs | undefined {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(at) || at <= 0 ? undefined : at
}

/** A whole number above zero. */
export function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined
}
