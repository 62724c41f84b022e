/**
 * A service's life, end to end: branches that are merged, squashed, rebased, force-pushed and deleted, releases that are
 * tagged and untagged, images built of all of them and linked by a label, by their tag's name, or by `winnow link`. After
 * plan and apply exactly those images are there that the rules want, and each can be pulled whole.
 *
 * Real git, fetched by its address; real registries of both lines.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  distributionBinaries,
  startDockerRegistry,
  type DistributionLine,
  type DockerRegistry,
} from '../servers/docker-registry.ts'
import { missing, titled } from '../servers/find.ts'
import { pullWhole, pushImage, type PushedImage } from '../servers/push.ts'
import { winnow } from '../support/winnow-in-process.ts'
import { changeRepository, makeRepository, type TestRepository } from './make-repository.ts'

const day = (n: number): string => `2026-01-${String(n).padStart(2, '0')}T12:00:00Z`
const now = '2026-02-01T12:00:00Z'
const repository = 'team/app'

describe.each<DistributionLine>(['debian', 'v3'])('%s', (line) => {
  describe.skipIf(missing(distributionBinaries[line]) !== undefined)(
    titled('a service and its images', distributionBinaries[line]),
    () => {
      let registry: DockerRegistry
      let remote: TestRepository
      let folder: string
      const images = new Map<string, PushedImage>()

      beforeAll(async () => {
        registry = await startDockerRegistry({ binary: line })
        folder = await mkdtemp(join(tmpdir(), 'winnow-story-'))
        remote = await makeRepository(
          {
            commits: [
              { id: 'm1', parents: [], committedAt: day(1) },
              { id: 'm2', parents: ['m1'], committedAt: day(2) },
              { id: 'merged', parents: ['m2'], committedAt: day(3) },
              { id: 'squashed', parents: ['m2'], committedAt: day(4) },
              { id: 'rebased', parents: ['m2'], committedAt: day(5) },
              { id: 'forced', parents: ['m2'], committedAt: day(6) },
              { id: 'open1', parents: ['m2'], committedAt: day(7) },
              { id: 'open2', parents: ['open1'], committedAt: day(8) },
              { id: 'open3', parents: ['open2'], committedAt: day(9) },
              { id: 'stale', parents: ['m1'], committedAt: day(2) },
              { id: 'hotfix', parents: ['m1'], committedAt: day(10) },
            ],
            references: [
              { kind: 'branch', name: 'main', commit: 'm2' },
              { kind: 'branch', name: 'feature/merged', commit: 'merged' },
              { kind: 'branch', name: 'feature/squashed', commit: 'squashed' },
              { kind: 'branch', name: 'feature/rebased', commit: 'rebased' },
              { kind: 'branch', name: 'feature/forced', commit: 'forced' },
              { kind: 'branch', name: 'feature/open', commit: 'open3' },
              { kind: 'branch', name: 'feature/stale', commit: 'stale' },
              { kind: 'tag', name: 'v1.0.0', commit: 'm1', annotatedAt: day(11) },
              // Outside every branch: only a fetch of all tags brings it.
              { kind: 'tag', name: 'v1.0.1', commit: 'hotfix' },
              { kind: 'tag', name: 'v0.9.0', commit: 'stale' },
            ],
          },
          { path: join(folder, 'app.git') },
        )
        await writeFile(join(folder, 'winnow.yaml'), configuration(registry.url, remote.path))
      })

      afterAll(async () => {
        await registry.stop()
        await rm(folder, { recursive: true, force: true })
      })

      const words = (): string[] => [
        '--config',
        join(folder, 'winnow.yaml'),
        '--state',
        join(folder, 'state'),
      ]

      async function build(label: string, how: 'label' | 'tag' | 'record'): Promise<void> {
        const commit = remote.id(label)
        const tag = how === 'tag' ? `sha-${commit.slice(0, 9)}` : `build-${label}`
        const labels = {
          'org.opencontainers.image.title': label,
          ...(how === 'label' && { 'org.opencontainers.image.revision': commit }),
        }
        const image = await pushImage(registry.url, repository, { tags: [tag], created: day(1), labels })
        images.set(label, image)
        if (how === 'record') await link(image, commit)
      }

      async function link(image: PushedImage, commit: string): Promise<void> {
        const reference = `${registry.host}/${repository}@${image.digest}`
        const { code, stderr } = await winnow(['link', reference, '--commit', commit, ...words()])
        expect([code, stderr]).toEqual([0, expect.any(String)])
      }

      async function labelsThere(): Promise<readonly string[]> {
        const there: string[] = []
        for (const [label, { digest }] of images) {
          const url = `${registry.url}/v2/${repository}/manifests/${digest}`
          const { status } = await fetch(url, {
            method: 'HEAD',
            headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
          })
          if (status === 200) there.push(label)
        }
        return there.toSorted()
      }

      it('builds images, and keeps those of every branch and release while all branches are there', async () => {
        await build('m1', 'label')
        await build('m2', 'tag')
        await build('merged', 'label')
        await build('squashed', 'record')
        await build('rebased', 'tag')
        await build('forced', 'label')
        await build('open1', 'label')
        await build('open2', 'record')
        await build('open3', 'tag')
        await build('stale', 'label')
        await build('hotfix', 'record')
        const { code, stdout } = await winnow(['plan', '--now', now, '-o', 'json', ...words()])
        expect(code).toBe(0)
        const { actions } = JSON.parse(stdout) as { readonly actions: readonly { readonly digest: string }[] }
        // Two newest of each branch; main has m2 and m1, which every feature reaches too.
        expect(actions.map(({ digest }) => digest)).toEqual([images.get('open1')?.digest])
      })

      it('applies what the rules want after the branches moved on', async () => {
        await changeRepository(remote, {
          commits: [
            // A merge commit; a squash; a rebase; a force push.
            { id: 'merge', parents: ['m2', 'merged'], committedAt: day(12) },
            { id: 'squash', parents: ['merge'], committedAt: day(13) },
            { id: 'replayed', parents: ['squash'], committedAt: day(14) },
            { id: 'forced-anew', parents: ['m2'], committedAt: day(15) },
          ],
          references: [
            { kind: 'branch', name: 'main', commit: 'replayed' },
            { kind: 'branch', name: 'feature/forced', commit: 'forced-anew' },
          ],
          removed: [
            'refs/heads/feature/merged',
            'refs/heads/feature/squashed',
            'refs/heads/feature/rebased',
            'refs/heads/feature/stale',
            'refs/tags/v0.9.0',
          ],
        })
        await build('squash', 'label')
        await build('forced-anew', 'tag')
        // One image for two commits of one branch takes one place there.
        const shared = images.get('open3')
        if (shared !== undefined) await link(shared, remote.id('open2'))

        const { code, stderr } = await winnow(['apply', '--yes', ...words()])
        expect([code, stderr]).toEqual([0, expect.any(String)])
        expect(await labelsThere()).toEqual(
          [
            'squash', // newest of main
            'merged', // second newest of main, by way of the merge
            'open3', // newest of feature/open, counted once
            'open2', // second newest of feature/open
            'forced-anew', // what the force push left
            'm2', // second newest of feature/forced
            'm1', // v1.0.0
            'hotfix', // v1.0.1, on no branch
          ].toSorted(),
        )
        for (const label of await labelsThere()) {
          await pullWhole(registry.url, repository, images.get(label)?.digest ?? '')
        }
      })

      it('has nothing more to do, and takes the records of images along', async () => {
        const { stdout } = await winnow(['plan', '-o', 'json', ...words()])
        expect((JSON.parse(stdout) as { readonly actions: readonly unknown[] }).actions).toEqual([])
        const answer = await fetch(`${registry.url}/v2/${repository}/tags/list`)
        const { tags } = (await answer.json()) as { readonly tags: readonly string[] }
        const records = tags.filter((tag) => tag.includes('.link-'))
        const subjects = ['open2', 'open3', 'hotfix'].map(
          (label) => images.get(label)?.digest.replace(':', '-') ?? '',
        )
        expect(records.map((tag) => tag.slice(0, 71)).toSorted()).toEqual(subjects.toSorted())
      })

      it('explains the way from an image to its rule', async () => {
        const image = `${registry.host}/${repository}@${images.get('merged')?.digest ?? ''}`
        const { stdout } = await winnow(['explain', image, ...words()])
        expect(stdout).toContain(`← commit ${remote.id('merged').slice(0, 12)} of 2026-01-03 (by label)`)
        expect(stdout).toContain('← branch main of 2026-01-14')
        expect(stdout).toContain('2nd newest commit with images, 2 kept')
      })
    },
  )
})

function configuration(url: string, git: string): string {
  return `
version: 1
registries: {prod: {url: "${url}"}}
protect: {youngerThan: 0s, seenInUseWithin: 0s}
limits: {maxShare: 100%, minSurvivors: 0}
git:
  repositories:
    - {name: app, repository: "file://${git}", images: ["team/*"], commitTags: ['/sha-(?P<commit>[0-9a-f]{9})/']}
policies:
  - repositories: ["team/*"]
    rules:
      - {name: branches, keep: {git: {branches: ".*", images: {newest: 2}}}}
      - {name: releases, keep: {git: {tags: 'v\\d+\\.\\d+\\.\\d+'}}}
    unmatched: delete
`
}
