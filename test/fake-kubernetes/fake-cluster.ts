/** Decides what a fake API server answers: who asks, what they may, what there is, and what goes wrong. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { forbidden, pageNotFound, resourceNotFound, unauthorized, type FakeAnswer } from './answers.ts'
import { answerDiscovery, type DiscoverySettings } from './discovery.ts'
import { damagedAnswer, Faults, replacedAnswer } from './faults.ts'
import { builtIn, type ServedResource } from './resources.ts'
import { bodyOf, send } from './send.ts'
import { FakeStore, type StoredObject } from './store.ts'

export const tokens = {
  admin: 'admin-token',
  winnow: 'winnow-token',
  restricted: 'restricted-token',
} as const
export type FakeUser = keyof typeof tokens

export interface FakeRule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

export interface FakeKubernetesOptions {
  /** @default v2 */
  readonly aggregated?: 'v2' | 'v2beta1' | false
  /** Kinds beside the built-in ones. @default [] */
  readonly custom?: readonly ServedResource[]
  /** `group/version` of API services that are down. @default [] */
  readonly dead?: readonly string[]
}

interface Grant {
  readonly user: string
  readonly rules: readonly FakeRule[]
  readonly namespace: string | undefined
}

interface Target {
  readonly resource: ServedResource
  readonly namespace: string | undefined
  readonly name: string | undefined
}

export class FakeCluster {
  readonly faults = new Faults()
  readonly store = new FakeStore()
  readonly requests: string[] = []
  readonly grants: Grant[] = []
  readonly #discovery: DiscoverySettings

  constructor(options: FakeKubernetesOptions) {
    const resources = [...builtIn, ...(options.custom ?? [])]
    this.#discovery = { resources, aggregated: options.aggregated ?? 'v2', dead: new Set(options.dead) }
    for (const name of ['default', 'kube-system', 'kube-public']) {
      this.store.create(this.#resource('', 'v1', 'namespaces'), undefined, { metadata: { name } })
    }
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = request.url ?? '/'
    this.requests.push(`${request.method ?? ''} ${target}`)
    const body = await bodyOf(request)
    const fault = this.faults.strike(target)
    const answer = fault === undefined ? undefined : replacedAnswer(fault.kind, fault.retryAfter)
    const truth = answer ?? this.#answer(request, target, body)
    send(request, response, fault === undefined ? truth : damagedAnswer(fault.kind, truth), fault)
  }

  #answer(request: IncomingMessage, target: string, body: string): FakeAnswer {
    const user = userOf(request)
    if (user === undefined) return unauthorized
    const url = new URL(target, 'http://fake')
    if (url.pathname === '/version')
      return { status: 200, body: { major: '1', minor: '36', gitVersion: 'v1.36.0-fake' } }
    const discovery = answerDiscovery(url.pathname, request.headers.accept ?? '', this.#discovery)
    // Discovery is open to whoever is signed in.
    if (discovery !== undefined)
      return user === 'system:anonymous' ? forbidden(user, 'get', 'path', '', undefined) : discovery
    const found = this.#target(url.pathname)
    if (found === undefined) return this.#knowsGroup(url.pathname) ? resourceNotFound : pageNotFound
    if (request.method === 'POST') return this.#create(user, found, JSON.parse(body) as StoredObject)
    return this.#read(user, found, url.searchParams)
  }

  #read(user: string, { resource, namespace, name }: Target, query: URLSearchParams): FakeAnswer {
    const verb = name === undefined ? 'list' : 'get'
    if (!this.#may(user, verb, resource, namespace))
      return forbidden(user, verb, resource.resource, resource.group, namespace)
    if (name !== undefined) return this.store.get(resource, namespace, name)
    const limit = query.get('limit')
    // resourceVersion=0 answers from a cache and knows no pages.
    const isCached = query.get('resourceVersion') === '0'
    return this.store.list(resource, {
      namespace,
      limit: limit === null || isCached ? undefined : Number(limit),
      token: query.get('continue') ?? undefined,
      fieldSelector: query.get('fieldSelector') ?? undefined,
      labelSelector: query.get('labelSelector') ?? undefined,
    })
  }

  #create(user: string, { resource, namespace }: Target, object: StoredObject): FakeAnswer {
    if (resource.resource === 'selfsubjectaccessreviews') return this.#review(user, object)
    if (!this.#may(user, 'create', resource, namespace))
      return forbidden(user, 'create', resource.resource, resource.group, namespace)
    return this.store.create(resource, namespace, object)
  }

  #review(user: string, review: StoredObject): FakeAnswer {
    const spec = review['spec'] as {
      readonly resourceAttributes: {
        readonly group: string
        readonly resource: string
        readonly verb: string
        readonly namespace?: string
      }
    }
    const { verb, namespace, ...resource } = spec.resourceAttributes
    return {
      status: 201,
      body: { ...review, metadata: {}, status: { allowed: this.#may(user, verb, resource, namespace) } },
    }
  }

  #may(
    user: string,
    verb: string,
    { group, resource }: { readonly group: string; readonly resource: string },
    namespace: string | undefined,
  ): boolean {
    if (user === 'admin') return true
    const covers = (list: readonly string[], value: string): boolean =>
      list.includes('*') || list.includes(value)
    return this.grants.some(
      (grant) =>
        grant.user === user &&
        (grant.namespace === undefined || grant.namespace === namespace) &&
        grant.rules.some(
          (rule) =>
            covers(rule.apiGroups, group) && covers(rule.resources, resource) && covers(rule.verbs, verb),
        ),
    )
  }

  #target(path: string): Target | undefined {
    const match = /^\/api(?:s\/([^/]+))?\/([^/]+)(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?$/.exec(
      path,
    )
    const namespaced = this.#match(match)
    if (namespaced !== undefined) return namespaced
    // /api/v1/namespaces/<name> is a namespace itself.
    const own = /^\/api\/v1\/namespaces\/([^/]+)$/.exec(path)
    return own === null
      ? undefined
      : { resource: this.#resource('', 'v1', 'namespaces'), namespace: undefined, name: own[1] }
  }

  #match(match: RegExpExecArray | null): Target | undefined {
    if (match === null) return undefined
    const [, group = '', version = '', namespace, resource = '', name] = match
    const found = this.#discovery.resources.find(
      (each) => each.group === group && each.version === version && each.resource === resource,
    )
    return found === undefined ? undefined : { resource: found, namespace, name }
  }

  #knowsGroup(path: string): boolean {
    const [, group = '', version] = /^\/api(?:s\/([^/]+))?\/([^/]+)\//.exec(path) ?? []
    return this.#discovery.resources.some((each) => each.group === group && each.version === version)
  }

  #resource(group: string, version: string, name: string): ServedResource {
    const found = builtIn.find(
      (each) => each.group === group && each.version === version && each.resource === name,
    )
    if (found === undefined) throw new Error(`the fake serves no ${name}`)
    return found
  }
}

/** The user of a token; anonymous without one, undefined for a wrong one. */
function userOf(request: IncomingMessage): string | undefined {
  const { authorization } = request.headers
  if (authorization === undefined) return 'system:anonymous'
  return Object.entries(tokens).find(([, token]) => authorization === `Bearer ${token}`)?.[0]
}
