/** A token that loses its rights on a package between the plan and the deletion: GitHub says "not found" for "not yours". */
import { afterEach, describe, expect, it } from 'vitest'
import type { ChangeOutcome } from '../../src/ports/mutable-registry.ts'
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

async function listed(): Promise<void> {
  lab = await startGhcrLab()
  graph = await seedGraph(lab.seeder, app, [])
  await lab.reader.readRepository(app)
}

const ofOneVersion = ({ url }: FakeRequest): boolean => /\/versions\/\d+$/.test(url.pathname)
const ofPackage = ({ url }: FakeRequest): boolean => url.pathname.includes('/packages/container/')

const epoch = (): Promise<ChangeOutcome> => lab.writer.deleteManifest(app, graph.epoch.digest)
const isThere = (): boolean => lab.server.state.versionOf(app, graph.epoch.digest) !== undefined

const forbidden = (words: string) => ({
  kind: 'refused',
  reason: 'forbidden',
  text: expect.stringMatching(new RegExp(`role Admin on the package.*${words}`)) as string,
})

describe('a version that GitHub lists and does not know', () => {
  it('is not taken for gone', async () => {
    await listed()
    lab.server.inject({ on: ofOneVersion, reply: packageGone })
    expect(await epoch()).toEqual(forbidden('still there'))
    expect(isThere()).toBe(true)
  })

  it('is not taken for gone when the package is no longer shown either', async () => {
    await listed()
    lab.server.inject({ on: ofPackage, reply: packageGone })
    expect(await epoch()).toEqual(forbidden('no longer shows the package'))
  })

  it('is gone when a new list lacks it', async () => {
    await listed()
    lab.server.inject({ on: ofOneVersion, reply: packageGone })
    lab.server.state.delete(app, lab.server.state.versionOf(app, graph.epoch.digest)?.id ?? 0)
    expect(await epoch()).toEqual({ kind: 'absent' })
  })

  it('is gone when GitHub says so of the version itself', async () => {
    await listed()
    lab.server.inject({ on: ofOneVersion, reply: versionGone })
    lab.server.forgetRequests()
    expect(await epoch()).toEqual({ kind: 'absent' })
    expect(lab.server.requests.filter(({ url }) => url.pathname.endsWith('/versions'))).toEqual([])
  })
})
