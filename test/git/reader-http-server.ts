/**
 * Git over HTTP on loopback: git's own http-backend behind a small server that can demand a login and misbehave.
 *
 * While it answers it looks at the words of every process on this machine, which is what another user could see.
 */
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { closeServer, listen } from '../http/fault-server.ts'
import { testEnvironment } from './make-repository.ts'

export interface GitHttpServer {
  /** `http://127.0.0.1:PORT`; below it lie the repositories of the root folder. */
  readonly url: string
  /** Whether an Authorization header came, for each request. */
  readonly logins: readonly boolean[]
  /** The words of all processes, as they were during each request. */
  readonly processes: readonly string[]
  close(): Promise<void>
}

export interface GitHttpSettings {
  readonly root: string
  /** `user:password` that is demanded. */
  readonly login?: string
  /** Answers in place of git; true when it did. */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse) => boolean
}

export async function startGitHttp({ root, login, intercept }: GitHttpSettings): Promise<GitHttpServer> {
  const logins: boolean[] = []
  const processes: string[] = []
  const expected = login === undefined ? undefined : `Basic ${Buffer.from(login).toString('base64')}`
  const server = createServer((request, response) => {
    const { authorization } = request.headers
    logins.push(authorization !== undefined)
    processes.push(allProcesses())
    if (intercept?.(request, response) === true) return
    if (expected !== undefined && authorization !== expected) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
      return
    }
    answerByGit(root, request, response)
  })
  const port = await listen(server)
  return { url: `http://127.0.0.1:${port}`, logins, processes, close: () => closeServer(server) }
}

/** The words of every process that we may see, from /proc; empty where there is none. */
export function allProcesses(): string {
  return numbersIn('/proc')
    .map((pid) => textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' '))
    .join('\n')
}

function numbersIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => /^\d+$/.test(name))
  } catch {
    return []
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // It ended meanwhile.
    return ''
  }
}

/** CGI, as git-http-backend(1) wants it. */
function answerByGit(root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const child = spawn('git', ['http-backend'], {
    env: {
      ...testEnvironment(),
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REMOTE_USER: 'test',
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  child.stdin.on('error', () => undefined)
  request.pipe(child.stdin)
  let waiting: Buffer | undefined = Buffer.alloc(0)
  child.stdout.on('data', (chunk: Buffer) => {
    if (waiting === undefined) {
      response.write(chunk)
      return
    }
    waiting = Buffer.concat([waiting, chunk])
    const end = waiting.indexOf('\r\n\r\n')
    if (end < 0) return
    writeHead(response, waiting.toString('latin1', 0, end))
    response.write(waiting.subarray(end + 4))
    waiting = undefined
  })
  child.stdout.on('end', () => response.end())
}

function writeHead(response: ServerResponse, head: string): void {
  let status = 200
  for (const line of head.split('\r\n')) {
    const [name = '', value = ''] = line.split(/: (.*)/)
    if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10)
    else response.setHeader(name, value)
  }
  response.writeHead(status)
}
