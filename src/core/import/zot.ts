/**
 * zot's retention, tag by tag. The first policy whose repositories match governs; of its groups the first that has a
 * pattern for a tag decides about it, and keeps it if any of its criteria does. Without a policy tags stay, and what has
 * no tag is still collected.
 */
import type { Importer } from './importer.ts'
import type { ImportedConfiguration, ImportedPolicy, ImportedRegistry } from './imported-policy.ts'
import type { Reading } from './reading.ts'
import {
  fileStart,
  valueAt,
  type SourceDocument,
  type SourceMap,
  type SourceValue,
} from './source-document.ts'
import { readZotRetention, untaggedRule } from './zot-policies.ts'
import { goLength, writeLength } from './lengths-of-time.ts'

export const zotImporter: Importer = {
  system: 'zot',
  title: 'a zot configuration',
  format: 'json',
  source: 'the configuration file of zot, such as /etc/zot/config.json',
  recognises: ({ documents: [root] }) =>
    valueAt(root, 'storage', 'retention') !== undefined ||
    valueAt(root, 'distSpecVersion') !== undefined ||
    valueAt(root, 'storage', 'rootDirectory') !== undefined,
  read: readZot,
}

function readZot({ documents: [root] }: SourceDocument, reading: Reading): ImportedConfiguration | undefined {
  const file = reading.map(root, fileStart, { what: 'a zot configuration', known: ['storage'], isOpen: true })
  const storage =
    file && reading.map(valueAt(file, 'storage'), file.place, { what: 'storage', known: [], isOpen: true })
  if (storage === undefined) return undefined
  const subPaths = subPathsOf(storage, reading)
  const elsewhere = subPaths.map(([folder]) => `!${folder}/**`)
  const policies = [
    ...storePolicies(storage, '', elsewhere, reading),
    ...subPaths.flatMap(([folder, store]) => storePolicies(store, folder, [], reading)),
  ]
  return { registries: [registryOf(root)], policies }
}

/** Folders of a store with storage and retention of their own, the deepest first. */
function subPathsOf(storage: SourceMap, reading: Reading): readonly (readonly [string, SourceMap])[] {
  const value = valueAt(storage, 'subPaths')
  if (value === undefined) return []
  const map = reading.map(value, storage.place, { what: 'subPaths', known: [], isOpen: true })
  const found = [...(map?.entries ?? [])].flatMap(([path, { value: store }]) => {
    const own = reading.map(store, store.place, { what: 'the storage of a subPath', known: [], isOpen: true })
    return own === undefined ? [] : [[path.replace(/^\/+|\/+$/g, ''), own] as const]
  })
  const nested = found.find(([a]) => found.some(([b]) => a !== b && b.startsWith(`${a}/`)))
  if (nested !== undefined)
    reading.refuse(nested[1].place, 'One subPath lies in another; which of them governs cannot be said.')
  return found
}

/** The policies of one store, and the one for repositories that none of them names. */
function storePolicies(
  store: SourceMap,
  folder: string,
  elsewhere: readonly string[],
  reading: Reading,
): readonly ImportedPolicy[] {
  const rest = folder === '' ? ['**', ...elsewhere] : [`${folder}/**`]
  const isCollected = reading.flag(valueAt(store, 'gc')) ?? true
  const retention = valueAt(store, 'retention')
  const read = readZotRetention(retention, store, elsewhere, folder, reading)
  if (!isCollected) {
    reading.warn(
      valueAt(store, 'gc')?.place,
      '`gc: false`: zot applies no retention without garbage collection and deletes nothing; so does what is imported.',
    )
    return [restPolicy(folder, rest, [])]
  }
  const delay = read.delay ?? delayOf(retention, reading)
  return [
    ...read.policies,
    ...(read.isEverythingGoverned
      ? []
      : [restPolicy(folder, rest, [untaggedRule(delay, 'without a policy')])]),
  ]
}

function restPolicy(
  folder: string,
  repositories: readonly string[],
  rules: ImportedPolicy['rules'],
): ImportedPolicy {
  return {
    name: folder === '' ? 'no retention policy' : `no retention policy in ${folder}`,
    comments: [],
    repositories,
    unit: 'tag',
    rules,
    unmatched: 'keep',
    unmatchedRemark: 'without a policy zot keeps all tags',
  }
}

function delayOf(retention: SourceValue | undefined, reading: Reading): string {
  const value = valueAt(retention, 'delay')
  const text = reading.text(value)
  const length = text === undefined ? undefined : goLength(text, { days: false })
  if (value !== undefined && text !== undefined && length === undefined) {
    reading.refuse(
      value.place,
      `${JSON.stringify(text)} is not a duration.`,
      'zot writes durations as "24h" or "1h30m".',
    )
  }
  return length === undefined ? '24h' : writeLength(length)
}

/** The address that the server tells of itself, where it tells one that others can use. */
function registryOf(root: SourceValue | undefined): ImportedRegistry {
  const external = valueAt(root, 'http', 'externalUrl')
  if (external?.kind === 'text' && /^https?:\/\/[\w.:-]+\/?$/.test(external.value)) {
    return { name: 'zot', url: external.value.replace(/\/$/, ''), kind: 'zot' }
  }
  return {
    name: 'imported',
    url: 'https://registry.example.com',
    kind: 'zot',
    remark: 'write the address of the registry',
  }
}
