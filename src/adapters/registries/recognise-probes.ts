/**
 * Questions that only one product answers in its own way: GETs of public pages, without a login unless the registry wants
 * one below `/v2/`. A question that fails says nothing, and neither does an answer of another host.
 */
import { InterruptedError, OperationalError } from '../../core/errors/errors.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import type { HttpClient, HttpRequest, HttpResponse } from '../http/http-types.ts'
import { contentType, isRecord } from './oci/answers.ts'
import type { RegistryKind } from './index.ts'

export type ProbeName = 'zot' | 'distribution' | 'harbor' | 'quay' | 'gitea' | 'trow'

interface Probe {
  readonly kind: RegistryKind
  /** Below the registry's `/v2/`, or from the root of its origin. */
  readonly path: string
  readonly isAnswer: (answer: HttpResponse) => boolean
}

const probes: Readonly<Record<ProbeName, Probe>> = {
  zot: { kind: 'zot', path: '_oci/ext/discover', isAnswer: isZot },
  // Distribution has no such route at all, whatever the repository: the 404 page of Go's library answers, before any login.
  distribution: {
    kind: 'distribution',
    path: `winnow/referrers/sha256:${'0'.repeat(64)}`,
    isAnswer: (answer) =>
      answer.status === 404 &&
      answer.text().trim() === '404 page not found' &&
      answer.headers.get('docker-distribution-api-version') === 'registry/2.0',
  },
  harbor: { kind: 'harbor', path: '/api/v2.0/ping', isAnswer: (answer) => saysWord(answer, 'Pong') },
  quay: { kind: 'quay', path: '/api/v1/discovery', isAnswer: isQuay },
  gitea: { kind: 'gitea', path: '/api/v1/version', isAnswer: isGitea },
  trow: {
    kind: 'trow',
    path: '/',
    isAnswer: (answer) => answer.status === 200 && answer.text().includes('Welcome to Trow'),
  },
}

export interface Prober {
  /** Whether the product's own answer came. @throws InterruptedError */
  ask(name: ProbeName): Promise<{ readonly kind: RegistryKind; readonly by: string } | undefined>
}

export interface ProberSettings {
  readonly baseUrl: string
  /** Asks without a login, and once. */
  readonly asking: HttpClient
  /** Logs in, for registries that answer nothing below `/v2/` without. */
  readonly http: HttpClient
}

export function createProber({ baseUrl, asking, http }: ProberSettings, options?: RunOptions): Prober {
  const root = baseUrl.replace(/\/+$/, '')
  const { origin } = new URL(root)
  return {
    ask: async (name) => {
      const { kind, path, isAnswer } = probes[name]
      const isOwnApi = path.startsWith('/')
      const url = isOwnApi ? `${origin}${path}` : `${root}/v2/${path}`
      const by = `its answer to ${new URL(url).pathname}`
      // A catalogue of a whole API may be long; who it is shows in it all the same, or the question fails.
      const request: HttpRequest = { method: 'GET', url, totalTimeoutMs: 10_000 }
      const answer = await answerTo(asking, request, options)
      // Credentials are for the registry; the API beside it need not be the same program's.
      const isLoginWanted = answer !== undefined && [401, 403].includes(answer.status) && !isOwnApi
      const last = isLoginWanted ? await answerTo(http, request, options) : answer
      return last !== undefined && new URL(last.url).origin === origin && isAnswer(last)
        ? { kind, by }
        : undefined
    },
  }
}

async function answerTo(
  http: HttpClient,
  request: HttpRequest,
  options: RunOptions | undefined,
): Promise<HttpResponse | undefined> {
  try {
    return await http.request(request, options)
  } catch (error) {
    if (!(error instanceof OperationalError) || error instanceof InterruptedError) throw error
    return undefined
  }
}

function isZot(answer: HttpResponse): boolean {
  const extensions = fieldOf(answer, 'extensions')
  return Array.isArray(extensions) && extensions.some((each) => isRecord(each) && each['name'] === '_zot')
}

/** Quay describes its API to anybody, in Swagger's words. */
function isQuay(answer: HttpResponse): boolean {
  const paths = fieldOf(answer, 'paths')
  return isRecord(paths) && '/api/v1/repository' in paths
}

/** `{"version":"1.22.0"}`; Forgejo adds `+gitea-1.22.0`. */
function isGitea(answer: HttpResponse): boolean {
  const version = fieldOf(answer, 'version')
  return typeof version === 'string' && /^\d+\.\d+/.test(version)
}

function saysWord(answer: HttpResponse, word: string): boolean {
  return answer.status === 200 && answer.text().trim().replaceAll('"', '') === word
}

function fieldOf(answer: HttpResponse, field: string): unknown {
  if (answer.status !== 200 || contentType(answer) !== 'application/json') return undefined
  try {
    const body = answer.json()
    return isRecord(body) ? body[field] : undefined
  } catch {
    // Not JSON after all: then it is not the product's answer.
    return undefined
  }
}
