/**
 * A small world to try Winnow on: a registry as files, a cluster dump, a list of references and a policy.
 *
 * Nothing is read and nothing is written here; whoever wants the world on disk writes the files, with their times,
 * because a registry's upload times are the times of its files. The same `now` always gives the same world.
 */
import type { InstantMs } from '../../core/inventory/inventory.ts'
import type { SampleFile } from './registry-tree.ts'
import { sampleClone } from './sample-git.ts'
import { makeClusterDump, sampleHost } from './sample-cluster.ts'
import { makeSampleRegistry, type SampleRegistry } from './sample-registry.ts'

export interface SampleWorld {
  /** About 2,700 files and 3.5 megabytes; no path twice. */
  readonly files: readonly SampleFile[]
  /** Where the policy is among them; the other paths in it are relative to its folder. */
  readonly configPath: string
  /** An image without any name that stays because of a Git tag, as `repository@digest`; undefined without Git. */
  readonly keptByGit: string | undefined
}

const registryFolder = 'registry'
const gitFolder = 'api.git'
/** A build of main that somebody gave a name in Git, and a customer still has. */
const namedBuild = 3

/**
 * The world as it stands at `now`: every date in it lies before.
 *
 * @param hasGit whether there is a Git repository in it; reading one takes a git on the machine
 */
export function sampleWorld(now: InstantMs, hasGit: boolean): SampleWorld {
  const registry = makeSampleRegistry(now)
  const stored = [...registry.tree.files.values()].map((file) => ({
    ...file,
    path: `${registryFolder}/${file.path}`,
  }))
  const text = (path: string, content: string): SampleFile => ({
    path,
    bytes: Buffer.from(content),
    modifiedAt: now,
  })
  return {
    files: [
      ...stored,
      text('lab.json', makeClusterDump(registry, now)),
      text('keep.txt', keepList(registry)),
      text('winnow.yaml', sampleConfig(hasGit)),
      ...(hasGit ? apiClone(registry, now) : []),
    ],
    configPath: 'winnow.yaml',
    keptByGit: hasGit ? `team/api@${registry.apiMain[namedBuild]?.digest ?? ''}` : undefined,
  }
}

function apiClone({ apiCommits }: SampleRegistry, now: InstantMs): readonly SampleFile[] {
  const references = {
    branches: { main: apiCommits.at(-1)?.id ?? '' },
    tags: {
      fairground: apiCommits.filter(({ subject }) => subject.startsWith('main '))[namedBuild]?.id ?? '',
    },
  }
  return sampleClone(gitFolder, apiCommits, references, now)
}

/** Two images that no cluster shows: one by its name, one by its digest. */
function keepList({ web }: SampleRegistry): string {
  const digest = web.get('1.1.0')?.digest ?? ''
  return [`${sampleHost}/team/api:1.2.0`, `${sampleHost}/team/web@${digest}`, ''].join('\n')
}

/** Builds of main have no names that would last; Git tells which of them somebody may still want. */
const apiPolicy = `  - name: api
    registry: sample
    repositories: [team/api]
    rules:
      - {name: releases, match: {semver: ">=1.0.0"}, keep: {newest: 2, by: semver, per: "{major}.{minor}"}}
      - {name: pull requests, match: {tags: ["pr-*"]}, keep: {within: 14d}}
      - {name: nightlies, match: {tags: ["nightly-*"]}, keep: {daily: 7, weekly: 4, monthly: 12}}
      # The last builds of main, and every build that has a tag in Git. The label with the commit links them.
      - {name: main, keep: {git: {repository: ./${gitFolder}, branches: main, images: {newest: 5}}}}
      - {name: named builds, keep: {git: {repository: ./${gitFolder}, tags: ".*"}}}
      - {name: untagged, match: {tagged: false}, delete: {olderThan: 7d}}
    unmatched: delete

`

const sampleConfig = (
  hasGit: boolean,
): string => `# The policy of the sample world. Change it and plan again: planning never deletes.
version: 1

registries:
  sample:
    # The registry's own files; no registry needs to run. A registry over the network has "url:" instead.
    storage: {layout: distribution, filesystem: ./${registryFolder}, cache: none}
    # The name the cluster knows it by.
    aliases: [${sampleHost}]

evidence:
  kubernetes:
    - {name: lab, dump: lab.json}
  helm: {revisions: all}
  references:
    - {name: pinned, file: keep.txt}

protect:
  youngerThan: 24h
  seenInUseWithin: 7d
  tags: [latest, "stable-*"]

# A first tidying up takes a large share; for every day, a smaller one is the better brake.
limits: {maxDeletions: 500, maxShare: 80%, minSurvivors: 1}

policies:
${hasGit ? apiPolicy : ''}  - name: services
    registry: sample
    repositories: ["team/**"]
    rules:
      - {name: releases, match: {semver: ">=1.0.0"}, keep: {newest: 2, by: semver, per: "{major}.{minor}"}}
      - {name: pull requests, match: {tags: ["pr-*"]}, keep: {within: 14d}}
      - {name: nightlies, match: {tags: ["nightly-*"]}, keep: {daily: 7, weekly: 4, monthly: 12}}
      - {name: main, match: {tags: [main]}, keep: {all: true}}
      - {name: untagged, match: {tagged: false}, delete: {olderThan: 7d}}
      - {name: orphaned signatures, match: {state: orphaned-referrer}, delete: {olderThan: 7d}}
    unmatched: delete

# base/debian and charts/shop match no policy, so nothing of them is touched.
`
