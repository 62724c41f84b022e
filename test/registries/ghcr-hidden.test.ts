/** A token that loses its rights on a package between the plan and the deletion: GitHub says "not found" for "not yours". */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { parseTagName, type TagName } from '../../src/core/image/names.ts'
import type { ChangeOutcome, MutableRegistry } from '../../src/ports/mutable-registry.ts'
import { seedGraph, type Graph } from '../conformance/registry-fixture.ts'
import { json, type FakeRequest } from '../fakes/fake-server.ts'
import { repositoryNamed } from '../fakes/ghcr-state.ts'
import { startGhcrLab, type GhcrLab } from './ghcr-lab.ts'

const app = repositoryNamed('team/app')
const packageGone = json(404, { message: 'Package not found.', status: '404' })
const versionGone = json(404, { message: 'Package version not found.', status: '404' })

let lab: GhcrLab
let graph: Graph
afterEach(async () => {
  await lab.stop()
})

/** @param at when the package is listed @default now */
async function listed(at = Date.now()): Promise<void> {
  lab = await startGhcrLab()
  graph = await seedGraph(lab.seeder, app, [])
  const clock = vi.spyOn(Date, 'now').mockReturnValue(at)
  await lab.reader.readRepository(app)
  clock.mockRestore()
}

const ofOneVersion = ({ url }: FakeRequest): boolean => /\/versions\/\d+$/.test(url.pathname)
const ofPackage = ({ url }: FakeRequest): boolean => url.pathname.includes('/packages/container/')

type Known = Parameters<MutableRegistry['deleteManifest']>[3]
const epoch = (known?: Known): Promise<ChangeOutcome> =>
  lab.writer.deleteManifest(app, graph.epoch.digest, {}, known)
/** As applying calls it: told which tags the version may have. */
const asApplied = (): Promise<ChangeOutcome> => epoch({ tags: [parseTagName('epoch') as TagName] })
const isThere = (): boolean => lab.server.state.versionOf(app, graph.epoch.digest) !== undefined

const forbidden = (words: string) => ({
  kind: 'refused',
  reason: 'forbidden',
  text: expect.stringMatching(new RegExp(`role Admin on the package.*${words}`)) as string,
})

describe.each([
  ['by its digest alone', () => epoch()],
  ['as applying does', asApplied],
])('a version that is deleted %s and that GitHub lists and does not know', (_, deletion) => {
  it('is not taken for gone', async () => {
    await listed()
    lab.server.inject({ on: ofOneVersion, reply: packageGone })
    expect(await deletion()).toEqual(forbidden('still there'))
    expect(isThere()).toBe(true)
  })

  it('is not taken for gone when the package is no longer shown either', async () => {
    await listed()
    lab.server.inject({ on: ofPackage, reply: packageGone })
    expect(await deletion()).toEqual(forbidden('no longer shows the package'))
  })

  it('is gone when a new list lacks it', async () => {
    await listed()
    lab.server.inject({ on: ofOneVersion, reply: packageGone })
    lab.server.state.delete(app, lab.server.state.versionOf(app, graph.epoch.digest)?.id ?? 0)
    expect(await deletion()).toEqual({ kind: 'absent' })
  })

  it('is gone when GitHub says so of the version itself', async () => {
    await listed()
    lab.server.inject({ on: ofOneVersion, reply: versionGone })
    lab.server.forgetRequests()
    expect(await deletion()).toEqual({ kind: 'absent' })
    expect(lab.server.requests.filter(({ url }) => url.pathname.endsWith('/versions'))).toEqual([])
  })
})

describe('a package that GitHub showed a minute ago and shows no longer', () => {
  it('is taken for hidden by whoever deletes and untags', async () => {
    await listed(Date.now() - 61_000)
    lab.server.inject({ on: ofPackage, reply: packageGone })
    expect(await epoch()).toEqual(forbidden('no longer shows the package'))
    expect(await lab.writer.untag(app, parseTagName('epoch') as TagName)).toEqual(
      forbidden('no longer shows the package'),
    )
  })
})
