/** `winnow doctor`: one line a check, a cure for each that fails, and no check that stops the others. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Check } from '../../src/app/doctor.ts'
import { parseRepositoryName, parseTagName } from '../../src/core/image/names.ts'
import { invariant } from '../../src/core/errors/invariant.ts'
import { startOciServer, type OciServerOptions } from '../fakes/oci-server.ts'
import { makeSampleFolder, type SampleFolder } from '../support/sample-folder.ts'
import { winnow } from '../support/winnow-in-process.ts'

let sample: SampleFolder

beforeAll(async () => {
  sample = await makeSampleFolder()
})

afterAll(() => sample.remove())

async function checksOf(
  config: string,
  ...words: readonly string[]
): Promise<{ readonly code: number; readonly checks: readonly Check[] }> {
  const all = ['doctor', '--config', config, '--state', join(sample.path, 'state'), '-o', 'json', ...words]
  const { code, stdout } = await winnow(all)
  return { code, checks: (JSON.parse(stdout) as { readonly checks: readonly Check[] }).checks }
}

/** A configuration of one registry over the network. */
async function configFor(url: string): Promise<string> {
  const path = join(sample.path, 'network.yaml')
  const rules = '[{name: few, keep: {newest: 5}}]'
  const policy = `{name: all, repositories: ["**"], rules: ${rules}, unmatched: delete}`
  await writeFile(
    path,
    `version: 1\nregistries:\n  r: {url: "${url}", kind: distribution}\npolicies:\n  - ${policy}\n`,
  )
  return path
}

async function withServer<T>(
  options: OciServerOptions,
  work: (config: string, requests: readonly string[]) => Promise<T>,
): Promise<T> {
  const server = await startOciServer(options)
  const [repository, tag] = [parseRepositoryName('team/app'), parseTagName('1')]
  invariant(repository !== undefined && tag !== undefined, 'the names of this test are names')
  const manifest = Buffer.from(
    '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}',
  )
  server.store
    .repository(repository)
    .putManifest(manifest, 'application/vnd.oci.image.index.v1+json', tag, Date.now())
  try {
    return await work(await configFor(server.url), server.requests)
  } finally {
    await server.stop()
  }
}

function stateOf(checks: readonly Check[], what: string): string | undefined {
  return checks.find((check) => check.what === what)?.state
}

it('finds nothing wrong with the sample world', async () => {
  const { code, stdout } = await winnow(['doctor', ...sample.words])
  expect(code).toBe(0)
  expect(stdout).toContain('registry sample\n  ok ')
  expect(stdout).toContain('kubernetes lab\n  ok ')
  expect(stdout).toMatch(/\d+ checks, no problem found\.\n$/)
})

it('tells every failure with its cure, goes on with the others, and ends with 1', async () => {
  const config = join(sample.path, 'broken.yaml')
  const text = await readFile(join(sample.path, 'winnow.yaml'), 'utf8')
  await writeFile(config, text.replace('lab.json', 'gone.json').replace('keep.txt', 'gone.txt'))
  const { code, checks } = await checksOf(config)
  expect(code).toBe(1)
  const failed = checks.filter(({ state }) => state === 'failed')
  expect(failed.map(({ subject }) => subject)).toEqual(['kubernetes lab', 'references pinned'])
  expect(failed.every(({ cure }) => (cure ?? '') !== '')).toBe(true)
  expect(stateOf(checks, 'list the repositories')).toBe('ok')
})

it('ends with 3 when the configuration is wrong', async () => {
  const config = join(sample.path, 'wrong.yaml')
  await writeFile(config, 'version: 2\n')
  expect((await winnow(['doctor', '--config', config])).code).toBe(3)
  await rm(config)
})

describe('over the network', () => {
  it('asks about deletion with a tag that does not exist, and deletes nothing', () =>
    withServer({}, async (config, requests) => {
      const { code, checks } = await checksOf(config)
      expect(code).toBe(0)
      expect(stateOf(checks, 'delete')).toBe('ok')
      const deletions = requests.filter((request) => request.startsWith('DELETE '))
      expect(deletions).toHaveLength(1)
      expect(deletions[0]).toMatch(/\/team\/app\/manifests\/winnow-probe-[0-9a-f]{32}$/)
    }))

  it('sends no deletion at all when told so', () =>
    withServer({}, async (config, requests) => {
      const { checks } = await checksOf(config, '--without-delete-probe')
      expect(stateOf(checks, 'delete')).toBeUndefined()
      expect(requests.filter((request) => request.startsWith('DELETE '))).toEqual([])
    }))

  it('fails when deletion is refused, with the cure of that registry', () => {
    const body = '{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}'
    const headers = { 'content-type': 'application/json' }
    const refusal = { status: 405, headers, body }
    return withServer(
      { intercept: ({ method }) => (method === 'DELETE' ? refusal : undefined) },
      async (config) => {
        const { code, checks } = await checksOf(config)
        expect(code).toBe(1)
        expect(checks.find(({ what }) => what === 'delete')).toMatchObject({
          state: 'failed',
          cure: expect.stringMatching(/\w/) as string,
        })
      },
    )
  })

  it('warns of a clock that is far off', () => {
    const date = new Date(Date.now() - 3_600_000).toUTCString()
    const reply = {
      status: 200,
      headers: { date, 'docker-distribution-api-version': 'registry/2.0' },
      body: '{}',
    }
    return withServer({ intercept: ({ url }) => (url === '/v2/' ? reply : undefined) }, async (config) => {
      const { checks } = await checksOf(config)
      expect(checks.find(({ what }) => what === 'compare clocks')).toMatchObject({
        state: 'warning',
        text: expect.stringContaining('1h') as string,
      })
    })
  })

  it('says who does not list its repositories', () =>
    withServer(
      { intercept: ({ url }) => (url.startsWith('/v2/_catalog') ? { status: 404 } : undefined) },
      async (config) => {
        const { code, checks } = await checksOf(config)
        expect(code).toBe(1)
        expect(stateOf(checks, 'reach the registry')).toBe('ok')
        expect(stateOf(checks, 'list the repositories')).toBe('failed')
      },
    ))
})
