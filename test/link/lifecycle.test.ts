/**
 * The life of a record on a real registry: it hangs on its image, goes with it, comes back with it, and is nobody's
 * candidate.
 */
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  startDockerRegistry,
  type DistributionLine,
  type DockerRegistry,
} from '../servers/docker-registry.ts'
import { missing, titled } from '../servers/find.ts'
import { makeTestFolder, removeTestFolder } from '../servers/server-process.ts'
import { pullWhole, pushImage, pushMultiPlatform } from '../servers/push.ts'
import { registryRequest } from '../servers/registry-request.ts'
import { writeFile } from 'node:fs/promises'
import { winnow, type Ended } from '../support/winnow-in-process.ts'
import { manifestAt, referrersAt, tagsOf } from './registries.ts'

const commits = ['a1'.repeat(20), 'b2'.repeat(20)]

interface PlanDocument {
  readonly actions: readonly {
    readonly kind: string
    readonly digest: string
    readonly tags: readonly string[]
    readonly with: readonly string[]
    readonly withTags: readonly { readonly tag: string }[]
  }[]
  readonly kept: readonly { readonly digest: string; readonly tags: readonly string[] }[]
  readonly warnings: readonly string[]
}

describe.each<{ readonly line: DistributionLine; readonly binary: 'docker-registry' | 'registry3' }>([
  { line: 'debian', binary: 'docker-registry' },
  { line: 'v3', binary: 'registry3' },
])('$binary', ({ line, binary }) => {
  let registry: DockerRegistry
  let folder: string
  beforeEach(async () => {
    if (missing(binary) !== undefined) return
    registry = await startDockerRegistry({ binary: line })
    folder = await makeTestFolder('link')
    await writeFile(
      join(folder, 'winnow.yaml'),
      `version: 1
registries:
  prod: {url: '${registry.url}', kind: distribution}
protect: {youngerThan: 0s}
limits: {maxShare: 100%, minSurvivors: 0}
policies:
  - name: all
    registry: prod
    repositories: ['**']
    rules: [{name: main, match: {tags: [main]}, keep: {all: true}}]
    unmatched: delete
`,
    )
  })
  afterEach(async () => {
    await registry?.stop()
    if (folder !== undefined) await removeTestFolder(folder)
  })

  const run = async (...words: readonly string[]): Promise<Ended> =>
    winnow([...words, '--config', join(folder, 'winnow.yaml'), '--state', join(folder, 'state')], {
      HOME: folder,
      DOCKER_CONFIG: folder,
    })
  const json = async (...words: readonly string[]): Promise<unknown> => {
    const ended = await run(...words, '-o', 'json')
    if (ended.code !== 0) throw new Error(`winnow ${words.join(' ')}: ${ended.code}\n${ended.stderr}`)
    return JSON.parse(ended.stdout)
  }

  it.skipIf(missing(binary))(
    titled('a record goes with its image, and an undo brings both back', binary),
    { timeout: 60_000 },
    async () => {
      const old = await pushMultiPlatform(registry.url, 'team/app', { tags: ['old'] })
      const main = await pushImage(registry.url, 'team/app', { tags: ['main'] })
      const name = (tag: string): string => `${registry.host}/team/app:${tag}`
      const linked = await json('link', name('old'), ...commits.flatMap((commit) => ['--commit', commit]))
      expect(linked).toMatchObject({
        image: `${registry.host}/team/app@${old.digest}`,
        recordedIn: 'registry',
        commits: commits.map((commit) => ({ commit, state: 'linked' })),
      })
      await json('link', name('main'), '--commit', commits[0] ?? '')

      const hex = old.digest.slice('sha256:'.length)
      const tags = [`sha256-${hex}`, ...commits.map((commit) => `sha256-${hex}.link-${commit}`)]
      const records = (await referrersAt(registry.url, 'team/app', old.digest, 'tag')).map(
        (each) => each.digest,
      )
      expect(records).toHaveLength(2)

      const planPath = join(folder, 'plan.json')
      const plan = (await json('plan', '--out', planPath)) as PlanDocument
      expect(plan.actions).toHaveLength(1)
      expect(plan.actions[0]).toMatchObject({ kind: 'delete', digest: old.digest, tags: ['old'] })
      expect(plan.actions[0]?.with).toEqual(expect.arrayContaining(records))
      expect(plan.actions[0]?.withTags.map(({ tag }) => tag).toSorted()).toEqual(tags.toSorted())
      expect(plan.kept.map(({ digest }) => digest)).toEqual([main.digest])

      const before = (await tagsOf(registry.url, 'team/app')).toSorted()
      const applied = (await json('apply', planPath, '--yes')) as { readonly run: string }
      const left = await tagsOf(registry.url, 'team/app')
      expect(left.filter((tag) => tag === 'old' || tags.includes(tag))).toEqual([])
      await pullWhole(registry.url, 'team/app', 'main')

      await json('undo', applied.run, '--yes')
      expect((await tagsOf(registry.url, 'team/app')).toSorted()).toEqual(before)
      await pullWhole(registry.url, 'team/app', 'old')
      const again = await json('link', name('old'), '--commit', commits[0] ?? '')
      expect(again).toMatchObject({ commits: [{ state: 'already-linked' }] })
      const listed = await referrersAt(registry.url, 'team/app', old.digest, 'tag')
      expect(listed.map(({ digest }) => digest).toSorted()).toEqual(records.toSorted())
    },
  )

  it.skipIf(missing(binary))(
    titled('a record whose image somebody else deleted is an orphaned referrer, and no image', binary),
    { timeout: 60_000 },
    async () => {
      const image = await pushImage(registry.url, 'team/app', { tags: ['main'] })
      await json('link', `prod/team/app:main`, '--commit', commits[0] ?? '')
      const hex = image.digest.slice('sha256:'.length)
      const record = `sha256-${hex}.link-${commits[0] ?? ''}`
      const gone = await registryRequest(registry.url, 'DELETE', `/v2/team/app/manifests/${image.digest}`)
      expect(gone.status).toBe(202)
      expect(await manifestAt(registry.url, 'team/app', record)).toMatchObject({
        subject: { digest: image.digest },
      })
      // The list of referrers holds the record, and hangs on what is gone like the record itself.
      expect(await json('explain', `team/app:${record}`)).toMatchObject({ outcome: 'part-of' })
      const list = await json('explain', `team/app:sha256-${hex}`)
      expect(list).toMatchObject({ state: 'orphaned-referrer', outcome: 'keep', manifests: 2 })
      expect(((await json('plan')) as PlanDocument).actions).toEqual([])
      const again = await run('link', `prod/team/app@${image.digest}`, '--commit', commits[0] ?? '')
      expect(again).toMatchObject({ code: 1 })
      expect(again.stderr).toContain('LINK_IMAGE_ABSENT')
    },
  )

  it.skipIf(missing(binary))(
    titled('records cost an inventory one HEAD each, once they are known', binary),
    { timeout: 60_000 },
    async () => {
      await pushImage(registry.url, 'team/app', { tags: ['main'] })
      const many = Array.from({ length: 10 }, (_, n) => n.toString(16).padStart(40, 'd'))
      await json('link', `prod/team/app:main`, ...many.flatMap((commit) => ['--commit', commit]))
      await json('inventory')
      const seen = registry.logs().length
      await json('inventory')
      const requests = [
        ...registry
          .logs()
          .slice(seen)
          .matchAll(/"(GET|HEAD) \/v2\/team\/app\/(manifests|blobs)/g),
      ]
      const count = (method: string): number => requests.filter(([, each]) => each === method).length
      // Eleven tags and the list under the fallback tag.
      expect({ HEAD: count('HEAD'), GET: count('GET') }).toEqual({ HEAD: 12, GET: 0 })
    },
  )
})
