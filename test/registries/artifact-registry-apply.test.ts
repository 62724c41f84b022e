/**
 * Plans, applies and undoes beside the fake of Google's registry, which deletes nothing that a tag, an index or a referrer
 * is left on: images go whole all the same, signatures with their tags included, and come back whole.
 */
import { afterEach, describe, expect, it } from 'vitest'
import { parseRepositoryName, type RepositoryName } from '../../src/core/image/names.ts'
import { seedGraph } from '../conformance/registry-fixture.ts'
import { pushImage, pushReferrer } from '../servers/push.ts'
import { startGoogleLab, type GoogleLab } from './artifact-registry-lab.ts'
import { runOn, type RunOn } from './run-on.ts'

const repository = parseRepositoryName('shop/apps/web') as RepositoryName
const labs: GoogleLab[] = []

afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.stop()
})

async function start(): Promise<GoogleLab> {
  const lab = await startGoogleLab({ hasApi: false, login: 'none' })
  labs.push(lab)
  return lab
}

const applied = (lab: GoogleLab, keep: string): Promise<RunOn> => runOn(lab, repository, keep)

async function undone(run: RunOn): Promise<readonly string[]> {
  if (run.report.run === undefined) throw new Error('nothing ran')
  return (await run.undo()).map(({ outcome }) => outcome)
}

const stateOf = ({ server }: GoogleLab) => {
  const held = server.store.repositories.get(repository)
  return {
    manifests: [...(held?.manifests.keys() ?? [])].toSorted(),
    tags: [...(held?.tags ?? [])].map(([tag, { digest }]) => `${tag} ${digest}`).toSorted(),
  }
}

describe('on Google’s registry', () => {
  it('an image goes with its signature, whose tag goes first, and with what refers to its parts', async () => {
    const lab = await start()
    await seedGraph(lab.seeder, repository, [])
    const before = stateOf(lab)
    const run = await applied(lab, 'nothing')
    expect(run.report.lines.filter(({ outcome }) => outcome !== 'deleted')).toEqual([])
    expect(stateOf(lab)).toEqual({ manifests: [], tags: [] })
    expect(await undone(run)).not.toContain('failed')
    expect(stateOf(lab)).toEqual(before)
  })

  it('an image that has a referrer itself goes after it', async () => {
    const lab = await start()
    const image = await pushImage(lab.server.url, repository, { tags: ['signed'] })
    await pushReferrer(lab.server.url, repository, image.descriptor)
    await pushImage(lab.server.url, repository, { tags: ['kept'] })
    const before = stateOf(lab)
    const run = await applied(lab, 'kept')
    expect(run.report.lines.map(({ outcome }) => outcome)).toEqual(['deleted'])
    expect(stateOf(lab).tags.map((tag) => tag.split(' ')[0])).toEqual(['kept'])
    expect(stateOf(lab).manifests).toHaveLength(1)
    expect(await undone(run)).not.toContain('failed')
    expect(stateOf(lab)).toEqual(before)
  })

  it('an image stays with its referrers where one of them is kept for itself', async () => {
    const lab = await start()
    const image = await pushImage(lab.server.url, repository, { tags: ['signed'] })
    const lone = await pushReferrer(lab.server.url, repository, image.descriptor)
    const kept = await pushReferrer(lab.server.url, repository, image.descriptor, {
      tags: ['kept'],
      artifactType: 'application/vnd.example.report',
    })
    await applied(lab, 'kept')
    expect(stateOf(lab).manifests).toEqual([image.digest, lone.digest, kept.digest].toSorted())
  })
})
