/**
 * Debian's Redis as a test server: what registries share as a cache of blob descriptors. Keeps nothing on disk.
 */
import { connect } from 'node:net'
import { join } from 'node:path'
import { find } from './find.ts'
import { makeTestFolder, onFreePorts, removeTestFolder, startProcess } from './server-process.ts'

export interface RedisOptions {
  /** Asked of everyone who connects. */
  readonly password?: string
  /** The address of one that was stopped, to come back under it; a free one when left out. */
  readonly port?: number
}

export interface Redis {
  readonly host: string
  readonly port: number
  /** redis://127.0.0.1:PORT */
  readonly url: string
  readonly password: string | undefined
  readonly pid: number
  readonly logs: () => string
  readonly stop: () => Promise<void>
  readonly kill: () => Promise<void>
  /** Sends one command without blanks in its words and returns the lines of the answer as they come over the wire. */
  readonly ask: (...words: readonly string[]) => Promise<readonly string[]>
}

export async function startRedis(options: RedisOptions = {}): Promise<Redis> {
  const found = find('redis-server')
  if (found === undefined) throw new Error('There is no redis-server here.')
  const folder = await makeTestFolder('redis')
  const { password } = options
  try {
    return await onFreePorts(1, async ([free = 0]) => {
      const port = options.port ?? free
      const server = await startProcess({
        binary: found.binary,
        args: [
          ...['--bind', '127.0.0.1', '--port', String(port), '--dir', folder],
          ...['--save', '', '--appendonly', 'no'],
          ...(password === undefined ? [] : ['--requirepass', password]),
        ],
        logFile: join(folder, 'redis.log'),
        isReady: async () => (await converse(port, password, ['PING'])).includes('+PONG'),
      })
      return {
        host: `127.0.0.1:${port}`,
        port,
        url: `redis://127.0.0.1:${port}`,
        password,
        pid: server.pid,
        logs: server.logs,
        kill: server.kill,
        ask: (...words) => converse(port, password, words),
        stop: async () => {
          await server.stop()
          await removeTestFolder(folder)
        },
      }
    })
  } catch (error) {
    await removeTestFolder(folder)
    throw error
  }
}

/** Inline commands need no client: words in, lines out, and QUIT ends the conversation. */
async function converse(
  port: number,
  password: string | undefined,
  words: readonly string[],
): Promise<readonly string[]> {
  const commands = [...(password === undefined ? [] : [['AUTH', password]]), words, ['QUIT']]
  const said = await new Promise<string>((resolve, reject) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1')
    socket.setEncoding('utf8')
    socket.on('data', (part: string) => (answer += part))
    socket.once('error', reject)
    socket.once('end', () => resolve(answer))
    socket.write(commands.map((command) => `${command.join(' ')}\r\n`).join(''))
  })
  // Without the answers to AUTH and QUIT.
  return said
    .trimEnd()
    .split('\r\n')
    .slice(password === undefined ? 0 : 1, -1)
}
