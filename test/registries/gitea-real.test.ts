/** The Gitea driver against a real Gitea: the conformance suite, and what the fake is trusted with. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RepositoryName, TagName } from '../../src/core/image/names.ts'
import { seedGraph } from '../conformance/registry-fixture.ts'
import { registryConformance } from '../conformance/registry.ts'
import { missing, titled } from '../servers/find.ts'
import { startGiteaServer, type Gitea } from '../servers/gitea.ts'
import { openLab, seederOver, type RegistryLab } from './lab.ts'

describe.skipIf(missing('gitea'))(titled('real registry', 'gitea'), () => {
  registryConformance(
    'Gitea 1.26',
    {
      capabilities: {
        product: 'Gitea or Forgejo',
        deleteByTag: true,
        deleteRemovesSiblings: true,
        listsUntagged: true,
        pushTime: true,
        protectsChildren: false,
        referrersApi: false,
        undo: 'none',
      },
      without: ['schema1', 'cache'],
      manners: ['forgets-layers'],
      requests: ({ tags, manifests, configs }) => ({ cold: 3 + tags + manifests + configs, warm: 3 + tags }),
    },
    async () => over(await startGiteaServer()),
  )

  describe('what the fake is trusted with', () => {
    let lab: RegistryLab
    const repository = 'team/web/app' as RepositoryName
    const tag = (name: string): TagName => name as TagName
    beforeAll(async () => {
      lab = await over(await startGiteaServer())
    })
    afterAll(() => lab.stop())

    it('is so: tags in any case, dates of pushes, names with slashes, more than a page', async () => {
      const before = Math.floor(Date.now() / 1000) * 1000
      const graph = await seedGraph(lab.seeder, repository, ['schema1', 'cache'])
      for (let n = 0; n < 60; n += 1)
        await lab.seeder.putManifest(repository, graph.epoch.bytes, graph.epoch.mediaType, `RC-${n}`)
      expect(await lab.reader.listRepositories()).toEqual([repository])
      const read = await lab.reader.readRepository(repository)
      expect(read.complete).toBe(true)
      expect(read.manifests).toHaveLength(11)
      const epoch = read.manifests.find(({ digest }) => digest === graph.epoch.digest)
      expect(epoch?.tags).toHaveLength(61)
      expect(epoch?.tags.map(({ name }) => name)).toContain('rc-7')
      expect(epoch?.tags[0]?.pushedAt).toBeGreaterThanOrEqual(before)
      expect(await lab.reader.resolveTag(repository, tag('RC-7'))).toBe(graph.epoch.digest)
      expect(await lab.writer.untag(repository, tag('rc-7'))).toEqual({ kind: 'done' })
      expect(await lab.reader.resolveTag(repository, tag('rc-7'))).toBeUndefined()
      expect(await lab.writer.untag(repository, tag('chart-1.0.0'))).toMatchObject({ reason: 'referenced' })
      expect(await lab.writer.deleteManifest(repository, graph.epoch.digest)).toEqual({ kind: 'done' })
      expect((await lab.reader.readRepository(repository)).manifests).toHaveLength(10)
    })

    it('is so: what doctor asks', async () => {
      const checks = await lab.opened.check?.(repository, {})
      expect(checks?.map(({ state }) => state)).toEqual(['ok', 'ok', 'warning'])
      expect(await lab.opened.createWriter().probe(repository)).toMatchObject({ deleteByTag: true })
    })
  })
})

async function over({ url, urlWithCredentials, token, stop }: Gitea): Promise<RegistryLab> {
  const lab = await openLab({
    kind: 'gitea',
    url,
    fakes: [],
    seeder: seederOver(urlWithCredentials),
    credentials: { get: async () => ({ kind: 'bearer', token }) },
    stop,
  })
  return { ...lab, requestCount: lab.sent }
}
