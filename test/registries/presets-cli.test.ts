/**
 * The whole way with a cloud that is known by its host: `winnow doctor` proves deletion and remembers it, and only then
 * `winnow apply` deletes. The host is reached through a proxy, which is the registry itself: it takes whole
 * URLs as well as paths.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import type { Check } from '../../src/app/doctor.ts'
import { parseRepositoryName, type RepositoryName } from '../../src/core/image/names.ts'
import { seedGraph } from '../conformance/registry-fixture.ts'
import { startOciServer, type OciServer } from '../fakes/oci-server.ts'
import { winnow } from '../support/winnow-in-process.ts'
import { seederOver } from './lab.ts'

const app = parseRepositoryName('crp1/app') as RepositoryName
const stops: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop()
})

async function cloud(): Promise<{
  readonly run: (...words: readonly string[]) => ReturnType<typeof winnow>
  readonly server: OciServer
}> {
  const server = await startOciServer()
  stops.push(() => server.stop())
  await seedGraph(seederOver(server.url), app, [])
  const folder = await mkdtemp(join(tmpdir(), 'winnow-presets-'))
  stops.push(() => rm(folder, { recursive: true }))
  const config = join(folder, 'winnow.yaml')
  const registry = { url: 'http://cr.yandex', insecure: true, proxy: server.url, kind: 'auto' }
  const policy = {
    name: 'all',
    repositories: ['crp1/*'],
    rules: [{ name: 'gone', match: { tags: ['epoch'] }, delete: { all: true } }],
    unmatched: 'keep',
  }
  await writeFile(
    config,
    JSON.stringify({
      version: 1,
      registries: { cloud: registry },
      protect: { youngerThan: '0s' },
      policies: [policy],
    }),
  )
  const run: Awaited<ReturnType<typeof cloud>>['run'] = (...words) =>
    winnow([...words, '--config', config, '--state', join(folder, 'state')])
  return { run, server }
}

const checksOf = (stdout: string): readonly Check[] =>
  (JSON.parse(stdout) as { readonly checks: readonly Check[] }).checks

it('deletes nothing before winnow doctor has proved it, and then what was planned', async () => {
  const { run, server } = await cloud()
  const tags = (): readonly string[] => [...server.store.repository(app).tags.keys()].toSorted()
  const before = tags()
  expect(before).toContain('epoch')
  const refused = await run('apply', '--yes')
  expect(refused.stdout + refused.stderr).toContain('winnow doctor')
  expect(tags()).toEqual(before)

  const unasked = await run('doctor', '--without-delete-probe', '-o', 'json')
  expect(checksOf(unasked.stdout).some(({ what }) => what === 'delete')).toBe(false)
  expect(tags()).toEqual(before)

  const doctor = await run('doctor', '-o', 'json')
  const deletion = checksOf(doctor.stdout).find(({ what }) => what === 'delete')
  expect(deletion).toMatchObject({ state: 'ok' })
  expect(deletion?.text).toContain('proved on a throw-away image in crp1/app')
  const product = checksOf(doctor.stdout).find(({ what }) => what === 'recognise the product')
  expect(product?.text).toContain('Yandex Container Registry')
  expect(product?.text).toContain('told by its address')
  expect(tags()).toEqual(before)

  const applied = await run('apply', '--yes')
  expect(applied.stdout).toContain('Deleted 1 image')
  expect(tags()).toEqual(before.filter((tag) => tag !== 'epoch'))
}, 60_000)

it('pushes into no repository that no policy governs', async () => {
  const { run, server } = await cloud()
  const other = parseRepositoryName('other/app') as RepositoryName
  await seedGraph(seederOver(server.url), other, [])
  server.store.repositories.delete(app)
  const pushes = (): number => server.requests.filter((request) => /^(PUT|POST|DELETE)/.test(request)).length
  const before = pushes()
  const doctor = await run('doctor', '-o', 'json')
  const deletion = checksOf(doctor.stdout).find(({ what }) => what === 'delete')
  expect(deletion).toMatchObject({ state: 'warning' })
  expect(pushes()).toBe(before)
}, 60_000)
