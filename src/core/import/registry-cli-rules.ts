/** The rules of a command of registry-cli, once its flags are read. */
import { dockerManifests, dockerManifestsRemark } from './docker-manifests.ts'
import type { ImportedBlock, ImportedDelete, ImportedNote, ImportedRule } from './imported-policy.ts'
import { writeLength } from './lengths-of-time.ts'

export interface RegistryCliTags {
  /** What --delete and --delete-all speak of; empty: every tag. */
  readonly like: readonly string[]
  /** A digest with one of these stays. */
  readonly kept: readonly string[]
}

export interface RegistryCliMode {
  readonly line: number
  readonly deletes: boolean
  /** Wins over `deletes`. */
  readonly deletesAll: boolean
  /** How many of the newest stay; 0 deletes nothing there. */
  readonly count: number
  readonly deleteHours: number | undefined
  readonly keepHours: number | undefined
}

type Rules = readonly (ImportedRule | ImportedNote)[]

export function registryCliRules(mode: RegistryCliMode, tags: RegistryCliTags): Rules {
  return [...countedRules(mode, tags), ...oldRules(mode, tags)]
}

function countedRules(mode: RegistryCliMode, tags: RegistryCliTags): Rules {
  const { deletes, deletesAll, count, keepHours, line } = mode
  if (!deletes && !deletesAll) return []
  const flag = deletesAll ? '--delete-all' : '--delete'
  if (!deletesAll && count === 0)
    return [{ comments: [`line ${line}: --delete with --num 0 deletes nothing.`] }]
  const older = keepHours === undefined ? {} : { olderThan: hours(keepHours), by: 'created' as const }
  const deletion: ImportedDelete = deletesAll
    ? keepHours === undefined
      ? { all: true }
      : older
    : { ...older, beyondNewest: count, by: 'created', ...(keepHours !== undefined && { combine: 'all' }) }
  return [
    {
      name: deletesAll ? 'all tags' : 'all but the newest',
      comments: [
        `line ${line}: ${flag}; of an image that has a tag to keep, all tags stay`,
        dockerManifestsRemark,
      ],
      match: [{ ...(tags.like.length === 0 ? { tagged: true } : { tags: tags.like }), ...dockerManifests }],
      ...exceptKept(tags),
      delete: deletion,
    },
  ]
}

/**
 * --delete-by-hours asks of no --tags-like. Beside --delete it spares the newest that --delete counts: without
 * --tags-like that leaves nothing to do, with it the tags that --tags-like leaves out.
 */
function oldRules(mode: RegistryCliMode, tags: RegistryCliTags): Rules {
  const { deletes, deletesAll, deleteHours, keepHours = 0, line } = mode
  const isBeside = deletes && !deletesAll
  if (deleteHours === undefined || (isBeside && tags.like.length === 0)) return []
  return [
    {
      name: 'old tags',
      comments: [`line ${line}: --delete-by-hours, whatever --tags-like says`],
      match: [{ tagged: true, ...dockerManifests }],
      ...(isBeside && { not: [{ tags: tags.like }] }),
      ...exceptKept(tags),
      delete: { olderThan: hours(Math.max(deleteHours, keepHours)), by: 'created' },
    },
  ]
}

/** After counting: what is kept by its name takes a place all the same. */
function exceptKept({ kept }: RegistryCliTags): { readonly except?: readonly ImportedBlock[] } {
  return kept.length === 0 ? {} : { except: [{ tags: kept }] }
}

function hours(count: number): string {
  return writeLength(count * 3_600_000)
}
