/**
 * Artifact Registry cleanup policies. Keep goes before delete there as here, and what neither speaks of stays, so each
 * policy becomes a rule. What Winnow has no criterion for is kept: a delete policy is left out, a keep policy keeps all.
 */
import { startingWith } from './globs.ts'
import type { Importer } from './importer.ts'
import {
  isRule,
  unnamedRegistry,
  type ImportedBlock,
  type ImportedConfiguration,
  type ImportedNote,
  type ImportedPolicy,
  type ImportedRule,
} from './imported-policy.ts'
import { goLength, lengthMax, simpleLength, writeLength } from './lengths-of-time.ts'
import type { Reading } from './reading.ts'
import {
  entryOf,
  fileStart,
  type Place,
  type SourceDocument,
  type SourceMap,
  type SourceValue,
} from './source-document.ts'

export const garImporter: Importer = {
  system: 'gar',
  aliases: ['artifact-registry'],
  title: 'a list of Artifact Registry cleanup policies',
  format: 'json',
  source: 'gcloud artifacts repositories list-cleanup-policies REPOSITORY --location=LOCATION --format=json',
  recognises: ({ documents: [root] }) => {
    if (entryOf(root, 'cleanupPolicies') !== undefined) return true
    const first = root?.kind === 'list' ? root.items[0] : undefined
    return (
      entryOf(first, 'action') !== undefined &&
      (entryOf(first, 'condition') ?? entryOf(first, 'mostRecentVersions')) !== undefined
    )
  },
  read: readGar,
}

/** One cleanup policy, with the packages it speaks of. */
interface Cleanup {
  readonly name: string
  /** Empty: all packages. */
  readonly packages: readonly string[]
  /** Where they stand. */
  readonly packagesPlace: Place | undefined
  readonly written: ImportedRule | ImportedNote
}

function readGar({ documents: [root] }: SourceDocument, reading: Reading): ImportedConfiguration | undefined {
  const policies = listOf(root, reading)
  if (policies === undefined) return undefined
  const cleanups = policies.flatMap(([id, value]) => readCleanup(id, value, reading) ?? [])
  warnOfPackages(cleanups, reading)
  return {
    registries: [{ ...unnamedRegistry, kind: 'artifact-registry' }],
    policies: policiesOf(cleanups),
  }
}

type Named = readonly [string | undefined, SourceValue]

/** The list that gcloud reads, or the map by name that the API has. */
function listOf(root: SourceValue | undefined, reading: Reading): readonly Named[] | undefined {
  if (root?.kind === 'list')
    return reading
      .list(root, fileStart, 'a list of cleanup policies')
      ?.items.map((each) => [undefined, each] as const)
  const shape = {
    what: 'a list of cleanup policies',
    known: ['cleanupPolicies', 'cleanupPolicyDryRun'],
    isOpen: true,
  }
  const repository = reading.map(root, fileStart, shape)
  const policies = reading.map(entryOf(repository, 'cleanupPolicies'), fileStart, {
    ...shape,
    what: 'cleanupPolicies',
  })
  if (reading.flag(entryOf(repository, 'cleanupPolicyDryRun')) === true) {
    const place = entryOf(repository, 'cleanupPolicyDryRun')?.place
    reading.warn(
      place,
      'cleanupPolicyDryRun is on: the rules are imported as they act when it is off; `winnow plan` is the dry run here.',
    )
  }
  return policies && [...policies.entries].map(([id, { value }]) => [id, value] as const)
}

function readCleanup(id: string | undefined, value: SourceValue, reading: Reading): Cleanup | undefined {
  const policy = reading.map(value, value.place, {
    what: 'a cleanup policy',
    known: ['name', 'id', 'action', 'condition', 'mostRecentVersions'],
    orNothing: ['name', 'id'],
    ignored: ['description'],
  })
  if (policy === undefined) return undefined
  const name =
    reading.text(entryOf(policy, 'name')) ??
    reading.text(entryOf(policy, 'id')) ??
    id ??
    `line ${policy.place.line}`
  const action = readAction(policy, reading)
  const condition = entryOf(policy, 'condition')
  const recent = entryOf(policy, 'mostRecentVersions')
  if ((condition === undefined) === (recent === undefined)) {
    reading.refuse(policy.place, 'A cleanup policy has one of `condition` and `mostRecentVersions`.')
    return undefined
  }
  if (action === undefined) return undefined
  const origin = `line ${policy.place.line}: ${name}`
  if (recent !== undefined) return readRecent(name, origin, action, recent, reading)
  return condition && readCondition(name, origin, action, condition, reading)
}

function readAction(policy: SourceMap, reading: Reading): 'Keep' | 'Delete' | undefined {
  const action = entryOf(policy, 'action')
  if (action === undefined) reading.refuse(policy.place, 'A cleanup policy needs `action`: Keep or Delete.')
  // The API has the word alone; gcloud wraps it.
  const type =
    action?.kind === 'map'
      ? entryOf(reading.map(action, action.place, { what: 'an action', known: ['type'] }), 'type')
      : action
  if (action !== undefined && type === undefined)
    reading.refuse(action.place, 'An action needs `type`: Keep or Delete.')
  return reading.choice(type, ['Keep', 'Delete'], { foldCase: true })
}

function readRecent(
  name: string,
  origin: string,
  action: string,
  value: SourceValue,
  reading: Reading,
): Cleanup | undefined {
  const recent = reading.map(value, value.place, {
    what: 'mostRecentVersions',
    known: ['keepCount', 'packageNamePrefixes'],
    orNothing: [],
  })
  if (recent === undefined) return undefined
  if (action !== 'Keep') reading.refuse(recent.place, '`mostRecentVersions` goes only with the action Keep.')
  const count = reading.whole(entryOf(recent, 'keepCount'), { orText: true })
  if (entryOf(recent, 'keepCount') === undefined)
    reading.refuse(recent.place, '`mostRecentVersions` needs `keepCount`.')
  reading.warn(
    recent.place,
    `${name}: keepCount counts the platforms of multi-platform images as versions of their own; Winnow counts whole images, so it keeps more.`,
  )
  return {
    name,
    ...readPackages(recent, reading),
    written: { name, comments: [origin], keep: { newest: count ?? 0 } },
  }
}

function readCondition(
  name: string,
  origin: string,
  action: 'Keep' | 'Delete',
  value: SourceValue,
  reading: Reading,
): Cleanup | undefined {
  const condition = reading.map(value, value.place, {
    what: 'a condition',
    known: [
      'tagState',
      'tagPrefixes',
      'versionNamePrefixes',
      'packageNamePrefixes',
      'olderThan',
      'newerThan',
    ],
    orNothing: [],
  })
  if (condition === undefined) return undefined
  if (action === 'Delete' && condition.entries.size === 0) {
    reading.refuse(
      condition.place,
      'A condition of nothing deletes every version, or none: the reference of the API does not say.',
      'If all are meant, write {"tagState": "any"}.',
    )
  }
  const match = readMatch(condition, action, reading)
  const older = readAge(condition, 'olderThan', reading)
  const newer = readAge(condition, 'newerThan', reading)
  const packages = readPackages(condition, reading)
  const matched = match === undefined ? {} : { match: [match] }
  const cleanup = (written: ImportedRule | ImportedNote): Cleanup => ({ name, ...packages, written })
  if (entryOf(condition, 'versionNamePrefixes') !== undefined) {
    reading.warn(
      entryOf(condition, 'versionNamePrefixes')?.place,
      `${name}: platforms of a multi-platform image are no versions of their own here. One that is named stays with its whole image, and goes only with it, so more is kept.`,
    )
  }
  if (action === 'Delete') {
    if (newer === undefined && (older === undefined || older <= lengthMax)) {
      const deletion = older === undefined ? ({ all: true } as const) : { olderThan: writeLength(older) }
      return cleanup({ name, comments: [origin], ...matched, delete: deletion })
    }
    const why =
      newer === undefined ? 'nothing is that old' : 'Winnow never deletes images because they are young'
    reading.warn(condition.place, `${name} is left out: ${why}. What it deletes is kept.`)
    return cleanup({ comments: [origin, `Left out: ${why}.`] })
  }
  if (older !== undefined) {
    reading.warn(
      condition.place,
      `${name} keeps what is older than ${writeLength(older)}; here it keeps that and everything younger, so more is kept.`,
    )
  }
  if (match?.tagged === false) {
    reading.warn(
      condition.place,
      `${name} keeps versions because they have no tag. Platforms and signatures of an image are no versions of their own here: they go with their image, and come back with it by undo.`,
    )
  }
  const keep =
    newer === undefined || newer > lengthMax ? ({ all: true } as const) : { within: writeLength(newer) }
  return cleanup({ name, comments: [origin], ...matched, keep })
}

function readPackages(map: SourceMap, reading: Reading): Pick<Cleanup, 'packages' | 'packagesPlace'> {
  const value = entryOf(map, 'packageNamePrefixes')
  return { packages: reading.texts(value) ?? [], packagesPlace: value?.place }
}

function readMatch(
  condition: SourceMap,
  action: 'Keep' | 'Delete',
  reading: Reading,
): ImportedBlock | undefined {
  const states = ['tagged', 'untagged', 'any', 'TAG_STATE_UNSPECIFIED'] as const
  const state = reading.choice(entryOf(condition, 'tagState'), states, { foldCase: true })
  const tags = reading.texts(entryOf(condition, 'tagPrefixes')) ?? []
  const versions = reading.texts(entryOf(condition, 'versionNamePrefixes')) ?? []
  const tagValue = entryOf(condition, 'tagPrefixes')
  if (tags.length > 0 && state !== 'tagged' && tagValue !== undefined) {
    reading.refuse(tagValue.place, '`tagPrefixes` goes only with `tagState: tagged`.')
  }
  const block: ImportedBlock = {
    ...(tags.length > 0 && { tags: tags.map(startingWith) }),
    ...(tags.length === 0 && state === 'tagged' && { tagged: true }),
    ...(state === 'untagged' && { tagged: false }),
    // A platform that is to stay stays with its image; one that may go is no reason to let go of the image.
    ...(versions.length > 0 && {
      [action === 'Keep' ? 'holdsDigests' : 'digests']: versions.map(startingWith),
    }),
  }
  return Object.keys(block).length === 0 ? undefined : block
}

function readAge(condition: SourceMap, key: 'olderThan' | 'newerThan', reading: Reading): number | undefined {
  const value = entryOf(condition, key)
  const text = reading.text(value)
  if (value === undefined || text === undefined) return undefined
  const length = simpleLength(text, 'smhdw') ?? goLength(text, { days: true })
  if (length === undefined) {
    reading.refuse(
      value.place,
      `${JSON.stringify(text)} is not a duration.`,
      'Durations are written "30d" or "2592000s".',
    )
  }
  return length
}

/**
 * One policy for each set of packages. Prefixes are asked from the longest: the longest that a package has tells which
 * others it has, too.
 */
function policiesOf(cleanups: readonly Cleanup[]): readonly ImportedPolicy[] {
  const prefixes = prefixesOf(cleanups)
  const general = cleanups.filter(({ packages }) => packages.length === 0)
  const narrow: ImportedPolicy[] = []
  let last: readonly Cleanup[] = []
  for (const prefix of prefixes) {
    const own = cleanups.filter(
      ({ packages }) => packages.length === 0 || packages.some((each) => prefix.startsWith(each)),
    )
    const before = narrow.at(-1)
    // Neighbours with the same rules are one policy.
    if (before !== undefined && own.length === last.length && own.every((each) => last.includes(each))) {
      const repositories = [...before.repositories, ...repositoriesOf(prefix)]
      narrow[narrow.length - 1] = {
        ...before,
        name: `${before.name}, ${prefix}*`.slice(0, 190),
        repositories,
      }
    } else {
      narrow.push(
        policyOf(`packages ${prefix}*`, repositoriesOf(prefix), 'of any project and repository', own),
      )
    }
    last = own
  }
  if (general.length === 0 && narrow.length > 0) return narrow
  return [
    ...narrow,
    ...unclearPolicies(cleanups, general),
    policyOf('gar', ['**'], 'the file names no repository: write project/repository/**', general),
  ]
}

/** From the longest. */
function prefixesOf(cleanups: readonly Cleanup[]): readonly string[] {
  return [...new Set(cleanups.flatMap(({ packages }) => packages))].toSorted(
    (a, b) => b.length - a.length || (a < b ? -1 : 1),
  )
}

/**
 * Where a name does not tell which part of it is the package, all that keeps packages of some reading keeps, and only
 * what deletes in all packages deletes.
 */
function unclearPolicies(
  cleanups: readonly Cleanup[],
  general: readonly Cleanup[],
): readonly ImportedPolicy[] {
  const keeps = keepsOfPackages(cleanups)
  if (keeps.length === 0) return []
  const repositories = prefixesOf(keeps).flatMap((prefix) => {
    const start = startingWith(prefix)
    return [`${start}*`, `*/${start}*`, `*/*/${start}*`]
  })
  const own = cleanups.filter((each) => general.includes(each) || keeps.includes(each))
  return [policyOf('packages not told apart', repositories, 'kept by whatever may be meant', own)]
}

function keepsOfPackages(cleanups: readonly Cleanup[]): readonly Cleanup[] {
  return cleanups.filter(
    ({ packages, written }) => packages.length > 0 && isRule(written) && written.keep !== undefined,
  )
}

/** Where some policy deletes in all packages, those that keep in some may keep in more here. */
function warnOfPackages(cleanups: readonly Cleanup[], reading: Reading): void {
  const deletesAnywhere = cleanups.some(
    ({ packages, written }) => packages.length === 0 && isRule(written) && written.delete !== undefined,
  )
  if (!deletesAnywhere) return
  for (const { packagesPlace } of keepsOfPackages(cleanups)) {
    reading.warn(
      packagesPlace,
      'packageNamePrefixes of a policy that keeps: a name does not tell which part of it is the package, so what it keeps stays here wherever some part of a name begins so, and more is kept.',
    )
  }
}

function policyOf(
  name: string,
  repositories: readonly string[],
  repositoriesRemark: string,
  cleanups: readonly Cleanup[],
): ImportedPolicy {
  return {
    name,
    comments: [],
    repositories,
    repositoriesRemark,
    unit: 'image',
    rules: cleanups.map(({ written }) => written),
    unmatched: 'keep',
    unmatchedRemark: 'what no cleanup policy deletes stays',
  }
}

/**
 * A repository is `project/repository/package` in Artifact Registry; before a project of a domain, which alone has a dot
 * in its name there, stands the domain. The first pattern is for packages named alone.
 */
function repositoriesOf(prefix: string): readonly string[] {
  const alone = prefix.includes('/') ? [] : [startingWith(prefix)]
  const literal = prefix.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)
  return [...alone, String.raw`/([^/]+\.[^/]+/)?[^./]+/[^/]+/${literal}.*/`]
}
