/**
 * Registries that keep what they know of blobs in Redis. All replicas share it, it outlives every restart, and it
 * forgets what it is told to: `DEL blobs::<digest>`.
 *
 * Promises: the gate opens only while Redis answers, after every `forget` of this run succeeded, and where there is a
 * sign that this Redis (and this database of it) is the one the registry writes to. Emptying another one would open the
 * gate to broken images.
 */
import type { Digest } from '../../core/image/digest.ts'
import type { CacheGate, DescriptorCache } from '../../ports/descriptor-cache.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import type { Canary } from './canary.ts'
import type { RedisConversation, RedisSettings } from './redis-connection.ts'
import { withRedis } from './redis-connection.ts'

export interface RedisCacheSettings extends RedisSettings {
  /** Shows which Redis the registry writes to; undefined where nothing can be pushed to it. */
  readonly canary?: Canary | undefined
}

/** Keys of one DEL. Several are under way at once. */
const KEYS_OF_DEL = 500

export function createRedisCache(settings: RedisCacheSettings): DescriptorCache {
  return new RedisCache(settings)
}

class RedisCache implements DescriptorCache {
  readonly kind = 'redis'
  readonly #settings: RedisCacheSettings
  /** Digests that this Redis knew: nobody but a registry over this storage can have told it. */
  #known = 0
  #failedToForget = false

  constructor(settings: RedisCacheSettings) {
    this.#settings = settings
  }

  async forget(...[digests, options]: Parameters<DescriptorCache['forget']>): Promise<void> {
    try {
      this.#known += await withRedis(
        this.#settings,
        async (redis) => {
          const known = await forgetAll(redis, digests)
          await forgetAliases(redis)
          return known
        },
        options,
      )
    } catch (error) {
      this.#failedToForget = true
      throw error
    }
  }

  async forgetLinks(repositories: readonly string[], options?: RunOptions): Promise<void> {
    await withRedis(
      this.#settings,
      async (redis) => {
        for (let at = 0; at < repositories.length; at += KEYS_OF_DEL)
          // Safe: a registry that does not know what is linked looks at its storage.
          await redis.del(
            repositories.slice(at, at + KEYS_OF_DEL).map((name) => `repository::${name}::blobs`),
          )
      },
      options,
    )
  }

  async afterSetAside(): Promise<void> {}

  async gate(options?: RunOptions): Promise<CacheGate> {
    if (this.#failedToForget) return closedAfterFailure
    return await withRedis(
      this.#settings,
      async (redis) => {
        await redis.ping()
        return await this.#gateOf(redis, options)
      },
      options,
    )
  }

  async #gateOf(redis: RedisConversation, options: RunOptions | undefined): Promise<CacheGate> {
    const seen = await this.#watchCanary(redis, options)
    if (seen === 'written-and-forgotten') return opened('the registry was seen writing to it')
    if (seen === 'not-written') return this.#closed('the registry does not write to it')
    if (seen === 'remembered') return this.#closed('the registry remembers blobs that it has forgotten')
    if (this.#known > 0) return opened('it knew blobs of this storage')
    return (await isEmpty(redis))
      ? this.#closed('it holds nothing that a registry writes')
      : opened('a registry writes to it')
  }

  /** What becomes of a blob pushed just now; undefined where that cannot be tried. */
  async #watchCanary(
    redis: RedisConversation,
    options: RunOptions | undefined,
  ): Promise<'written-and-forgotten' | 'not-written' | 'remembered' | undefined> {
    const { canary } = this.#settings
    let isWritten = false
    const probe = await canary?.probe(options, async (digest) => {
      isWritten = await redis.exists(keyOf(digest))
      // As for everything that is set aside; nothing of the canary stays here either.
      await redis.del([keyOf(digest)])
    })
    if (probe === undefined || probe.kind === 'failed') return undefined
    if (!isWritten) return 'not-written'
    return [...probe.remembers.values()].includes(true) ? 'remembered' : 'written-and-forgotten'
  }

  #closed(what: string): CacheGate {
    return {
      kind: 'closed',
      because: `The Redis at ${this.#settings.url} answers, but ${what}.`,
      cure: 'Compare `storage.cache` with the address and the database number in the registry’s own configuration; if they are right, pull an image through the registry and sweep again.',
    }
  }
}

const closedAfterFailure: CacheGate = {
  kind: 'closed',
  because: 'The registry’s Redis could not be made to forget everything that was set aside.',
  cure: 'See to it that Redis answers, and sweep again.',
}

function opened(sign: string): CacheGate {
  return {
    kind: 'open',
    setAsideBefore: Infinity,
    because: `the registry’s Redis forgot what was set aside (${sign})`,
  }
}

/**
 * Lookups in a repository read this key too, so it is all that has to go with a blob (redis.go of both lines: a descriptor is
 * whole only with the fields `digest` and `size`, and those are kept here). That the blob is linked in a repository is kept
 * in a set of the repository, and counts again as soon as the blob is known again: see forgetLinks.
 */
function keyOf(digest: Digest): string {
  return `blobs::${digest}`
}

async function forgetAll(
  redis: RedisConversation,
  digests: Parameters<DescriptorCache['forget']>[0],
): Promise<number> {
  let known = 0
  for await (const batch of digests) {
    const answers: Promise<number>[] = []
    for (let at = 0; at < batch.length; at += KEYS_OF_DEL) {
      answers.push(redis.del(batch.slice(at, at + KEYS_OF_DEL).map(keyOf)))
    }
    for (const count of await Promise.all(answers)) known += count
  }
  return known
}

/**
 * A blob pushed under its sha512 digest is stored under sha256, and cached under both. Which ones lead to what was set
 * aside is not worth asking: they are few, and a registry that has forgotten one looks at its storage.
 */
async function forgetAliases(redis: RedisConversation): Promise<void> {
  for await (const keys of redis.keys('blobs::sha[35]*')) {
    // Safe: a cache that knows less asks the storage more often, that is all.
    await redis.del(keys)
  }
}

async function isEmpty(redis: RedisConversation): Promise<boolean> {
  for await (const keys of redis.keys('blobs::sha256:*')) if (keys.length > 0) return false
  return true
}
