/**
 * A Nexus 3 as its documentation and sources have it: a connector with Basic, components and a search that may lag in pages
 * with continuation tokens, deletion by component, tasks that only privileged users see.
 */
import { startFakeServer, type FakeRequest, type FakeServer, type Reply } from './fake-server.ts'
import { NexusState, type NexusComponent } from './nexus-state.ts'
import { answerOci } from './oci-server.ts'

export interface NexusUser {
  readonly name: string
  readonly password: string
  readonly privileges: readonly ('browse' | 'read' | 'edit' | 'delete' | 'tasks' | 'run' | 'admin')[]
}

export interface NexusOptions {
  /** Components on a page. @default 100 */
  readonly rowsMax?: number
  readonly latencyMs?: number
}

export interface NexusRepositoryRow {
  readonly name: string
  readonly type: string
  readonly format?: string
  readonly port?: number
}

export interface NexusServer extends FakeServer {
  readonly state: NexusState
  readonly users: Map<string, NexusUser>
  readonly repositories: NexusRepositoryRow[]
  readonly tasks: NexusTaskRow[]
  /** Ids of tasks, in the order in which they were begun. */
  readonly ran: string[]
}

export interface NexusTaskRow {
  readonly id: string
  readonly name: string
  readonly type: string
  /** Disabled tasks are not run. @default true */
  enabled?: boolean
  /** What it says at each look once it was begun; then it rests. @default RUNNING, once */
  course?: readonly string[]
  /** @default OK */
  result?: string
  /** The time of a run is written down when it begins, and not when it ends. @default false */
  stampsAtStart?: boolean
  /** What it says now. @default WAITING */
  currentState?: string
  lastRun?: string
  lastRunResult?: string
  /** The words that are still to come. */
  words?: string[]
}

export const nexusUser: NexusUser = {
  name: 'winnow',
  password: 'nexus-password',
  privileges: ['browse', 'read', 'edit', 'delete', 'tasks', 'run'],
}

const REST = '/service/rest/v1'

export async function startNexus(options: NexusOptions = {}): Promise<NexusServer> {
  const state = new NexusState()
  const users = new Map([[nexusUser.name, nexusUser]])
  const repositories: NexusRepositoryRow[] = [
    { name: 'docker-hosted', type: 'hosted' },
    { name: 'maven-releases', type: 'hosted', format: 'maven2' },
  ]
  const tasks: NexusTaskRow[] = []
  const ran: string[] = []
  const answer = (request: FakeRequest): Reply => {
    const user = userOf(request, users)
    const { pathname } = request.url
    const images = pathname.replace(/^\/repository\/docker-hosted(?=\/v2\/)/, '')
    if (images.startsWith('/v2/')) return answerConnector(state, request, images, user)
    if (!pathname.startsWith(REST)) return { status: 404, headers: html, body: '<h1>404</h1>' }
    if (user === undefined) return { status: 401, headers: challenge }
    const rest = { state, repositories, tasks, ran, rowsMax: options.rowsMax ?? 100 }
    return answerRest(rest, request, pathname.slice(REST.length), user)
  }
  const server = await startFakeServer(answer, options)
  return { ...server, requests: server.requests, state, users, repositories, tasks, ran }
}

const html = { 'content-type': 'text/html' }
const challenge = { 'www-authenticate': 'BASIC realm="Sonatype Nexus Repository Manager"' }

function answerConnector(
  state: NexusState,
  request: FakeRequest,
  path: string,
  user: NexusUser | undefined,
): Reply {
  if (user === undefined) return { ...failures(401, 'UNAUTHORIZED'), headers: challenge }
  const needed = request.method === 'GET' || request.method === 'HEAD' ? 'read' : 'edit'
  if (!user.privileges.includes(needed)) return failures(403, 'DENIED')
  const [, image = '', reference = ''] = /^\/v2\/(.+)\/manifests\/([^/]+)$/.exec(path) ?? []
  const url = `${path}${request.url.search}`
  const answered = answerOci(state.store, { referrersApi: false }, { ...request, url }, request.body)
  if (reference !== '' && answered.status === 201) state.pushed(image, reference)
  if (reference !== '' && request.method === 'GET' && answered.status === 200) state.pulled(image, reference)
  return answered
}

interface Rest {
  readonly state: NexusState
  readonly repositories: readonly NexusRepositoryRow[]
  readonly tasks: NexusTaskRow[]
  readonly ran: string[]
  readonly rowsMax: number
}

function answerRest(rest: Rest, request: FakeRequest, path: string, user: NexusUser): Reply {
  const { state, repositories } = rest
  if (path === '/repositories')
    return json(
      200,
      repositories.map(({ name, type, format = 'docker' }) => ({
        name,
        format,
        type,
        url: `http://x/repository/${name}`,
      })),
    )
  const connector = /^\/repositories\/docker\/hosted\/(.+)$/.exec(path)?.[1]
  if (connector !== undefined) {
    if (!user.privileges.includes('admin')) return { status: 403 }
    const found = repositories.find(({ name }) => name === connector)
    return found === undefined
      ? { status: 404 }
      : json(200, { name: connector, docker: { httpPort: found.port ?? null } })
  }
  if (path === '/tasks') return listTasks(rest, request, user)
  const task = /^\/tasks\/([^/]+)\/run$/.exec(path)?.[1]
  if (task !== undefined && request.method === 'POST') return runTask(rest, decodeURIComponent(task), user)
  if (!user.privileges.includes('browse')) return { status: 403 }
  if (path === '/components' || path === '/search') return listComponents(rest, request, path)
  const id = /^\/components\/(.+)$/.exec(path)?.[1]
  if (id === undefined || request.method !== 'DELETE')
    return { status: 404, headers: html, body: '<h1>404</h1>' }
  if (!user.privileges.includes('delete')) return { status: 403 }
  return { status: state.remove(decodeURIComponent(id)) ? 204 : 404 }
}

function listTasks({ tasks }: Rest, { url }: FakeRequest, user: NexusUser): Reply {
  if (!user.privileges.includes('tasks')) return { status: 403 }
  const rows = tasks.filter(({ type }) => type === url.searchParams.get('type'))
  const items = rows.map((task) => {
    const { id, name, type, currentState = 'WAITING', lastRun = null, lastRunResult = null } = goOn(task)
    return { id, name, type, message: name, currentState, lastRunResult, nextRun: null, lastRun }
  })
  return json(200, { items, continuationToken: null })
}

/** Each look finds a task one word further; after the last it rests, and has a result. */
function goOn(task: NexusTaskRow): NexusTaskRow {
  if (task.words === undefined) return task
  const word = task.words.shift()
  if (word !== undefined) {
    task.currentState = word
    return task
  }
  delete task.words
  task.currentState = 'WAITING'
  if (task.stampsAtStart !== true) stamp(task)
  task.lastRunResult = task.result ?? 'OK'
  return task
}

function stamp(task: NexusTaskRow): void {
  task.lastRun = instant(Date.parse(task.lastRun ?? '2026-11-25T03:00:00Z') + 60_000)
}

function runTask({ tasks, ran }: Rest, id: string, user: NexusUser): Reply {
  if (!user.privileges.includes('run')) return { status: 403 }
  const task = tasks.find((each) => each.id === id)
  if (task === undefined) return { status: 404 }
  if (task.enabled === false) return { status: 405 }
  ran.push(id)
  if (task.stampsAtStart === true) stamp(task)
  task.words = [...(task.course ?? ['RUNNING'])]
  return { status: 204 }
}

function listComponents({ state, repositories, rowsMax }: Rest, { url }: FakeRequest, path: string): Reply {
  const repository = url.searchParams.get('repository')
  if (!repositories.some(({ name }) => name === repository)) return { status: 404 }
  const image = url.searchParams.get('docker.imageName')
  const all = path === '/search' ? state.search(image ?? '') : [...state.components.values()]
  const sorted = all.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const token = url.searchParams.get('continuationToken')
  const after = token === null ? undefined : Buffer.from(token, 'base64url').toString()
  const left = after === undefined ? sorted : sorted.filter(({ id }) => id > after)
  const page = left.slice(0, rowsMax)
  const last = page.at(-1)
  const next =
    left.length > page.length && last !== undefined ? Buffer.from(last.id).toString('base64url') : null
  return json(200, { items: page.map(rowOf), continuationToken: next })
}

function rowOf({ id, image, version, assets }: NexusComponent): unknown {
  return {
    id,
    repository: 'docker-hosted',
    format: 'docker',
    group: null,
    name: image,
    version,
    assets: [...assets].map(([reference, asset]) => ({
      downloadUrl: `http://x/repository/docker-hosted/v2/${image}/manifests/${reference}`,
      path: `v2/${image}/manifests/${reference}`,
      id: `${id}-asset`,
      repository: 'docker-hosted',
      format: 'docker',
      checksum: { sha256: asset.digest.slice(7) },
      contentType: asset.mediaType,
      lastModified: instant(asset.createdAt),
      lastDownloaded: asset.downloadedAt === undefined ? null : instant(asset.downloadedAt),
      fileSize: asset.size,
      blobCreated: instant(asset.createdAt),
    })),
  }
}

function instant(at: number): string {
  return new Date(at).toISOString().replace('Z', '+00:00')
}

function userOf({ headers }: FakeRequest, users: ReadonlyMap<string, NexusUser>): NexusUser | undefined {
  const [scheme, value = ''] = (headers.authorization ?? '').split(' ')
  if (scheme !== 'Basic') return undefined
  const [name = '', password = ''] = Buffer.from(value, 'base64').toString().split(':')
  const user = users.get(name)
  return user?.password === password ? user : undefined
}

function failures(status: number, code: string): Reply {
  return json(status, { errors: [{ code, message: code.toLowerCase() }] })
}

function json(status: number, body: unknown): Reply {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}
