/**
 * Cleanup policies of Nexus Repository, for Docker repositories: all criteria of a policy must hold, and any policy is
 * enough. A criterion on paths is refused but for the one that takes everything: Winnow knows no paths.
 */
import type { Importer } from './importer.ts'
import {
  isRule,
  unnamedRegistry,
  type ImportedConfiguration,
  type ImportedDelete,
  type ImportedNote,
  type ImportedRule,
} from './imported-policy.ts'
import type { Reading } from './reading.ts'
import {
  entryOf,
  fileStart,
  type SourceDocument,
  type SourceMap,
  type SourceValue,
} from './source-document.ts'

export const nexusImporter: Importer = {
  system: 'nexus',
  title: 'Nexus cleanup policies',
  format: 'json',
  source: 'curl -u USER https://NEXUS/service/rest/v1/cleanup-policies',
  recognises: ({ documents: [root] }) => {
    const first = root?.kind === 'list' ? root.items[0] : root
    return ['criteriaLastBlobUpdated', 'criteriaLastDownloaded', 'criteriaAssetRegex'].some(
      (key) => entryOf(first, key) !== undefined,
    )
  },
  read: readNexus,
}

function readNexus(
  { documents: [root] }: SourceDocument,
  reading: Reading,
): ImportedConfiguration | undefined {
  const policies =
    root?.kind === 'map' ? [root] : reading.list(root, fileStart, 'a list of cleanup policies')?.items
  if (policies === undefined) return undefined
  const rules = policies.flatMap((policy) => readPolicy(policy, reading) ?? [])
  return {
    registries: [{ ...unnamedRegistry, kind: 'nexus' }],
    policies: [
      {
        name: 'nexus',
        comments: [],
        repositories: ['**'],
        repositoriesRemark: 'the policies do not say which repositories have them',
        unit: 'tag',
        rules,
        unmatched: 'keep',
        unmatchedRemark: 'what no policy takes stays',
        ...(rules.some(isRule) && {
          emptiedRemark:
            'Nexus leaves manifests without a tag to its task "Docker - Delete unused manifests and images"',
        }),
      },
    ],
  }
}

function readPolicy(value: SourceValue, reading: Reading): ImportedRule | ImportedNote | undefined {
  const policy = reading.map(value, value.place, {
    what: 'a cleanup policy',
    known: [
      'name',
      'format',
      'criteriaLastBlobUpdated',
      'criteriaLastDownloaded',
      'criteriaAssetRegex',
      'criteriaReleaseType',
      'retain',
      'sortBy',
    ],
    ignored: ['notes', 'inUseCount', 'mode'],
  })
  if (policy === undefined) return undefined
  const name = reading.text(entryOf(policy, 'name')) ?? `line ${policy.place.line}`
  const origin = `line ${policy.place.line}: ${name}`
  const format = reading.text(entryOf(policy, 'format'))
  if (format !== undefined && !['docker', '*', 'ALL_FORMATS'].includes(format)) {
    return { comments: [`${origin}. Left out: it is for ${format}.`] }
  }
  refuseOthers(policy, reading)
  // Nexus writes null for a criterion that is not set.
  const days = { min: 1, max: 36_500, orNothing: true }
  const updated = reading.whole(entryOf(policy, 'criteriaLastBlobUpdated'), days)
  const downloaded = reading.whole(entryOf(policy, 'criteriaLastDownloaded'), days)
  if (updated === undefined && downloaded === undefined) {
    return { comments: [`${origin}. Left out: without a criterion Nexus ignores it.`] }
  }
  if (downloaded !== undefined) {
    reading.warn(
      entryOf(policy, 'criteriaLastDownloaded')?.place,
      'criteriaLastDownloaded: Nexus goes by the upload of what was never downloaded; here the last pull is unknown then, and what is unknown is kept.',
    )
  }
  return { name, comments: [origin], delete: deletion(updated, downloaded) }
}

function deletion(updated: number | undefined, downloaded: number | undefined): ImportedDelete {
  return {
    ...(updated !== undefined && { olderThan: `${updated}d` }),
    ...(downloaded !== undefined && { notPulledFor: `${downloaded}d` }),
    ...(updated !== undefined && downloaded !== undefined && { combine: 'all' }),
  }
}

function refuseOthers(policy: SourceMap, reading: Reading): void {
  const expression = entryOf(policy, 'criteriaAssetRegex')
  const text = reading.text(expression)
  if (expression !== undefined && text !== undefined && text !== '' && text !== '.*') {
    reading.refuse(
      expression.place,
      '`criteriaAssetRegex` speaks of paths of assets, and Winnow of repositories and tags.',
      'Write the rule by hand: `match: {tags: [...]}` in a policy with `repositories:`.',
    )
  }
  for (const key of ['criteriaReleaseType', 'retain', 'sortBy']) {
    const value = entryOf(policy, key)
    if (value !== undefined && value.kind !== 'nothing')
      reading.refuse(value.place, `\`${key}\` is not for Docker repositories.`)
  }
}
