/**
 * Promise 11: whatever way credentials come in and whatever the registry does with them, they are in nothing that comes
 * out: no stream, no plan, no file of the state, no request to another host.
 */
import { mkdir, readdir, readFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startFaultServer, type FaultServer, type Script } from '../http/fault-server.ts'
import { makeCli, type Cli, type Ended } from './cli.ts'

const user = 'robot-7c1f'
const secret = 'pa55-separate-the-chaff-91'
const token = 'tok3n-winnow-0b9d2e77'
const pair = Buffer.from(`${user}:${secret}`).toString('base64')
const spellings = [secret, pair, token, encodeURIComponent(`${user}:${secret}`)]

function answer(response: ServerResponse, status: number, headers: object, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}

const challenge = { 'www-authenticate': 'Basic realm="tests"' }

describe('credentials', () => {
  let cli: Cli
  let other: FaultServer

  beforeAll(async () => {
    cli = await makeCli()
    other = await startFaultServer((_, response) => {
      answer(response, 200, {}, { repositories: [], tags: [] })
    })
    await cli.write('password.txt', `${secret}\n`)
    await cli.write('token.txt', `${token}\n`)
  })

  afterAll(async () => {
    await cli.remove()
    await other.close()
  })

  /** The secret in what a client sent, as a server would know it. */
  const heard = (authorization = ''): string => {
    const [scheme = '', value = ''] = authorization.split(' ')
    return scheme === 'Basic' ? Buffer.from(value, 'base64').toString('utf8') : value
  }

  /** Registries that take credentials and then misbehave; some repeat what they were sent, as proxies do. */
  const manners: Readonly<Record<string, Script>> = {
    'accepts them': ({ headers }, response) => {
      if (headers.authorization === undefined) answer(response, 401, challenge, { errors: [] })
      else answer(response, 200, {}, { repositories: ['team/app'], name: 'team/app', tags: [] })
    },
    'refuses them and says them again': ({ headers }, response) => {
      const said = `no entry for ${headers.authorization ?? 'you'} with ${heard(headers.authorization)}`
      answer(response, 401, challenge, { errors: [{ code: 'DENIED', message: said }] })
    },
    'fails and says them again': ({ headers }, response) => {
      if (headers.authorization === undefined) answer(response, 401, challenge, { errors: [] })
      else {
        const message = `${headers.authorization} ${heard(headers.authorization)}`
        answer(response, 403, {}, { errors: [{ code: 'X', message }] })
      }
    },
    'sends us elsewhere': ({ headers, url }, response) => {
      if (headers.authorization === undefined) answer(response, 401, challenge, { errors: [] })
      else answer(response, 307, { location: `${other.url}${url}` }, {})
    },
  }

  const ways = {
    'a file': { auth: `{username: ${user}, passwordFile: password.txt}`, environment: {} },
    'the environment': {
      auth: `{usernameEnv: SHOP_USER, passwordEnv: SHOP_PASSWORD}`,
      environment: { SHOP_USER: user, SHOP_PASSWORD: secret },
    },
    'a token file': { auth: '{tokenFile: token.txt}', environment: {} },
    'the file of docker login': { auth: undefined, environment: {} },
  } as const

  const cases = Object.keys(manners).flatMap((manner) =>
    (Object.keys(ways) as (keyof typeof ways)[]).map((way) => ({ manner, way })),
  )

  it.each(cases)('from $way do not leave when the registry $manner', async ({ manner, way }) => {
    const server = await startFaultServer(manners[manner] ?? (() => undefined))
    const { auth, environment } = ways[way]
    const folder = `case-${cases.findIndex((each) => each.manner === manner && each.way === way)}`
    try {
      const docker = join(cli.folder, folder)
      await mkdir(docker)
      const auths = { [server.url.replace('http://', '')]: { auth: pair } }
      await cli.write(`${folder}/config.json`, JSON.stringify({ auths }))
      await cli.write(
        `${folder}.yaml`,
        `version: 1
registries: {prod: {url: "${server.url}"${auth === undefined ? '' : `, auth: ${auth}`}}}
policies: [{name: all, repositories: ["**"], rules: [], unmatched: keep}]
`,
      )
      const ends: Ended[] = []
      const commands = [
        ['plan', '-o', 'json', '--out', `${folder}.json`],
        ...(way === 'a file' ? [['doctor']] : []),
      ]
      for (const args of commands) {
        ends.push(
          await cli.run([...args, '--config', `${folder}.yaml`], {
            environment: { ...environment, DOCKER_CONFIG: docker, WINNOW_DEBUG: '1' },
          }),
        )
      }
      // They were used, or this proves nothing.
      const sent = server.requests.flatMap(({ headers }) => headers.authorization ?? [])
      expect(sent.some((each) => each.includes(pair) || each.includes(token))).toBe(true)
      for (const { stdout, stderr } of ends) {
        for (const spelling of spellings) expect(stdout + stderr).not.toContain(spelling)
      }
      for (const { headers } of other.requests) expect(headers.authorization).toBeUndefined()
    } finally {
      await server.close()
    }
  })

  it('are in no file of the state, and in no plan', async () => {
    const state = await readdir(join(cli.folder, 'state'), { recursive: true, withFileTypes: true })
    const plans = (await readdir(cli.folder)).filter((name) => /^case-\d+\.json$/.test(name))
    const paths = [
      ...state.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name)),
      ...plans.map((name) => join(cli.folder, name)),
    ]
    expect(paths.length).toBeGreaterThan(1)
    for (const path of paths) {
      const content = await readFile(path, 'latin1')
      for (const spelling of spellings) expect(content.includes(spelling), path).toBe(false)
    }
  })
})
