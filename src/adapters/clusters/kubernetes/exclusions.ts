/**
 * What the configuration leaves out of a cluster, each with its reason. Everything left out is told in every report.
 */
import type { SourceProblem } from '../../../core/evidence/evidence.ts'
import { IGNORED_GROUPS, resourceName, type ApiResource } from './api-resource.ts'

export interface Exclusion {
  /** `secrets`, `rollouts.argoproj.io`, or all of a group: `*.argoproj.io`. */
  readonly resource: string
  readonly reason: string
}

export interface Exclusions {
  readonly isExcluded: (resource: Pick<ApiResource, 'group' | 'resource'>) => boolean
  /** Whether nothing of the group is wanted, so that it does not matter whether the group answers. */
  readonly isGroupIgnored: (group: string) => boolean
  readonly warnings: readonly SourceProblem[]
}

export function exclusionsOf(list: readonly Exclusion[] = []): Exclusions {
  const names = new Set(list.map(({ resource }) => resource))
  return {
    isExcluded: (resource) => names.has(resourceName(resource)) || names.has(`*.${resource.group}`),
    isGroupIgnored: (group) => IGNORED_GROUPS.has(group) || names.has(`*.${group}`),
    warnings: list.map(({ resource, reason }) => ({
      severity: 'warning',
      text: `${resource} is not read: ${reason}. What only it uses is not protected by this source.`,
      accept: undefined,
    })),
  }
}
