/** Links in a registry that is known by its files alone, and what a plan over those files makes of them. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startDockerRegistry, type DockerRegistry } from '../servers/docker-registry.ts'
import { missing, titled } from '../servers/find.ts'
import { makeTestFolder, removeTestFolder } from '../servers/server-process.ts'
import { pushImage, pushReferrer } from '../servers/push.ts'
import { winnow } from '../support/winnow-in-process.ts'
import { manifestAt, referrersAt, tagsOf } from './registries.ts'

const needed = 'docker-registry'
const commits = Array.from({ length: 6 }, (_, n) => n.toString(16).padStart(40, 'e'))

interface PlanDocument {
  readonly actions: readonly { readonly digest: string; readonly with: readonly string[] }[]
  readonly kept: readonly { readonly digest: string }[]
}

describe.skipIf(missing(needed))(titled('a registry by its storage', needed), () => {
  let registry: DockerRegistry
  let folder: string
  beforeEach(async () => {
    registry = await startDockerRegistry({ binary: 'debian' })
    folder = await makeTestFolder('link-storage')
    await writeFile(
      join(folder, 'winnow.yaml'),
      `version: 1
registries:
  onprem:
    storage: {layout: distribution, filesystem: ${JSON.stringify(registry.dir)}}
    aliases: ['${registry.host}']
protect: {youngerThan: 0s}
limits: {maxShare: 100%, minSurvivors: 0}
policies:
  - {name: all, registry: onprem, repositories: ['**'], rules: [], unmatched: delete}
`,
    )
  })
  afterEach(async () => {
    await registry?.stop()
    if (folder !== undefined) await removeTestFolder(folder)
  })

  const json = async (...words: readonly string[]): Promise<unknown> => {
    const place = ['--config', join(folder, 'winnow.yaml'), '--state', join(folder, 'state')]
    const ended = await winnow([...words, ...place, '-o', 'json'])
    if (ended.code !== 0) throw new Error(`winnow ${words.join(' ')}: ${ended.code}\n${ended.stderr}`)
    return JSON.parse(ended.stdout)
  }

  it('takes records by its files, and the running registry serves them', { timeout: 60_000 }, async () => {
    const image = await pushImage(registry.url, 'team/app', { tags: ['1'] })
    const sbom = await pushReferrer(registry.url, 'team/app', image.descriptor)
    // At once, from one process: files are written by many.
    await Promise.all(
      commits.map((commit) => json('link', `${registry.host}/team/app:1`, '--commit', commit)),
    )
    const hex = image.digest.slice('sha256:'.length)
    for (const commit of commits) {
      const record = await manifestAt(registry.url, 'team/app', `sha256-${hex}.link-${commit}`)
      expect(record).toMatchObject({ subject: { digest: image.digest } })
    }
    const listed = await referrersAt(registry.url, 'team/app', image.digest, 'tag')
    expect(listed).toHaveLength(commits.length + 1)
    expect(listed.map(({ digest }) => digest)).toContain(sbom.digest)
  })

  it('shows one image and all that hangs on it, former lists too', { timeout: 60_000 }, async () => {
    const image = await pushImage(registry.url, 'team/app', { tags: ['1'] })
    for (const commit of commits) await json('link', `${registry.host}/team/app:1`, '--commit', commit)
    const plan = (await json('plan', '--out', join(folder, 'plan.json'))) as PlanDocument
    expect(plan.kept).toEqual([])
    expect(plan.actions.map(({ digest }) => digest)).toEqual([image.digest])
    // A record for each commit, and a list for each.
    expect(plan.actions[0]?.with).toHaveLength(2 * commits.length)
    await json('apply', join(folder, 'plan.json'), '--yes')
    expect(await tagsOf(registry.url, 'team/app')).toEqual([])
    expect(((await json('plan')) as PlanDocument).actions).toEqual([])
  })
})
