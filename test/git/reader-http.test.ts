/** Reading over HTTP: logins, what nobody may see of them, and servers that refuse, fail, mislead or say nothing. */
import { execFileSync, spawnSync } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { configuredCredentials, type ConfiguredAuth } from '../../src/adapters/http/configured-credentials.ts'
import type { GitReaderSettings } from '../../src/adapters/git/git-settings.ts'
import { InterruptedError } from '../../src/core/errors/errors.ts'
import type { RunEvent } from '../../src/ports/run-options.ts'
import {
  git,
  makeRepository,
  testEnvironment,
  type RepositorySpec,
  type TestRepository,
} from './make-repository.ts'
import { startFaultServer, type Script } from '../http/fault-server.ts'
import { allProcesses, startGitHttp, type GitHttpServer, type GitHttpSettings } from './reader-http-server.ts'
import { afterwards, namesOf, readGit, temporaryFolder, troubleOf } from './reader-stand.ts'

const secret = 'gl-5ecret.Token/42'

const spec: RepositorySpec = {
  commits: [{ id: 'a', parents: [], committedAt: '2024-01-01T00:00:00Z' }],
  references: [
    { kind: 'branch', name: 'main', commit: 'a' },
    { kind: 'tag', name: 'v1', commit: 'a' },
  ],
}

interface Stand {
  readonly server: GitHttpServer
  readonly remote: TestRepository
  readonly place: Extract<GitReaderSettings['place'], { readonly kind: 'address' }>
}

async function stand(settings: Omit<GitHttpSettings, 'root'> = {}): Promise<Stand> {
  const root = await temporaryFolder()
  const remote = await makeRepository(spec, { path: join(root, 'acme', 'app.git') })
  const server = await startGitHttp({ root, ...settings })
  afterwards(() => server.close())
  return { server, remote, place: { kind: 'address', address: `${server.url}/acme/app.git` } }
}

const variables = { TOKEN: secret }

function credentials(auth: ConfiguredAuth): Pick<GitReaderSettings, 'credentials'> {
  return { credentials: configuredCredentials(auth, variables) }
}

describe('a repository over http on this machine', () => {
  it('is read without a login where none is wanted', async () => {
    const { place, remote, server } = await stand()
    const history = await readGit({ place })
    expect(troubleOf(history)).toBe('')
    expect(namesOf(history, remote)).toEqual(['branch main = a', 'tag v1 = a'])
    expect(server.logins.every((login) => !login)).toBe(true)
  })

  it('is read with a user and a password, or with a token alone, from a variable or a file', async () => {
    const file = join(await temporaryFolder(), 'token')
    await writeFile(file, `${secret}\n`)
    const ways: readonly (readonly [string, ConfiguredAuth])[] = [
      [`me:${secret}`, { username: 'me', passwordEnv: 'TOKEN' }],
      [`me:${secret}`, { username: 'me', passwordFile: file }],
      [`x-access-token:${secret}`, { tokenEnv: 'TOKEN' }],
      [`x-access-token:${secret}`, { tokenFile: file }],
    ]
    for (const [login, auth] of ways) {
      const { place, remote } = await stand({ login })
      const history = await readGit({ place, ...credentials(auth) })
      expect(troubleOf(history)).toBe('')
      expect(namesOf(history, remote)).toHaveLength(2)
    }
  })

  it('shows its secret in the words of no process, in no event and no file of the copy', async () => {
    const { place, server } = await stand({ login: `me:${secret}` })
    const stateDirectory = await temporaryFolder()
    const events: RunEvent[] = []
    const onEvent = (event: RunEvent): void => void events.push(event)
    const auth = credentials({ username: 'me', passwordEnv: 'TOKEN' })
    expect(troubleOf(await readGit({ place, stateDirectory, ...auth }, {}, { onEvent }))).toBe('')
    const seen = server.processes.join('\n')
    // Were processes not seen at all, the next line would prove nothing.
    expect(seen).toContain('credential.http://127.0.0.1')
    expect(seen).not.toContain(secret)
    expect(JSON.stringify(events)).not.toContain(secret)
    const found = git(stateDirectory, ['grep', '--no-index', '--text', '-lF', secret])
    await expect(found).rejects.toMatchObject({ code: 1 })
  })

  it('with wrong credentials, or none, stops the plan, asks nobody, and tells no secret', async () => {
    const { place, server } = await stand({ login: 'me:another' })
    const refused = troubleOf(
      await readGit({ place, ...credentials({ username: 'me', passwordEnv: 'TOKEN' }) }),
    )
    expect(refused).toContain('other credentials')
    expect(refused).not.toContain(secret)
    expect(troubleOf(await readGit({ place }))).toContain('`auth:`')
    const missing = configuredCredentials({ tokenEnv: 'NOT_SET' }, {})
    expect(troubleOf(await readGit({ place, credentials: missing }))).toContain('NOT_SET')
    expect(server.logins).toContain(true)
  })

  it('asks no helper and no askpass program of the person when credentials are configured', async () => {
    const { place } = await stand({ login: 'me:another' })
    const folder = await temporaryFolder()
    const trace = join(folder, 'asked')
    const program = join(folder, 'ask')
    await writeFile(program, `#!/bin/sh\necho asked >> ${trace}\necho password=another\necho username=me\n`, {
      mode: 0o755,
    })
    const global = join(folder, 'gitconfig')
    await writeFile(global, `[credential]\n\thelper = ${program}\n[core]\n\taskPass = ${program}\n`)
    const environment = {
      ...testEnvironment(),
      GIT_CONFIG_GLOBAL: global,
      GIT_ASKPASS: program,
      SSH_ASKPASS: program,
      DISPLAY: ':0',
    }
    const trouble = troubleOf(await readGit({ place, environment, ...credentials({ tokenEnv: 'TOKEN' }) }))
    expect(trouble).toContain('other credentials')
    await expect(git(folder, ['hash-object', trace])).rejects.toThrow()
    // Without `auth` the person's own helper is asked, as git does.
    expect(troubleOf(await readGit({ place, environment }))).toBe('')
  })

  it('asks no askpass program where nothing else has credentials', async () => {
    const { place } = await stand({ login: 'me:another' })
    const folder = await temporaryFolder()
    const program = join(folder, 'ask')
    await writeFile(program, `#!/bin/sh\ntouch ${folder}/asked\necho another\n`, { mode: 0o755 })
    await writeFile(join(folder, 'gitconfig'), `[core]\n\taskPass = ${program}\n`)
    const environment = {
      ...testEnvironment(),
      GIT_CONFIG_GLOBAL: join(folder, 'gitconfig'),
      GIT_ASKPASS: program,
      SSH_ASKPASS: program,
      DISPLAY: ':0',
    }
    expect(troubleOf(await readGit({ place, environment }))).toContain('other credentials')
    expect(await readdir(folder)).not.toContain('asked')
  })

  it('tells no secret that the server repeats', async () => {
    const { place } = await stand({
      login: `me:${secret}`,
      intercept: (request, response) => {
        if (request.headers.authorization === undefined) return false
        response
          .writeHead(403, { 'content-type': 'text/plain' })
          .end(`We know ${secret} and it is not good enough.\n`)
        return true
      },
    })
    const trouble = troubleOf(
      await readGit({ place, ...credentials({ username: 'me', passwordEnv: 'TOKEN' }) }),
    )
    expect(trouble).toContain('is not good enough')
    expect(trouble).not.toContain(secret)
  })

  it('hands credentials to no other server, wherever it is sent', async () => {
    const other = await stand()
    const { place } = await stand({
      login: `me:${secret}`,
      intercept: (request, response) => {
        if (request.headers.authorization === undefined) return false
        response.writeHead(302, { location: `${other.server.url}${request.url ?? ''}` }).end()
        return true
      },
    })
    const auth = credentials({ username: 'me', passwordEnv: 'TOKEN' })
    expect(troubleOf(await readGit({ place, ...auth }))).not.toBe('')
    expect(other.server.logins.some((login) => login)).toBe(false)
  })

  it.each([
    { status: 404, told: 'no such repository' },
    { status: 403, told: 'other credentials' },
    { status: 500, told: 'server failed' },
    { status: 503, told: 'server failed' },
  ])('that answers $status stops the plan and says so', async ({ status, told }) => {
    const { place } = await stand({
      intercept: (_request, response) => {
        response.writeHead(status).end('nothing')
        return true
      },
    })
    expect(troubleOf(await readGit({ place })).toLowerCase()).toContain(told)
  })

  it('that breaks off in the middle stops the plan', async () => {
    const { place } = await stand({
      intercept: (request, response) => {
        if (request.method !== 'POST') return false
        response.writeHead(200, {
          'content-type': 'application/x-git-upload-pack-result',
          'content-length': '5000',
        })
        response.write('0008')
        setTimeout(() => response.destroy(), 50)
        return true
      },
    })
    expect(troubleOf(await readGit({ place }))).toContain('could not be reached')
  })

  it('that says nothing is given up after a while', async () => {
    const { place } = await stand({ intercept: () => true })
    const trouble = troubleOf(await readGit({ place, limits: { silenceMs: 1000 } }))
    expect(trouble).toContain('could not be reached')
  })

  it('that takes too long is given up, and nothing goes on behind', async () => {
    const { place, server } = await stand({ intercept: () => true })
    const trouble = troubleOf(await readGit({ place, limits: { fetchMs: 1000 } }))
    expect(trouble).toContain('did not end within 1 s')
    expect(allProcesses()).not.toContain(server.url)
  })

  it('is let go at once when the run is interrupted, and nothing goes on behind', async () => {
    const { place, server } = await stand({ intercept: () => true })
    const controller = new AbortController()
    const reading = readGit({ place }, {}, { signal: controller.signal })
    while (server.logins.length === 0) await sleep(20)
    expect(allProcesses()).toContain(server.url)
    controller.abort()
    await expect(reading).rejects.toThrow(InterruptedError)
    expect(allProcesses()).not.toContain(server.url)
  })
})

describe('a server', () => {
  it('that is not there, or has no address, stops the plan', async () => {
    const closed = createServer()
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
    const at = closed.address()
    const port = typeof at === 'object' ? (at?.port ?? 0) : 0
    await new Promise((resolve) => closed.close(resolve))
    for (const address of [`http://127.0.0.1:${port}/app.git`, 'https://no-such-host.invalid/app.git']) {
      expect(troubleOf(await readGit({ place: { kind: 'address', address } }))).toContain(
        'could not be reached',
      )
    }
  })

  it('elsewhere is not asked over plain http, unless that was allowed', async () => {
    const address = 'http://no-such-host.invalid/app.git'
    const place = { kind: 'address', address } as const
    expect(troubleOf(await readGit({ place }))).toContain('anyone on the way')
    expect(troubleOf(await readGit({ place, insecure: true }))).toContain('could not be reached')
  })

  it('with credentials in its address is asked without them, and they are told nowhere', async () => {
    const { place, server } = await stand({ login: `me:${secret}` })
    const address = place.address.replace('://', `://me:${encodeURIComponent(secret)}@`)
    const stateDirectory = await temporaryFolder()
    const trouble = troubleOf(await readGit({ place: { kind: 'address', address }, stateDirectory }))
    expect(trouble).toContain('other credentials')
    expect(trouble + server.processes.join('')).not.toContain(encodeURIComponent(secret))
  })
})

describe.skipIf(spawnSync('openssl', ['version']).status !== 0)(
  'over https (skipped without openssl)',
  () => {
    it('nobody is led on to plain http, and a certificate that nobody knows is not trusted', async () => {
      const other = await stand()
      const folder = await temporaryFolder()
      const words =
        'req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost'
      execFileSync('openssl', words.split(' '), { cwd: folder, stdio: 'pipe' })
      const [key, cert] = await Promise.all(
        ['key.pem', 'cert.pem'].map((name) => readFile(join(folder, name), 'utf8')),
      )
      const script: Script = ({ url }, response) => {
        response.writeHead(302, { location: `${other.server.url}${url}` }).end()
      }
      const server = await startFaultServer(script, { key, cert })
      afterwards(() => server.close())
      const place = { kind: 'address', address: `${server.url}/acme/app.git` } as const
      expect(troubleOf(await readGit({ place }))).toContain('certificate is not trusted')
      const environment = { ...testEnvironment(), GIT_SSL_NO_VERIFY: '1' }
      expect(troubleOf(await readGit({ place, environment }))).toContain('way of transport')
      expect(server.requests).not.toHaveLength(0)
      expect(other.server.logins).toHaveLength(0)
    })
  },
)

it('the stand is right: git clones from it', async () => {
  const { place } = await stand()
  const folder = join(await temporaryFolder(), 'clone')
  await git(dirname(folder), ['clone', '--quiet', place.address, folder])
  expect((await git(folder, ['tag'])).trim()).toBe('v1')
})
