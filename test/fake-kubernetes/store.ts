/** The objects of a fake cluster, in the order etcd keeps them, with snapshots for lists in pages. */
import { randomUUID } from 'node:crypto'
import { badContinue, expired, objectNotFound, statusAnswer, type FakeAnswer } from './answers.ts'
import type { ServedResource } from './resources.ts'

export interface StoredObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly type?: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
  }
  readonly [field: string]: unknown
}

export interface ListRequest {
  readonly namespace: string | undefined
  readonly limit: number | undefined
  readonly token: string | undefined
  readonly fieldSelector: string | undefined
  readonly labelSelector: string | undefined
}

interface Token {
  readonly rv: number
  readonly start: number
}

// Only so many moments are remembered; the oldest are forgotten as if etcd had compacted them.
const SNAPSHOTS_MAX = 50

export class FakeStore {
  readonly #objects = new Map<string, Map<string, StoredObject>>()
  readonly #snapshots = new Map<string, readonly StoredObject[]>()
  #revision = 100

  create(resource: ServedResource, namespace: string | undefined, object: StoredObject): FakeAnswer {
    const { name } = object.metadata
    const key = `${namespace ?? ''}/${name}`
    const objects = this.#of(resource)
    if (objects.has(key))
      return statusAnswer(409, 'AlreadyExists', `${resource.resource} "${name}" already exists`)
    const stored = this.#stored(resource, namespace, object)
    objects.set(key, stored)
    return { status: 201, body: { kind: resource.kind, apiVersion: apiVersionOf(resource), ...stored } }
  }

  get(resource: ServedResource, namespace: string | undefined, name: string): FakeAnswer {
    const object = this.#of(resource).get(`${namespace ?? ''}/${name}`)
    if (object === undefined) return objectNotFound(resource.resource, name)
    return { status: 200, body: { kind: resource.kind, apiVersion: apiVersionOf(resource), ...object } }
  }

  list(resource: ServedResource, request: ListRequest): FakeAnswer {
    const token = request.token === undefined ? { rv: this.#revision, start: 0 } : readToken(request.token)
    if (token === undefined) return badContinue
    const objects = this.#snapshot(resource, request, token, request.token === undefined)
    if (objects === undefined) return expired(writeToken({ rv: this.#revision, start: token.start }))
    const end = request.limit === undefined ? objects.length : token.start + request.limit
    const next = end < objects.length ? writeToken({ rv: token.rv, start: end }) : undefined
    const selected = request.fieldSelector !== undefined || request.labelSelector !== undefined
    return {
      status: 200,
      body: {
        kind: `${resource.kind}List`,
        apiVersion: apiVersionOf(resource),
        metadata: {
          resourceVersion: String(token.rv),
          ...(next !== undefined && {
            continue: next,
            ...(!selected && { remainingItemCount: objects.length - end }),
          }),
        },
        items: objects.slice(token.start, end),
      },
    }
  }

  /** Forgets every moment but the present one, as etcd does every five minutes. */
  compact(): void {
    this.#revision++
    this.#snapshots.clear()
  }

  #of(resource: ServedResource): Map<string, StoredObject> {
    const key = `${resource.group}/${resource.resource}`
    const objects = this.#objects.get(key) ?? new Map<string, StoredObject>()
    this.#objects.set(key, objects)
    return objects
  }

  #stored(resource: ServedResource, namespace: string | undefined, object: StoredObject): StoredObject {
    const { kind: _kind, apiVersion: _apiVersion, ...rest } = object
    this.#revision++
    const metadata = {
      ...rest.metadata,
      ...(namespace !== undefined && { namespace }),
      uid: randomUUID(),
      resourceVersion: String(this.#revision),
      creationTimestamp: '2026-01-01T00:00:00Z',
    }
    const own = resource.custom === true ? { apiVersion: apiVersionOf(resource), kind: resource.kind } : {}
    return { ...own, ...rest, metadata }
  }

  #snapshot(
    resource: ServedResource,
    request: ListRequest,
    { rv }: Token,
    isFirst: boolean,
  ): readonly StoredObject[] | undefined {
    const { namespace = '', fieldSelector = '', labelSelector = '' } = request
    const key = [resource.group, resource.resource, namespace, fieldSelector, labelSelector, rv].join('|')
    if (!isFirst) return this.#snapshots.get(key)
    const objects = [...this.#of(resource).entries()]
      .filter(([, { metadata }]) => namespace === '' || metadata.namespace === namespace)
      .filter(([, object]) => matchesFields(object, fieldSelector) && matchesLabels(object, labelSelector))
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object)
    this.#snapshots.set(key, objects)
    const [oldest] = this.#snapshots.keys()
    if (this.#snapshots.size > SNAPSHOTS_MAX && oldest !== undefined) this.#snapshots.delete(oldest)
    return objects
  }
}

function apiVersionOf({ group, version }: ServedResource): string {
  return group === '' ? version : `${group}/${version}`
}

function matchesFields(object: StoredObject, selector: string): boolean {
  return terms(selector).every((term) => {
    const [, field = '', operator, value] = /^([^!=]+)(!?=)(.*)$/.exec(term) ?? []
    const found =
      field === 'type' ? object.type : field === 'metadata.name' ? object.metadata.name : undefined
    return (found === value) === (operator === '=')
  })
}

function matchesLabels({ metadata }: StoredObject, selector: string): boolean {
  return terms(selector).every((term) => {
    const [key = '', value] = term.split('=')
    return metadata.labels?.[key] === value
  })
}

function terms(selector: string): readonly string[] {
  return selector.split(',').filter((term) => term !== '')
}

function writeToken(token: Token): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', ...token })).toString('base64url')
}

function readToken(text: string): Token | undefined {
  try {
    const { rv, start } = JSON.parse(Buffer.from(text, 'base64url').toString()) as Token
    return { rv, start }
  } catch {
    return undefined
  }
}
