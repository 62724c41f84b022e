/**
 * Promise 8 with the real program and a real registry: it is killed with SIGKILL in the middle of `apply`, again and
 * again, and every image that stays can be pulled whole after each kill; the next run ends where the plan said; and undo
 * puts everything back.
 *
 * WINNOW_KILLS sets how often (default 10, 50 in CI).
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startDockerRegistry, type DockerRegistry } from '../servers/docker-registry.ts'
import { missing, titled } from '../servers/find.ts'
import { pullWhole, pushCosignTag, pushImage, pushIndex, pushMultiPlatform } from '../servers/push.ts'
import { registryRequest } from '../servers/registry-request.ts'
import { Random } from '../oracle/random.ts'
import { ended, makeCli, type Cli } from './cli.ts'

const kills = Number(process.env['WINNOW_KILLS'] ?? (process.env['CI'] === 'true' ? 50 : 10))
const repository = 'team/app'

async function tagsOf(url: string): Promise<ReadonlyMap<string, string>> {
  const listed = await registryRequest(url, 'GET', `/v2/${repository}/tags/list`)
  const { tags } = (await listed.json()) as { tags: readonly string[] | null }
  const found = new Map<string, string>()
  for (const tag of [...(tags ?? [])].sort()) {
    const accept = ['application/vnd.oci.image.index.v1+json', 'application/vnd.oci.image.manifest.v1+json']
    const head = await registryRequest(url, 'HEAD', `/v2/${repository}/manifests/${tag}`, {
      headers: { accept: accept.join(', ') },
    })
    const digest = head.headers.get('docker-content-digest')
    if (digest !== null) found.set(tag, digest)
  }
  return found
}

/** Some sixty images: plain ones sharing a layer, multi-platform ones sharing a child, signed ones. */
async function fill(url: string): Promise<void> {
  const base = Buffer.from('a layer that all of them share')
  const shared = await pushImage(url, repository, { layers: [base], labels: { shared: 'yes' } })
  const plain = async (each: number): Promise<void> => {
    const layers = [base, Buffer.from(`layer ${each}`)]
    const image = await pushImage(url, repository, {
      tags: [each % 6 === 0 ? `1.${each}` : `pr-${each}`],
      layers,
    })
    if (each % 5 === 0) await pushCosignTag(url, repository, image.digest)
  }
  const sharing = async (each: number): Promise<void> => {
    const own = await pushImage(url, repository, { layers: [base, Buffer.from(`part ${each}`)], tags: [] })
    const tags = [each % 4 === 0 ? `2.${each}` : `multi-${each}`]
    await pushIndex(url, repository, { tags, children: [shared.descriptor, own.descriptor] })
  }
  const attested = async (each: number): Promise<void> => {
    const tags = [each % 4 === 0 ? `3.${each}` : `attested-${each}`]
    await pushMultiPlatform(url, repository, { tags, layers: [base, Buffer.from(`attested ${each}`)] })
  }
  const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, each) => each)
  for (const each of numbers(12)) {
    await Promise.all([plain(each), plain(each + 12), plain(each + 24), sharing(each), attested(each)])
  }
}

const isKept = (tag: string): boolean => /^\d/.test(tag)

describe.skipIf(missing('docker-registry'))(titled('winnow apply, killed', 'docker-registry'), () => {
  let registry: DockerRegistry
  let cli: Cli

  beforeAll(async () => {
    registry = await startDockerRegistry()
    cli = await makeCli()
    await fill(registry.url)
    await cli.write(
      'winnow.yaml',
      `version: 1
registries: {prod: {url: "${registry.url}"}}
evidence: {references: [{name: pinned, file: keep.txt}]}
protect: {youngerThan: 0s, seenInUseWithin: 0s}
limits: {maxDeletions: 500, maxShare: 100%, minSurvivors: 0}
policies:
  - name: all
    repositories: ["**"]
    rules: [{name: releases, match: {tags: ["[0-9]*"]}, keep: {all: true}}]
    unmatched: delete
`,
    )
    await cli.write('keep.txt', `${registry.host}/${repository}:multi-1\n`)
  })

  afterAll(async () => {
    await cli.remove()
    await registry.stop()
  })

  const pullAll = async (tags: Iterable<string>): Promise<void> => {
    for (const tag of tags) await pullWhole(registry.url, repository, tag)
  }

  it(
    `keeps every image that stays whole through ${kills} kills, converges, and is undone`,
    { timeout: 1_500_000 },
    async () => {
      const random = new Random(Number(process.env['WINNOW_SEED'] ?? 1))
      const before = await tagsOf(registry.url)
      expect(before.size).toBeGreaterThan(60)
      const expected = [...before.keys()].filter((tag) => isKept(tag) || tag === 'multi-1').sort()
      const began = performance.now()
      await cli.run(['plan'])
      // A busy machine takes longer to come to the first deletion.
      const longest = Math.max(2500, Math.round(2 * (performance.now() - began)))
      let died = 0
      for (let each = 0; each < kills; each++) {
        const child = cli.start(['apply', '--yes'])
        const end = ended(child)
        // Starting up takes a while; most deaths are to come while things are being deleted.
        const killed = setTimeout(() => child.kill('SIGKILL'), random.between(250, longest))
        const { code, stderr } = await end
        clearTimeout(killed)
        if (code === null) died += 1
        else expect(code, stderr).toBe(0)
        const now = await tagsOf(registry.url)
        await pullAll(expected)
        // What has a name is whole, on its way out or not.
        await pullAll([...now.keys()].filter((tag) => !tag.startsWith('sha256-')))
        if (code === 0) await undoAll(cli)
      }
      const last = await cli.run(['apply', '--yes', '-o', 'json'])
      expect(last.code, last.stderr).toBe(0)
      const after = await tagsOf(registry.url)
      const signed = [...after.keys()].filter((tag) => tag.startsWith('sha256-'))
      expect([...after.keys()].filter((tag) => !signed.includes(tag)).sort()).toEqual(expected)
      // Signatures of what is gone are gone too.
      for (const tag of signed) {
        const subject = tag.slice(0, 'sha256-'.length + 64).replace('-', ':')
        expect([...after.values()]).toContain(subject)
      }
      await pullAll(expected)
      expect(died).toBeGreaterThan(0)
      await checkHistory(cli, died)
      await undoAll(cli)
      expect(await tagsOf(registry.url)).toEqual(before)
      await pullAll([...before.keys()])
    },
  )
})

interface History {
  readonly schemaVersion: string
  readonly runs: readonly { readonly id: string; readonly kind: string; readonly outcome: string }[]
}

async function historyOf(cli: Cli): Promise<History> {
  const { code, stdout, stderr } = await cli.run(['history', '-o', 'json'])
  expect(code, stderr).toBe(0)
  return JSON.parse(stdout) as History
}

async function checkHistory(cli: Cli, died: number): Promise<void> {
  const { schemaVersion, runs } = await historyOf(cli)
  expect(schemaVersion).toBe('history/v1')
  const interrupted = runs.filter(({ outcome }) => outcome === 'interrupted')
  // A run that was killed before it wrote anything is not one.
  expect(interrupted.length).toBeGreaterThan(0)
  expect(interrupted.length).toBeLessThanOrEqual(died)
  expect(runs.filter(({ outcome }) => outcome === 'open')).toEqual([])
}

/** Oldest first would do as well: what is there already is left alone. */
async function undoAll(cli: Cli): Promise<void> {
  for (const { id, kind } of (await historyOf(cli)).runs) {
    if (kind !== 'apply') continue
    const { code, stderr, stdout } = await cli.run(['undo', id, '--yes'])
    expect(code, stdout + stderr).toBe(0)
  }
}
