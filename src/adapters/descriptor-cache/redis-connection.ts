/**
 * One short conversation with the Redis of a registry. Connects, is asked, and is gone: between two calls a sweep may
 * wait for minutes, and there is no moment at which somebody would close it.
 *
 * Promises: every failure, a wrong password, a refused command and a silent server included, is a
 * DescriptorCacheUnreachableError without a credential in it. No reconnecting: a command that may have been lost counts
 * as not done. The client library is loaded when it is used.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { InterruptedError, OperationalError } from '../../core/errors/errors.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import { configuredCredentials } from '../http/configured-credentials.ts'
import { Redactor } from '../http/redact.ts'
import { DescriptorCacheUnreachableError } from './errors.ts'

export interface RedisSettings {
  /** redis://host:port[/db] or rediss://…, without user or password. */
  readonly url: string
  /** Where they are; never they themselves. */
  readonly auth?: RedisAuth | undefined
  /** Where variables are read. @default process.env */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined
  /** The longest time for a connection or an answer. @default 30 000 */
  readonly answerMsMax?: number | undefined
}

export interface RedisAuth {
  readonly usernameEnv?: string | undefined
  readonly passwordEnv?: string | undefined
  readonly passwordFile?: string | undefined
}

/** What is needed of the library's client. */
export interface RedisConversation {
  ping(): Promise<unknown>
  /** How many of them were there. */
  del(keys: readonly string[]): Promise<number>
  /** All keys that match, in batches; one may come twice. */
  keys(pattern: string): AsyncIterable<readonly string[]>
  exists(key: string): Promise<boolean>
}

const ANSWER_DEFAULT_MS = 30_000
/** Keys that the server looks at for one answer to SCAN. */
const SCAN_COUNT = 1000

/** @throws DescriptorCacheUnreachableError, CredentialUnavailableError, InterruptedError */
export async function withRedis<T>(
  settings: RedisSettings,
  work: (redis: RedisConversation) => Promise<T>,
  { signal }: RunOptions = {},
): Promise<T> {
  if (signal?.aborted === true) throw new InterruptedError()
  const redactor = new Redactor()
  const credentials = await readCredentials(settings, redactor)
  const failed = (why: string, cause?: unknown): Error =>
    new DescriptorCacheUnreachableError(settings.url, redactor.text(why), {
      cause: cause === undefined ? undefined : redactor.cause(cause),
    })
  try {
    const client = await openClient(settings, credentials)
    const ended = new AbortController()
    const limit = limitOf(settings, signal, ended.signal)
    try {
      await limit(client.connect())
      return await work(conversation(client, limit))
    } finally {
      ended.abort()
      if (client.isOpen) client.destroy()
    }
  } catch (error) {
    // What `work` itself throws on purpose says already what it has to say.
    if (error instanceof OperationalError) throw error
    throw failed(error instanceof Error ? whyOf(error) : String(error), error)
  }
}

type Limit = <T>(answer: Promise<T>) => Promise<T>

/** An answer, or the end of waiting for it. The client has no timeout of its own that covers a silent server. */
function limitOf(settings: RedisSettings, signal: AbortSignal | undefined, ended: AbortSignal): Limit {
  const answerMs = settings.answerMsMax ?? ANSWER_DEFAULT_MS
  const interrupted = new Promise<never>((_, reject) => {
    signal?.addEventListener('abort', () => reject(new InterruptedError()), { once: true, signal: ended })
  })
  interrupted.catch(() => undefined)
  return async (answer) => {
    const answered = new AbortController()
    const silent = sleep(answerMs, undefined, { signal: answered.signal }).then(() => {
      throw new Error(`no answer within ${answerMs} ms`)
    })
    silent.catch(() => undefined)
    answer.catch(() => undefined)
    try {
      return await Promise.race([answer, silent, interrupted])
    } finally {
      answered.abort()
    }
  }
}

interface Credentials {
  readonly username?: string
  readonly password?: string
}

async function readCredentials(
  { url, auth, environment = process.env }: RedisSettings,
  redactor: Redactor,
): Promise<Credentials> {
  const { usernameEnv, passwordEnv, passwordFile } = auth ?? {}
  if (usernameEnv === undefined && passwordEnv === undefined && passwordFile === undefined) return {}
  // Redis calls the user of those who give a password only `default`.
  const user = usernameEnv === undefined ? { username: 'default' } : { usernameEnv }
  const credential = await configuredCredentials({ ...user, passwordEnv, passwordFile }, environment).get({
    host: new URL(url).host,
    path: '',
  })
  if (credential?.kind !== 'basic') return {}
  redactor.register(credential.password)
  // Without a name where none was given: servers before Redis 6 know no users.
  return usernameEnv === undefined
    ? { password: credential.password }
    : { username: credential.username, password: credential.password }
}

async function openClient({ url, answerMsMax }: RedisSettings, credentials: Credentials) {
  const { createClient } = await import('@redis/client')
  const connectTimeout = answerMsMax ?? ANSWER_DEFAULT_MS
  const client = createClient({
    ...credentials,
    url,
    disableOfflineQueue: true,
    socket: { reconnectStrategy: false, connectTimeout },
  })
  // It is an event emitter: without a listener an error would end the process. Commands in flight fail by themselves.
  client.on('error', () => undefined)
  return client
}

type Client = Awaited<ReturnType<typeof openClient>>

function conversation(client: Client, limit: Limit): RedisConversation {
  return {
    ping: () => limit(client.ping()),
    del: (keys) => limit(client.del([...keys])),
    exists: async (key) => (await limit(client.exists(key))) > 0,
    async *keys(pattern) {
      let cursor = '0'
      do {
        const page = await limit(client.scan(cursor, { MATCH: pattern, COUNT: SCAN_COUNT }))
        cursor = page.cursor
        if (page.keys.length > 0) yield page.keys
      } while (cursor !== '0')
    },
  }
}

function whyOf(error: Error): string {
  if ('code' in error && error.code === 'ECONNREFUSED') return 'nobody listens there'
  return error.message === '' ? error.name : error.message.replace(/\.$/, '')
}
