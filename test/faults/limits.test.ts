/** Promise 10: a command that faces a broken server ends by itself, within 150 s, with an exit code that says so. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startFaultServer, type Script } from '../http/fault-server.ts'
import { makeCli, type Cli } from './cli.ts'

const huge = Buffer.alloc(1024 * 1024, 'x')

const faults: Readonly<Record<string, Script>> = {
  'asks for a pause of a year': (_, response) => {
    response.writeHead(429, { 'retry-after': '31536000' })
    response.end()
  },
  'asks for a pause until the end of time': (_, response) => {
    response.writeHead(503, { 'retry-after': 'Fri, 31 Dec 9999 23:59:59 GMT' })
    response.end()
  },
  'has a list without an end': ({ url }, response) => {
    const page = Number(/last=(\d+)/.exec(url)?.[1] ?? 0) + 1
    response.writeHead(200, {
      'content-type': 'application/json',
      link: `</v2/_catalog?last=${page}>; rel="next"`,
    })
    response.end(JSON.stringify({ repositories: [] }))
  },
  'has a list that leads back to itself': (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', link: '</v2/_catalog?n=1>; rel="next"' })
    response.end(JSON.stringify({ repositories: ['team/app'] }))
  },
  'sends a body without an end': ({ url }, response) => {
    if (url === '/v2/') {
      response.end('{}')
      return
    }
    response.writeHead(200, { 'content-type': 'application/json' })
    const more = (): void => {
      while (!response.destroyed && response.write(huge));
      if (!response.destroyed) response.once('drain', more)
    }
    more()
  },
  'closes every connection': (_, response) => {
    response.destroy()
  },
  'sends us around in a circle': ({ url }, response) => {
    response.writeHead(307, { location: url })
    response.end()
  },
}

describe('a registry that', () => {
  let cli: Cli

  beforeAll(async () => {
    cli = await makeCli()
  })
  afterAll(async () => {
    await cli.remove()
  })

  it.concurrent.each(Object.keys(faults))(
    '%s is given up in time',
    async (name) => {
      const server = await startFaultServer(faults[name] ?? (() => undefined))
      const file = `${name.replaceAll(' ', '-')}.yaml`
      await cli.write(
        file,
        `version: 1
registries: {prod: {url: "${server.url}"}}
policies: [{name: all, repositories: ["**"], rules: [], unmatched: delete}]
`,
      )
      const { code, stdout, stderr, tookMs } = await cli.run(['plan', '--config', file])
      await server.close()
      expect(code, stderr).not.toBeNull()
      expect([1, 5, 6], stderr).toContain(code)
      expect(stdout).toBe('')
      expect(stderr).toContain('error:')
      expect(stderr).not.toMatch(/^\s+at /m)
      expect(tookMs).toBeLessThan(150_000)
    },
    160_000,
  )
})
