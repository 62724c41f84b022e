/** `winnow link` as people type it: where the link goes, what is said, and what is refused. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openState } from '../../src/adapters/journal/open-state.ts'
import type { RegistryName } from '../../src/core/image/names.ts'
import { startDockerRegistry, testCredentials, type DockerRegistry } from '../servers/docker-registry.ts'
import { missing, titled } from '../servers/find.ts'
import { makeTestFolder, removeTestFolder } from '../servers/server-process.ts'
import { pushImage, type PushedImage } from '../servers/push.ts'
import { winnow, type Ended } from '../support/winnow-in-process.ts'
import { manifestAt, tagsOf } from './registries.ts'

const needed = 'docker-registry'
const head = 'a1'.repeat(20)
const other = 'b2'.repeat(20)

describe.skipIf(missing(needed))(titled('winnow link', needed), () => {
  let registry: DockerRegistry
  let image: PushedImage
  let folder: string
  let before: string
  beforeAll(async () => {
    registry = await startDockerRegistry()
    image = await pushImage(registry.url, 'team/app', { tags: ['1.2'] })
  })
  afterAll(() => registry?.stop())
  beforeEach(async () => {
    folder = await makeTestFolder('link-cli')
    before = process.cwd()
    process.chdir(folder)
  })
  afterEach(async () => {
    process.chdir(before)
    await removeTestFolder(folder)
  })

  const run = (words: readonly string[], environment: Record<string, string> = {}): Promise<Ended> =>
    winnow(['link', ...words, '--state', join(folder, 'state')], {
      HOME: folder,
      DOCKER_CONFIG: folder,
      ...environment,
    })
  const name = (): string => `${registry.host}/team/app:1.2`
  const configure = (text: string): Promise<void> =>
    writeFile(
      join(folder, 'winnow.yaml'),
      `version: 1\nregistries:\n${text}\npolicies:\n  - {name: all, repositories: ['**'], rules: [], unmatched: keep}\n`,
    )

  it('takes the commit of the CI, says which, and needs no configuration', async () => {
    const ended = await run([name()], { CI_COMMIT_SHA: head, CI_COMMIT_REF_NAME: 'main' })
    expect(ended).toMatchObject({ code: 0, stderr: `Linking to commit ${head}, from CI_COMMIT_SHA.\n` })
    expect(ended.stdout).toContain('linked')
    const tag = `${image.digest.replace(':', '-')}.link-${head}`
    expect(await manifestAt(registry.url, 'team/app', tag)).toMatchObject({
      annotations: { 'org.opencontainers.image.revision': head, 'dev.winnow.link.ref': 'main' },
    })
    const again = await run([name(), '--commit', head, '-o', 'json'])
    expect(JSON.parse(again.stdout)).toMatchObject({ commits: [{ state: 'already-linked', tag }] })
  })

  it('leaves credentials out of the source', async () => {
    const source = 'https://ci-token:s3cret@git.example.com/team/app.git?private_token=s3cret'
    expect(await run([name(), '--commit', other, '--source', source])).toMatchObject({ code: 0 })
    const record = await manifestAt(
      registry.url,
      'team/app',
      `${image.digest.replace(':', '-')}.link-${other}`,
    )
    expect(record).toMatchObject({
      annotations: { 'org.opencontainers.image.source': 'https://git.example.com/team/app.git' },
    })
  })

  it('appends to a file, each link once, behind a last line without an end', async () => {
    const tags = await tagsOf(registry.url, 'team/app')
    await writeFile('links.ndjson', '{"schemaVersion":"link/v1","cut')
    const line = JSON.stringify({
      schemaVersion: 'link/v1',
      image: `${registry.host}/team/app@${image.digest}`,
      commits: [head, other],
      ref: 'main',
    })
    const words = [name(), '--commit', head, '--commit', other, '--ref', 'main', '--file', 'links.ndjson']
    expect(await run(words)).toMatchObject({ code: 0 })
    const again = await run(words)
    expect(again).toMatchObject({ code: 0 })
    expect(again.stdout.match(/already linked/g)).toHaveLength(2)
    expect(again.events).toMatchObject([
      { kind: 'warning', text: expect.stringContaining('links.ndjson:1') as unknown },
    ])
    expect(await readFile('links.ndjson', 'utf8')).toBe(`{"schemaVersion":"link/v1","cut\n${line}\n`)
    expect(await tagsOf(registry.url, 'team/app')).toEqual(tags)
  })

  it('loses no line when many append at once', async () => {
    const commits = Array.from({ length: 20 }, (_, n) => n.toString(16).padStart(40, 'f'))
    await Promise.all(commits.map((commit) => run([name(), '--commit', commit, '--file', 'links.ndjson'])))
    const lines = (await readFile('links.ndjson', 'utf8')).trimEnd().split('\n')
    const told = lines.map((line) => (JSON.parse(line) as { commits: string[] }).commits[0])
    expect(told.toSorted()).toEqual(commits.toSorted())
  })

  it('keeps it in the state, under the name of the registry', async () => {
    await configure(`  prod: {url: '${registry.url}'}`)
    const words = [name(), '--commit', head, '--record', 'state', '-o', 'json']
    expect(JSON.parse((await run(words)).stdout)).toMatchObject({ commits: [{ state: 'linked', tag: null }] })
    expect(JSON.parse((await run(words)).stdout)).toMatchObject({ commits: [{ state: 'already-linked' }] })
    const state = await openState(join(folder, 'state'))
    const links = await state.links.rememberedLinks('prod' as RegistryName)
    await state.close()
    expect(links).toMatchObject([{ repository: 'team/app', subject: image.digest, commit: head }])
  })

  it.each([
    { name: 'an alias', word: 'mirror.example.com/prod/team/app:1.2' },
    { name: 'the name of the registry', word: 'prod/team/app:1.2' },
  ])('finds the registry by $name', async ({ word }) => {
    await configure(`  prod: {url: '${registry.url}', aliases: [mirror.example.com/prod]}`)
    const ended = await run([word, '--commit', head, '-o', 'json'])
    expect(ended).toMatchObject({ code: 0 })
    expect(JSON.parse(ended.stdout)).toMatchObject({ registry: 'prod', digest: image.digest })
  })

  it.each([
    { name: 'a short commit', words: ['--commit', 'a1a1a1a'], says: /short one may name another/ },
    { name: 'no commit and no CI', words: [], says: /no variable of a CI/ },
    { name: 'two places', words: ['--commit', head, '--file', 'f', '--record', 'state'], says: /--record/ },
    {
      name: 'a state without winnow.yaml',
      words: ['--commit', head, '--record', 'state'],
      says: /winnow\.yaml/,
    },
    { name: 'a source that is none', words: ['--commit', head, '--source', 'a b'], says: /--source/ },
    { name: 'a ref that is none', words: ['--commit', head, '--ref', 'a b'], says: /no name of a branch/ },
  ])('refuses $name, with exit code 64', async ({ words, says }) => {
    const ended = await run([name(), ...words])
    expect(ended).toMatchObject({ code: 64, stdout: '' })
    expect(ended.stderr).toMatch(says)
  })

  it.each([
    { name: 'no tag', word: () => `${registry.host}/team/app`, says: /neither a tag nor a digest/ },
    { name: 'no reference', word: () => 'UPPER CASE', says: /no image reference/ },
  ])('refuses an image with $name', async ({ word, says }) => {
    const ended = await run([word(), '--commit', head])
    expect(ended).toMatchObject({ code: 64 })
    expect(ended.stderr).toMatch(says)
  })

  it('refuses a registry that the configuration does not have, and one that it has twice', async () => {
    await configure(`  one: {url: '${registry.url}'}\n  two: {url: '${registry.url}/'}`)
    expect((await run(['elsewhere.example.com/app:1', '--commit', head])).stderr).toMatch(/no registry of/)
    expect((await run([name(), '--commit', head])).stderr).toMatch(/several registries[\s\S]*one\n[\s\S]*two/)
    const named = await run(['two/team/app:1.2', '--commit', head])
    expect(named).toMatchObject({ code: 0 })
  })

  it('says that a missing image is missing, and a missing configuration that was named', async () => {
    const gone = await run([`${registry.host}/team/app:gone`, '--commit', head])
    expect(gone).toMatchObject({ code: 1 })
    expect(gone.stderr).toContain('LINK_IMAGE_ABSENT')
    const named = await run([name(), '--commit', head, '--config', 'nowhere.yaml'])
    expect(named).toMatchObject({ code: 3 })
  })

  it('sends nothing in the clear to another machine', async () => {
    const ended = await run(['registry.example.com:5000/team/app:1', '--commit', head], {
      HTTPS_PROXY: 'http://127.0.0.1:9',
    })
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('https://registry.example.com:5000')
  })
})

describe.skipIf(missing(needed))(titled('a registry that takes no records', needed), () => {
  it('is told with the other ways to keep the link', { timeout: 30_000 }, async () => {
    const writable = await startDockerRegistry()
    await pushImage(writable.url, 'team/app', { tags: ['1'] })
    const registry = await startDockerRegistry({ storageDir: writable.dir, readOnly: true })
    const folder = await makeTestFolder('link-read-only')
    try {
      const words = ['link', `${registry.host}/team/app:1`, '--commit', head]
      const ended = await winnow(words, { HOME: folder, DOCKER_CONFIG: folder })
      expect(ended).toMatchObject({ code: 1 })
      expect(ended.stderr).toMatch(/read-only[\s\S]*--file links\.ndjson[\s\S]*LINK_RECORD_REFUSED/)
      const kept = await winnow([...words, '--file', join(folder, 'links.ndjson')], { HOME: folder })
      expect(kept).toMatchObject({ code: 0 })
    } finally {
      await registry.stop()
      await writable.stop()
      await removeTestFolder(folder)
    }
  })

  it('is asked with the credentials of docker login', { timeout: 30_000 }, async () => {
    const registry = await startDockerRegistry({ htpasswd: testCredentials })
    const folder = await makeTestFolder('link-login')
    try {
      await pushImage(registry.urlWithCredentials, 'team/app', { tags: ['1'] })
      const words = ['link', `${registry.host}/team/app:1`, '--commit', head]
      const environment = { HOME: folder, DOCKER_CONFIG: join(folder, 'docker') }
      expect((await winnow(words, environment)).stderr).toContain('UNAUTHORIZED')
      const auth = Buffer.from(`${testCredentials.user}:${testCredentials.password}`).toString('base64')
      await mkdir(join(folder, 'docker'))
      await writeFile(
        join(folder, 'docker', 'config.json'),
        JSON.stringify({ auths: { [registry.host]: { auth } } }),
      )
      expect(await winnow(words, environment)).toMatchObject({ code: 0 })
    } finally {
      await registry.stop()
      await removeTestFolder(folder)
    }
  })
})
