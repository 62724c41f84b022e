import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failure } from '../../../test/http/expect-failure.ts'
import { InterruptedError } from '../../core/errors/errors.ts'
import { dockerCredentials } from './docker-credentials.ts'
import { CredentialUnavailableError } from './http-errors.ts'

let home = ''
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'winnow-login-'))
})
afterEach(() => {
  rmSync(home, { recursive: true })
})

function write(path: string, content: unknown): void {
  const full = join(home, path)
  mkdirSync(dirname(full), { recursive: true })
  writeFileSync(full, typeof content === 'string' ? content : JSON.stringify(content))
}

/** A helper in the home's bin directory, which notes what it was asked. */
function helper(suffix: string, body: string): void {
  const path = `bin/docker-credential-${suffix}`
  write(path, `#!/bin/sh\nread -r server\necho "$1 $server" >> "${home}/asked"\n${body}\n`)
  chmodSync(join(home, path), 0o755)
}

const asked = () =>
  existsSync(join(home, 'asked')) ? readFileSync(join(home, 'asked'), 'utf8').trim().split('\n') : []
const pack = (user: string, password: string) => ({
  auth: Buffer.from(`${user}:${password}`).toString('base64'),
})
const from = (environment: Record<string, string> = {}) =>
  dockerCredentials({
    environment: { PATH: `${join(home, 'bin')}:/usr/bin:/bin`, ...environment },
    home,
    helperTimeoutMs: 2_000,
  })
const get = (host: string, path = '', environment: Record<string, string> = {}) =>
  from(environment).get({ host, path })

describe('login files', () => {
  it('give nothing where there are none', async () => {
    expect(await get('reg.example')).toBeUndefined()
  })

  it.each([
    { name: 'a host with port', key: 'reg.example:5000', host: 'reg.example:5000' },
    { name: 'a URL', key: 'https://reg.example/v2/', host: 'reg.example' },
    { name: 'an old URL', key: 'https://reg.example/v1/', host: 'reg.example' },
    { name: 'capitals', key: 'REG.example', host: 'reg.example' },
    { name: 'Docker Hub as the registry', key: 'https://index.docker.io/v1/', host: 'registry-1.docker.io' },
    { name: 'Docker Hub by its short name', key: 'docker.io', host: 'index.docker.io' },
    { name: 'a host with a slash', key: 'reg.example/', host: 'reg.example' },
  ])('are found under $name', async ({ key, host }) => {
    write('.docker/config.json', { auths: { [key]: pack('u', 'p:w') } })
    expect(await get(host)).toMatchObject({ kind: 'basic', username: 'u', password: 'p:w' })
  })

  it.each([
    { name: 'another host', host: 'other.example' },
    { name: 'another port', host: 'reg.example:5001' },
    { name: 'a host that ends alike', host: 'evil-reg.example' },
    { name: 'a subdomain', host: 'a.reg.example' },
  ])('give nothing for $name', async ({ host }) => {
    write('.docker/config.json', { auths: { 'reg.example': pack('u', 'p') } })
    expect(await get(host)).toBeUndefined()
  })

  it.each([
    {
      name: 'an identity token',
      entry: { ...pack('00000000', ''), identitytoken: 'idt' },
      is: { kind: 'identity-token', token: 'idt' },
    },
    { name: 'a registry token', entry: { registrytoken: 'rt' }, is: { kind: 'bearer', token: 'rt' } },
    {
      name: 'plain fields',
      entry: { username: 'u', password: 'p' },
      is: { kind: 'basic', username: 'u', password: 'p' },
    },
    {
      name: 'a padded password',
      entry: { auth: Buffer.from('u:p\0\0').toString('base64') },
      is: { kind: 'basic', password: 'p' },
    },
  ])('hold $name', async ({ entry, is }) => {
    write('.docker/config.json', { auths: { 'reg.example': entry } })
    expect(await get('reg.example')).toMatchObject(is)
  })

  it('take a marker for none', async () => {
    write('.docker/config.json', { auths: { 'reg.example': {} } })
    expect(await get('reg.example')).toBeUndefined()
  })

  it('name where a credential was found', async () => {
    write('.docker/config.json', { auths: { 'reg.example': pack('u', 'p') } })
    expect((await get('reg.example'))?.origin).toBe(`${home}/.docker/config.json (entry reg.example)`)
    expect(from().name).toContain(`${home}/.docker/config.json`)
  })

  it('prefer the most specific path', async () => {
    write('.config/containers/auth.json', {
      auths: {
        'reg.example': pack('u', 'host'),
        'reg.example/team': pack('u', 'team'),
        'reg.example/team/app': pack('u', 'app'),
      },
    })
    const passwords = await Promise.all(
      ['team/app', 'team/app/sub', 'team/other', 'teamwork', ''].map(async (path) => {
        const found = await get('reg.example', path)
        return found?.kind === 'basic' ? found.password : undefined
      }),
    )
    expect(passwords).toEqual(['app', 'app', 'team', 'host', 'host'])
  })

  it('are looked at in order, each for what it has', async () => {
    const places: [string, Record<string, string>][] = [
      ['.dockercfg', {}],
      ['.docker/config.json', {}],
      ['.config/containers/auth.json', {}],
      ['run/containers/auth.json', { XDG_RUNTIME_DIR: join(home, 'run') }],
      ['d/config.json', { DOCKER_CONFIG: join(home, 'd') }],
      ['explicit.json', { REGISTRY_AUTH_FILE: join(home, 'explicit.json') }],
    ]
    let environment = {}
    for (const [path, more] of places) {
      const auths = { 'reg.example': pack('u', path) }
      write(path, path === '.dockercfg' ? auths : { auths })
      environment = { ...environment, ...more }
      expect(await get('reg.example', '', environment)).toMatchObject({ password: path })
    }
    write('explicit.json', { auths: {} })
    expect(await get('reg.example', '', environment)).toMatchObject({ password: 'd/config.json' })
  })

  it('leave ~/.docker alone when DOCKER_CONFIG is set', async () => {
    write('.docker/config.json', { auths: { 'reg.example': pack('u', 'p') } })
    expect(await get('reg.example', '', { DOCKER_CONFIG: join(home, 'elsewhere') })).toBeUndefined()
  })

  it.each([
    { name: 'no JSON', content: '{"auths":{"reg.example":{"auth":"hunter2hunter2"' },
    { name: 'no object', content: '["hunter2"]' },
    {
      name: 'an entry that is no login',
      content: { auths: { 'reg.example': { auth: Buffer.from('hunter2').toString('base64') } } },
    },
  ])('are an error when they hold $name, and are not quoted', async ({ content }) => {
    write('.docker/config.json', content)
    const error = await failure(get('reg.example'), CredentialUnavailableError)
    expect(error.message).toContain('.docker/config.json')
    expect(`${error.message}${String(error.cause)}`).not.toMatch(/hunter2|aHVudGVyMg/)
  })

  it('are read again on refresh', async () => {
    write('.docker/config.json', { auths: { 'reg.example': pack('u', 'old') } })
    const credentials = from()
    const target = { host: 'reg.example', path: '' }
    expect(await credentials.get(target)).toMatchObject({ password: 'old' })
    write('.docker/config.json', { auths: { 'reg.example': pack('u', 'new') } })
    expect(await credentials.get(target)).toMatchObject({ password: 'old' })
    expect(await credentials.get(target, { refresh: true })).toMatchObject({ password: 'new' })
    expect(await credentials.get(target)).toMatchObject({ password: 'new' })
  })
})

describe('credential helpers', () => {
  const answers = (user: string, secret: string) =>
    `echo '${JSON.stringify({ ServerURL: 'x', Username: user, Secret: secret })}'`

  it('come before the store, and the store before the file', async () => {
    helper('own', answers('u', 'own'))
    helper('store', answers('u', 'store'))
    const auths = { 'reg.example': pack('u', 'file') }
    write('.docker/config.json', { auths, credsStore: 'store', credHelpers: { 'reg.example': 'own' } })
    expect(await get('reg.example')).toMatchObject({
      password: 'own',
      origin: 'the credential helper docker-credential-own',
    })
    expect(await get('other.example')).toMatchObject({ password: 'store' })
    expect(asked()).toEqual(['get reg.example', 'get other.example'])
  })

  it('are asked for Docker Hub by its old URL', async () => {
    helper('store', answers('u', 's'))
    write('.docker/config.json', { credsStore: 'store' })
    await get('registry-1.docker.io', 'library/x')
    expect(asked()).toEqual(['get https://index.docker.io/v1/'])
  })

  it('may hold identity tokens', async () => {
    helper('store', answers('<token>', 'idt'))
    write('.docker/config.json', { credsStore: 'store' })
    expect(await get('reg.example')).toMatchObject({ kind: 'identity-token', token: 'idt' })
  })

  it('that have nothing leave the rest to be asked', async () => {
    helper('store', 'echo "credentials not found in native keychain"; exit 1')
    write('.docker/config.json', { auths: { 'reg.example': pack('u', 'file') }, credsStore: 'store' })
    expect(await get('reg.example')).toMatchObject({ password: 'file' })
    expect(await get('other.example')).toBeUndefined()
  })

  it.each([
    { name: 'fails', body: 'echo "no credentials server URL hunter2"; exit 1', said: 'exit code 1' },
    { name: 'talks nonsense', body: 'echo hunter2', said: 'not JSON' },
    {
      name: 'answers with something else',
      body: 'echo \'{"Username":1,"Secret":"hunter2"}\'',
      said: 'lacks Username',
    },
    { name: 'never ends', body: 'sleep 60', said: 'no answer within 0.2 s' },
  ])('are an error when one $name, without quoting it', async ({ body, said }) => {
    helper('bad', body)
    write('.docker/config.json', { credsStore: 'bad', auths: { 'reg.example': pack('u', 'file') } })
    const source = dockerCredentials({
      environment: { PATH: `${join(home, 'bin')}:/usr/bin:/bin` },
      home,
      helperTimeoutMs: body.startsWith('sleep') ? 200 : 5_000,
    })
    const error = await failure(source.get({ host: 'reg.example', path: '' }), CredentialUnavailableError)
    expect(error.message).toContain(said)
    expect(error.message).not.toContain('hunter2')
    expect(error.hint).toContain('echo reg.example | docker-credential-bad get')
  })

  it.each(['missing', '../evil', 'a b'])('are an error when %s is the name', async (suffix) => {
    write('.docker/config.json', { credsStore: suffix })
    await failure(get('reg.example'), CredentialUnavailableError)
  })

  it('run once for all repositories of a host, and again on refresh', async () => {
    helper('store', answers('u', 's'))
    write('.docker/config.json', { credsStore: 'store' })
    const source = from()
    await Promise.all(['a', 'b', 'c'].map((path) => source.get({ host: 'reg.example', path })))
    expect(asked()).toHaveLength(1)
    await source.get({ host: 'reg.example', path: 'a' }, { refresh: true })
    expect(asked()).toHaveLength(2)
  })

  it('are stopped when the run is', async () => {
    helper('slow', 'sleep 60')
    write('.docker/config.json', { credsStore: 'slow' })
    const controller = new AbortController()
    const waiting = failure(
      from().get({ host: 'reg.example', path: '' }, { signal: controller.signal }),
      InterruptedError,
    )
    setTimeout(() => {
      controller.abort()
    }, 50)
    await waiting
  })
})
