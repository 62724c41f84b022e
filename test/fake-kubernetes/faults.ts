/** What can be made to go wrong in a fake cluster, on purpose and on cue. */
import {
  forbidden,
  pageNotFound,
  resourceNotFound,
  serviceUnavailable,
  statusAnswer,
  type FakeAnswer,
} from './answers.ts'

export interface Fault {
  /** Which requests it strikes, by path and query: `/api/v1/pods?limit=500`. */
  readonly at: RegExp
  readonly kind: FaultKind
  /** How many requests it strikes. @default all */
  readonly times?: number
  /** How many matching requests pass first. @default 0 */
  readonly after?: number
  /** Of a 429 or 503. */
  readonly retryAfter?: string
}

export type FaultKind =
  /** The connection ends in the middle of the body. */
  | 'truncate'
  /** Half a body that claims to be whole: valid HTTP, invalid JSON. */
  | 'half-json'
  /** Nothing comes. */
  | 'stall'
  /** Headers and half a body come, and then nothing. */
  | 'stall-in-body'
  | 'reset'
  | 'html-200'
  | 'html-502'
  | 'proxy-407'
  | 'unauthorized'
  | 'forbidden'
  | 'anonymous'
  | 'not-found'
  | 'page-not-found'
  | 'too-many'
  | 'storage-error'
  | 'unavailable'
  | 'conversion'
  /** The pages of one list come from different moments. */
  | 'moved'
  | 'shard'
  /** 200 with another kind of object. */
  | 'not-a-list'
  | 'no-items'
  | 'status-200'
  /** Every page says there is one more. */
  | 'endless'
  | 'empty'

const html = '<html><body><h1>Sign in</h1></body></html>'

/** The answer that a fault gives in place of the true one; undefined where it damages the true one. */
export function replacedAnswer(kind: FaultKind, retryAfter: string | undefined): FakeAnswer | undefined {
  const wait = retryAfter === undefined ? {} : { headers: { 'retry-after': retryAfter } }
  switch (kind) {
    case 'html-200':
      return { status: 200, body: html, headers: { 'content-type': 'text/html' } }
    case 'html-502':
      return { status: 502, body: html, headers: { 'content-type': 'text/html' } }
    case 'proxy-407':
      return {
        status: 407,
        body: html,
        headers: { 'content-type': 'text/html', 'proxy-authenticate': 'Basic' },
      }
    case 'unauthorized':
      return statusAnswer(401, 'Unauthorized', 'Unauthorized')
    case 'forbidden':
      return forbidden('winnow', 'list', 'things', '', undefined)
    case 'anonymous':
      return forbidden('system:anonymous', 'list', 'things', '', undefined)
    case 'not-found':
      return resourceNotFound
    case 'page-not-found':
      return pageNotFound
    case 'too-many':
      return {
        ...statusAnswer(429, 'TooManyRequests', 'too many requests, please try again later.'),
        ...wait,
      }
    case 'storage-error':
      return statusAnswer(
        500,
        'StorageReadError',
        'failed to prepare current and previous objects: unable to decode',
      )
    case 'unavailable':
      return { ...serviceUnavailable, ...wait }
    case 'conversion':
      return statusAnswer(
        500,
        'InternalError',
        'conversion webhook for example.com/v1, Kind=Thing failed: connection refused',
      )
    case 'status-200':
      return { status: 200, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' } }
    case 'no-items':
      return { status: 200, body: { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '1' } } }
    default:
      return undefined
  }
}

/** The true answer, damaged. */
export function damagedAnswer(kind: FaultKind, answer: FakeAnswer): FakeAnswer {
  const body = answer.body as { readonly metadata?: Readonly<Record<string, unknown>> }
  const withMetadata = (more: Readonly<Record<string, unknown>>): FakeAnswer => ({
    ...answer,
    body: { ...body, metadata: { ...body.metadata, ...more } },
  })
  switch (kind) {
    case 'moved':
      return withMetadata({ resourceVersion: '999999' })
    case 'shard':
      return withMetadata({ shardInfo: { selector: 'shardRange(object.metadata.uid, "0x0", "0x8")' } })
    case 'endless':
      return withMetadata({ continue: 'the-same-again' })
    case 'not-a-list':
      return { ...answer, body: { ...body, kind: 'Pod' } }
    case 'empty':
      return { ...answer, body: { ...body, items: [] } }
    default:
      return answer
  }
}

/** Remembers how often each fault was met. */
export class Faults {
  #faults: { readonly fault: Fault; met: number }[] = []

  add(fault: Fault): void {
    this.#faults.push({ fault, met: 0 })
  }

  clear(): void {
    this.#faults = []
  }

  /** The fault that strikes a request, if any. */
  strike(target: string): Fault | undefined {
    for (const entry of this.#faults) {
      if (!entry.fault.at.test(target)) continue
      const before = entry.met++
      const { after = 0, times = Infinity } = entry.fault
      if (before >= after && before < after + times) return entry.fault
    }
    return undefined
  }
}
