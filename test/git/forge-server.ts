/** A forge on loopback, in three dialects, with paging and a login; it can be told to misbehave. */
import type { ServerResponse } from 'node:http'
import { startFaultServer, type FaultServer, type RecordedRequest } from '../http/fault-server.ts'
import type { ForgeKind } from '../../src/adapters/forges/forge-dialect.ts'

export interface FakePull {
  readonly number: number
  readonly head: string
  readonly createdAt: number
  updatedAt: number
  /** `open`, `closed` or `merged`; GitLab also knows `locked`. */
  state: 'open' | 'closed' | 'merged' | 'locked'
  closedAt?: number
}

export interface FakeForge {
  readonly server: FaultServer
  /** Of the API. */
  readonly url: string
  readonly pulls: FakePull[]
}

export interface FakeForgeSettings {
  readonly kind: ForgeKind
  readonly project: string
  readonly token?: string
  readonly pageSize?: number
  /** Answers in its place; true when it did. */
  readonly intercept?: (request: RecordedRequest, response: ServerResponse, index: number) => boolean
  /** Leaves out Link headers. */
  readonly withoutLinks?: boolean
}

const apiPaths: Readonly<Record<ForgeKind, string>> = { github: '', gitlab: '/api/v4', gitea: '/api/v1' }

export async function startForge(settings: FakeForgeSettings): Promise<FakeForge> {
  const pulls: FakePull[] = []
  const server = await startFaultServer((request, response, index) => {
    if (settings.intercept?.(request, response, index) === true) return
    answer(settings, pulls, request, response)
  })
  return { server, url: `${server.url}${apiPaths[settings.kind]}`, pulls }
}

function answer(
  { kind, project, token, pageSize = 100, withoutLinks = false }: FakeForgeSettings,
  pulls: readonly FakePull[],
  request: RecordedRequest,
  response: ServerResponse,
): void {
  const url = new URL(request.url, 'http://127.0.0.1')
  if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
    response.writeHead(401).end(`{"message":"Bad credentials ${request.headers.authorization ?? ''}"}`)
    return
  }
  const id =
    kind === 'gitlab' ? `projects/${encodeURIComponent(project)}/merge_requests` : `repos/${project}/pulls`
  if (url.pathname !== `${apiPaths[kind]}/${id}`) {
    response.writeHead(404).end('{"message":"Not Found"}')
    return
  }
  const all = select(kind, url.searchParams, pulls)
  const asked = Number(url.searchParams.get('per_page') ?? url.searchParams.get('limit') ?? 30)
  const size = Math.min(asked, pageSize)
  const page = Number(url.searchParams.get('page') ?? 1)
  const slice = all.slice((page - 1) * size, page * size)
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (!withoutLinks && page * size < all.length) {
    const next = new URL(request.url, `http://${request.headers.host ?? ''}`)
    next.searchParams.set('page', String(page + 1))
    headers['link'] = `<${next.href}>; rel="next", <${next.href}>; rel="last"`
  }
  if (kind !== 'github') headers[kind === 'gitlab' ? 'x-total' : 'x-total-count'] = String(all.length)
  response.writeHead(200, headers).end(JSON.stringify(slice.map((pull) => written(kind, pull))))
}

function select(kind: ForgeKind, query: URLSearchParams, pulls: readonly FakePull[]): readonly FakePull[] {
  const state = query.get('state') ?? ''
  const states: Readonly<Record<string, readonly string[]>> =
    kind === 'gitlab'
      ? { opened: ['open'], locked: ['locked'], closed: ['closed'], merged: ['merged'] }
      : { open: ['open'], closed: ['closed', 'merged'] }
  const after = Date.parse(query.get('updated_after') ?? '1970-01-01T00:00:00Z')
  const found = pulls.filter(
    (pull) => states[state]?.includes(pull.state) === true && pull.updatedAt >= after,
  )
  const byUpdate =
    /updated/.test(`${query.get('sort') ?? ''}${query.get('order_by') ?? ''}`) ||
    query.get('sort') === 'recentupdate'
  return found.toSorted((a, b) => (byUpdate ? b.updatedAt - a.updatedAt : a.createdAt - b.createdAt))
}

function written(kind: ForgeKind, { number, head, state, closedAt, updatedAt }: FakePull): unknown {
  const at = (time: number | undefined): string | null =>
    time === undefined ? null : new Date(time).toISOString()
  const merged = state === 'merged' ? at(closedAt) : null
  if (kind === 'gitlab') {
    const closed = state === 'closed' ? at(closedAt) : null
    const name = state === 'open' ? 'opened' : state
    return {
      iid: number,
      sha: head,
      state: name,
      updated_at: at(updatedAt),
      closed_at: closed,
      merged_at: merged,
    }
  }
  const name = state === 'open' ? 'open' : 'closed'
  return {
    number,
    state: name,
    head: { sha: head },
    updated_at: at(updatedAt),
    closed_at: at(closedAt),
    merged_at: merged,
  }
}
