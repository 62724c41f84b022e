/** What the fake of Docker Hub knows beyond manifests: users, times of pulls, rules for immutable tags, tokens. */
import { RegistryStore } from '../../src/adapters/registries/memory/store.ts'
import type { Digest } from '../../src/core/image/digest.ts'

/** The levels of a personal access token. */
export type HubLevel = 'public' | 'read' | 'write' | 'delete'

export interface HubUser {
  readonly name: string
  readonly secret: string
  /** @default 'delete' */
  readonly level?: HubLevel
  /** Whether lists show what is private; an organization's token may lack the right. @default true */
  readonly lists?: boolean
}

export interface HubTimes {
  readonly tag_last_pushed?: string | null
  readonly last_updated?: string | null
  readonly tag_last_pulled?: string | null
}

const actionsOf: Readonly<Record<HubLevel, readonly string[]>> = {
  public: [],
  read: ['pull'],
  write: ['pull', 'push'],
  delete: ['pull', 'push', 'delete'],
}

export class HubState {
  readonly store = new RegistryStore()
  readonly users: readonly HubUser[]
  readonly privates = new Set<string>()
  readonly immutable = new Map<string, readonly unknown[]>()
  /** Old tags have no digest in lists. */
  readonly digestless = new Set<string>()
  /** How often manifests were read, each of which counts as a pull. */
  pulls = 0
  readonly #times = new Map<string, HubTimes>()
  readonly #tokens = new Map<
    string,
    { readonly user: HubUser | undefined; readonly scopes: readonly string[] }
  >()
  #count = 0

  constructor(users: readonly HubUser[]) {
    this.users = users
  }

  setTimes(repository: string, tag: string, times: HubTimes): void {
    this.#times.set(`${repository}:${tag}`, times)
  }

  timesOf(repository: string, tag: string, pushedAt: number): HubTimes {
    const at = microseconds(pushedAt)
    return {
      last_updated: at,
      tag_last_pushed: at,
      tag_last_pulled: null,
      ...this.#times.get(`${repository}:${tag}`),
    }
  }

  userOf(name: unknown, secret: unknown): HubUser | undefined {
    return this.users.find((user) => user.name === name && user.secret === secret)
  }

  /** A token for the API, or one of the registry for what was asked and is allowed. */
  issue(kind: 'api' | 'registry', user: HubUser | undefined, scopes: readonly string[] = []): string {
    const token = `${kind}-${(this.#count += 1)}-${'t'.repeat(24)}`
    this.#tokens.set(token, { user, scopes })
    return token
  }

  expireTokens(): void {
    this.#tokens.clear()
  }

  /** Undefined when the header is no token of that kind. */
  holderOf(
    kind: 'api' | 'registry',
    authorization: string | undefined,
  ): { readonly user: HubUser | undefined; readonly scopes: readonly string[] } | undefined {
    const token = authorization?.startsWith('Bearer ') === true ? authorization.slice('Bearer '.length) : ''
    return token.startsWith(`${kind}-`) ? this.#tokens.get(token) : undefined
  }

  /** What of `repository:NAME:a,b` the user may do; anybody pulls what is public. */
  granted(user: HubUser | undefined, scope: string): readonly string[] {
    const [, name = '', actions = ''] = /^repository:(.+):([^:]*)$/.exec(scope) ?? []
    const own = actionsOf[user?.level ?? (user === undefined ? 'public' : 'delete')]
    const allowed = this.privates.has(name) ? own : [...own, 'pull']
    return actions.split(',').flatMap((action) => (allowed.includes(action) ? [`${name}:${action}`] : []))
  }

  isShown(user: HubUser | undefined, repository: string): boolean {
    return !this.privates.has(repository) || (user !== undefined && (user.level ?? 'delete') !== 'public')
  }

  /** Tags and indexes that still refer to a manifest. */
  isReferred(repository: ReturnType<RegistryStore['repository']>, digest: Digest): boolean {
    return repository.tagsOf(digest).length > 0 || repository.indexesOf(digest).length > 0
  }
}

/** As Docker Hub writes it: `2024-04-19T18:19:45.123456Z`. */
function microseconds(at: number): string {
  return new Date(at).toISOString().replace('Z', '000Z')
}
