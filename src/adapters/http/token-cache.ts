/**
 * Keeps tokens per realm, service, scopes and credential for as long as they live, and lets one request fetch what
 * many wait for.
 */
import { createHash } from 'node:crypto'
import type { IssuedToken, TokenAsk } from './token-endpoint.ts'

export interface CachedToken {
  readonly token: string
  /** It was fetched for this call, so that a refusal of it is not for its age. */
  readonly isFresh: boolean
}

interface Entry {
  readonly token: string
  readonly usableUntilMs: number
}

const ENTRIES_MAX = 10_000
/** A token is not used in its last moments: it must still be valid when it arrives. */
const SLACK_MAX_MS = 10_000
const SLACK_SHARE = 0.1

export class TokenCache {
  readonly #now: () => number
  readonly #entries = new Map<string, Entry>()
  readonly #fetching = new Map<string, Promise<string>>()

  constructor(now: () => number) {
    this.#now = now
  }

  has(ask: TokenAsk): boolean {
    return this.#usable(keyOf(ask)) !== undefined
  }

  /**
   * A token for `ask`.
   *
   * @param rejected a token that was just refused and must not come back
   */
  async get(
    ask: TokenAsk,
    rejected: string | undefined,
    fetch: (ask: TokenAsk) => Promise<IssuedToken>,
  ): Promise<CachedToken> {
    const key = keyOf(ask)
    const known = this.#usable(key)
    if (known !== undefined && known !== rejected) return { token: known, isFresh: false }
    const running = this.#fetching.get(key)
    if (running !== undefined) return { token: await running, isFresh: true }
    const fetching = this.#fetch(key, ask, fetch)
    this.#fetching.set(key, fetching)
    try {
      return { token: await fetching, isFresh: true }
    } finally {
      this.#fetching.delete(key)
    }
  }

  #usable(key: string): string | undefined {
    const entry = this.#entries.get(key)
    return entry !== undefined && this.#now() < entry.usableUntilMs ? entry.token : undefined
  }

  async #fetch(key: string, ask: TokenAsk, fetch: (ask: TokenAsk) => Promise<IssuedToken>): Promise<string> {
    // Its life begins when it is asked for: counting from the answer would overrate a slow one.
    const askedAt = this.#now()
    const { token, lifetimeMs } = await fetch(ask)
    const slackMs = Math.min(SLACK_MAX_MS, lifetimeMs * SLACK_SHARE)
    this.#entries.delete(key)
    this.#entries.set(key, { token, usableUntilMs: askedAt + lifetimeMs - slackMs })
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > ENTRIES_MAX && oldest !== undefined) this.#entries.delete(oldest)
    return token
  }
}

function keyOf(ask: TokenAsk): string {
  const credential = ask.credential === undefined ? 'anonymous' : fingerprint(JSON.stringify(ask.credential))
  return JSON.stringify([ask.realm.href, ask.service ?? '', ask.scopes.toSorted(), credential])
}

/** Keys of maps turn up in heap dumps and debuggers; the secret itself need not. */
function fingerprint(secret: string): string {
  return createHash('sha256').update(secret).digest('base64')
}
