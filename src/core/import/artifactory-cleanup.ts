/**
 * artifactory-cleanup. Its policies run one after the other, and each deletes the tags that all of its rules leave to it.
 * What speaks of files is left out: which of them make an image, the file does not say.
 */
import { mayMeet } from './artifactory-keys.ts'
import { partCleanup, type ImagePolicy } from './artifactory-parts.ts'
import { readCleanupPolicy, type CleanupPolicy } from './artifactory-policy.ts'
import type { Importer } from './importer.ts'
import {
  unnamedRegistry,
  type ImportedConfiguration,
  type ImportedPolicy,
  type ImportedRegistry,
} from './imported-policy.ts'
import type { Reading } from './reading.ts'
import { entryOf, fileStart, type SourceDocument, type SourceMap } from './source-document.ts'

const rootKey = 'artifactory-cleanup'

export const artifactoryCleanupImporter: Importer = {
  system: 'artifactory-cleanup',
  title: 'a configuration of artifactory-cleanup',
  format: 'yaml',
  source: 'its configuration file, artifactory-cleanup.yaml',
  recognises: ({ documents: [root] }) => entryOf(root, rootKey) !== undefined,
  read: readArtifactoryCleanup,
}

function readArtifactoryCleanup(
  { documents: [root] }: SourceDocument,
  reading: Reading,
): ImportedConfiguration | undefined {
  const what = 'a configuration of artifactory-cleanup'
  const file = reading.map(root, fileStart, { what, known: [rootKey] })
  const configuration =
    file &&
    reading.map(entryOf(file, rootKey), file.place, {
      what,
      known: ['server', 'policies'],
      ignored: ['user', 'password', 'apikey'],
    })
  const list =
    configuration &&
    reading.list(entryOf(configuration, 'policies'), configuration.place, 'a list of policies')
  if (configuration === undefined || list === undefined) return undefined
  const policies = list.items.flatMap((policy) => readCleanupPolicy(policy, reading) ?? [])
  const images = policies.filter(isForImages)
  if (images.length === 0 && policies.length > 0)
    reading.refuse(
      list.place,
      'No policy here has a rule for Docker: they speak of files, and not of images.',
    )
  refuseUncertainCounts(policies, reading)
  warnOf(policies, reading)
  const parts = partCleanup(images, reading)
  if (parts === undefined) return undefined
  const [first = takesNothing, ...others] = parts
  return {
    registries: [registryOf(configuration, reading)],
    policies: [{ ...first, comments: leftOut(policies) }, ...others],
  }
}

const takesNothing: ImportedPolicy = {
  name: 'artifactory-cleanup',
  comments: [],
  repositories: ['**'],
  unit: 'tag',
  rules: [{ comments: ['No policy of the file takes any image.'] }],
  unmatched: 'keep',
  unmatchedRemark: 'what no policy takes stays',
}

function isForImages(policy: CleanupPolicy): policy is ImagePolicy {
  return policy.images !== undefined
}

/** A count counts what the policies before it leave, those for files as well. */
function refuseUncertainCounts(policies: readonly CleanupPolicy[], reading: Reading): void {
  policies.forEach(({ images, keys, name, place }, index) => {
    if (images?.count === undefined) return
    const before = policies
      .slice(0, index)
      .find((other) => other.images === undefined && !other.isOldestEnd && mayMeet(other.keys, keys))
    if (before === undefined) return
    reading.refuse(
      place,
      `${name} counts what the policy ${JSON.stringify(before.name)} leaves, which is for files and not taken over.`,
      'Name the repository of each with a rule `Repo`, or import this policy alone.',
    )
  })
}

function leftOut(policies: readonly CleanupPolicy[]): readonly string[] {
  return policies
    .filter((policy) => !isForImages(policy))
    .map(({ name, place }) => `line ${place.line}: ${name}. Left out: no rule in it is for Docker.`)
}

function warnOf(policies: readonly CleanupPolicy[], reading: Reading): void {
  for (const policy of policies) {
    if (isForImages(policy)) continue
    const text = `The policy ${JSON.stringify(policy.name)} is left out: no rule in it is for Docker, so it speaks of files. What it deletes is kept here.`
    reading.warn(policy.place, text)
  }
  reading.warn(
    policies.find(isForImages)?.place,
    'Tags of several platforms are no images to artifactory-cleanup, which leaves the tag and may delete its platforms. Here both stay; take `mediaType` out of `not` to delete such images as a whole.',
  )
}

/** Keys of repositories are the first part of names, so the address is that of the server. */
function registryOf(configuration: SourceMap, reading: Reading): ImportedRegistry {
  const server = reading.text(entryOf(configuration, 'server')) ?? ''
  const [, url] = /^(https?:\/\/[\w.-]+(?::\d+)?)(?:\/artifactory)?\/?$/.exec(server) ?? []
  if (url === undefined) return { ...unnamedRegistry, kind: 'artifactory' }
  const name = url.replace(/^https?:\/\//, '').replace(/[^\w.-]/g, '-')
  return { name: name.slice(0, 63), url, kind: 'artifactory' }
}
