/**
 * One bucket, reached by the vendor's client, which is loaded when the first request is due.
 *
 * Every request goes through here: it is counted, can be cancelled, is repeated by the client while the server asks for
 * patience, and ends in words of the ports. Nothing leaves this folder in the vendor's types.
 */
import { setMaxListeners } from 'node:events'
import { createHash } from 'node:crypto'
import type { S3, S3ClientConfig } from '@aws-sdk/client-s3'
import { InterruptedError } from '../../../core/errors/errors.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { isAbsent, isBucketAbsent, notWritable, unreadable } from './s3-errors.ts'

export interface S3StoreOptions {
  readonly bucket: string
  /** Where in the bucket the files lie: the registry's `rootdirectory`. @default '' */
  readonly prefix?: string
  /** @default what the environment or the profile says; us-east-1 where there is an endpoint */
  readonly region?: string
  /** Of a server that is not Amazon's; the bucket is then a part of the path. */
  readonly endpoint?: string
  /** AWS_ACCESS_KEY_ID and the like; what it does not say, the vendor's client looks for itself. @default process.env */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** How many names a page of a list may have. @default 1000, the most a server gives */
  readonly pageKeys?: number
  /** @default 32 */
  readonly requestsAtOnce?: number
  /** How often a request is sent before it counts as failed. @default 8 */
  readonly attemptsMax?: number
  /** Larger objects are copied in parts. @default 5 GiB, the most a server copies at once */
  readonly copyBytesMax?: number
}

/** How many requests were sent, repeated ones included, by the server's name of the operation. */
export type RequestCounts = Readonly<Record<string, number>>

export interface Connection {
  readonly bucket: string
  /** Ends in a slash, or is empty. */
  readonly prefix: string
  readonly place: string
  readonly isAmazon: boolean
  readonly pageKeys: number
  readonly requestsAtOnce: number
  readonly copyBytesMax: number
  readonly counts: () => RequestCounts
  /** Asks; undefined when the server says "not there". @throws StorageUnreadableError InterruptedError */
  readonly ask: <T>(
    key: string,
    options: RunOptions | undefined,
    request: Request<T>,
  ) => Promise<T | undefined>
  /** Changes; undefined when the server says "not there". @throws StorageWriteError InterruptedError */
  readonly change: <T>(
    key: string,
    options: RunOptions | undefined,
    request: Request<T>,
  ) => Promise<T | undefined>
}

export type Request<T> = (s3: S3, http: { readonly abortSignal?: AbortSignal }) => Promise<T>

const PAGE_KEYS = 1000
const REQUESTS_AT_ONCE = 32
const ATTEMPTS = 8
const COPY_BYTES_MAX = 5 * 1024 ** 3
const CONNECT_TIMEOUT_MS = 10_000
const SILENCE_TIMEOUT_MS = 120_000

export function connect(options: S3StoreOptions): Connection {
  const prefix = trimmedPrefix(options.prefix ?? '')
  const place = `s3://${options.bucket}${prefix === '' ? '' : `/${prefix.slice(0, -1)}`}`
  const counts = new Map<string, number>()
  let client: Promise<S3> | undefined
  let opened: Promise<void> | undefined
  const s3 = (): Promise<S3> => (client ??= createClient(options, counts))
  const open = async (run: RunOptions | undefined): Promise<void> => {
    opened ??= requireBucket(await s3(), options.bucket, prefix, place, run)
    // A failure is not remembered: the server may answer later.
    await opened.catch((error: unknown) => {
      opened = undefined
      throw error
    })
  }
  const send =
    (explain: typeof notWritable | typeof unreadable): Connection['ask'] =>
    async (key, run, request) => {
      if (isAborted(run)) throw new InterruptedError()
      await open(run)
      try {
        return await request(await s3(), httpOptions(run))
      } catch (error) {
        if (isAborted(run)) throw new InterruptedError()
        if (isAbsent(error)) return undefined
        throw explain(`${place}/${key}`, error)
      }
    }
  return {
    bucket: options.bucket,
    prefix,
    place,
    isAmazon: options.endpoint === undefined,
    pageKeys: options.pageKeys ?? PAGE_KEYS,
    requestsAtOnce: options.requestsAtOnce ?? REQUESTS_AT_ONCE,
    copyBytesMax: options.copyBytesMax ?? COPY_BYTES_MAX,
    counts: () => Object.fromEntries([...counts].toSorted()),
    ask: send(unreadable),
    change: send(notWritable),
  }
}

function isAborted(run: RunOptions | undefined): boolean {
  return run?.signal?.aborted === true
}

function httpOptions(run: RunOptions | undefined): { readonly abortSignal?: AbortSignal } {
  if (run?.signal === undefined) return {}
  // Every request in flight listens to the one signal of the run; Node would take that for a leak.
  setMaxListeners(0, run.signal)
  return { abortSignal: run.signal }
}

function trimmedPrefix(prefix: string): string {
  const trimmed = prefix.replace(/^\/+|\/+$/g, '')
  return trimmed === '' ? '' : `${trimmed}/`
}

/** Asked once: to a question about one object, "no such bucket" and "no such object" may be the same answer. */
async function requireBucket(
  s3: S3,
  bucket: string,
  prefix: string,
  place: string,
  run: RunOptions | undefined,
): Promise<void> {
  try {
    await s3.listObjectsV2({ Bucket: bucket, Prefix: prefix, MaxKeys: 1 }, httpOptions(run))
  } catch (error) {
    if (isAborted(run)) throw new InterruptedError()
    throw unreadable(isBucketAbsent(error) ? `s3://${bucket}` : place, error)
  }
}

async function createClient(options: S3StoreOptions, counts: Map<string, number>): Promise<S3> {
  // The client complains on stderr about every Node that its makers will drop one day.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'
  const { S3 } = await import('@aws-sdk/client-s3')
  const s3 = new S3(clientConfiguration(options))
  s3.middlewareStack.add(
    (next, { commandName = 'unknown' }) =>
      async (args) => {
        counts.set(commandName, (counts.get(commandName) ?? 0) + 1)
        return next(args)
      },
    // After the step that repeats requests, so that each one counts.
    { step: 'finalizeRequest', priority: 'low', name: 'countRequests' },
  )
  if (options.endpoint !== undefined) addContentMd5(s3)
  return s3
}

function clientConfiguration(options: S3StoreOptions): S3ClientConfig {
  const { environment = process.env, endpoint } = options
  const region = options.region ?? environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION']
  const credentials = credentialsIn(environment)
  const maxSockets = 2 * (options.requestsAtOnce ?? REQUESTS_AT_ONCE)
  return {
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true, region: region ?? 'us-east-1' }),
    ...(credentials !== undefined && { credentials }),
    // Servers that speak S3 know the older checksums only; TLS and the ETag stand behind these.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    retryMode: 'adaptive',
    maxAttempts: options.attemptsMax ?? ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: SILENCE_TIMEOUT_MS,
      httpAgent: { keepAlive: true, maxSockets },
      httpsAgent: { keepAlive: true, maxSockets },
    },
    logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  }
}

function quiet(): void {
  // What matters comes as an error.
}

function credentialsIn(environment: Readonly<Record<string, string | undefined>>): Credentials | undefined {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_PROFILE } = environment
  // A profile is asked for by name, and then the vendor's client knows where to look.
  if (AWS_PROFILE !== undefined || !AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) return undefined
  return {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN !== undefined && { sessionToken: AWS_SESSION_TOKEN }),
  }
}

interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** Batches of deletions must carry a checksum, and many servers accept only the one that Amazon itself began with. */
function addContentMd5(s3: S3): void {
  s3.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const request = args.request as { headers: Record<string, string>; body?: string | Uint8Array }
        if (commandName !== 'DeleteObjectsCommand' || request.body === undefined) return next(args)
        const md5 = createHash('md5').update(request.body).digest('base64')
        const kept = Object.entries(request.headers).filter(
          ([name]) => !/^x-amz-(sdk-)?checksum-/i.test(name),
        )
        request.headers = { ...Object.fromEntries(kept), 'content-md5': md5 }
        return next(args)
      },
    // After the step that adds the newer checksums.
    { step: 'build', priority: 'low', name: 'contentMd5' },
  )
}
