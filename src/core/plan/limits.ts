/**
 * Limits: how much one run may delete. At a limit Winnow stops; it does not trim, because a plan cut to size is a plan
 * nobody has looked at. Exactly at a limit is allowed.
 */
import type { RegistryName, RepositoryName } from '../image/names.ts'
import type { Limits } from '../policy/policy.ts'
import { counted } from '../words/counted.ts'
import type { BrokenLimit } from './plan.ts'

export interface RegistryCount {
  readonly registry: RegistryName
  /** Images of governed repositories. */
  readonly governed: number
  readonly deleted: number
  /** Images that lose their last tag and stay: whoever asks for them by name misses them as much. @default 0 */
  readonly emptied?: number
  readonly repositories: readonly RepositoryCount[]
}

export interface RepositoryCount {
  readonly repository: RepositoryName
  readonly taggedBefore: number
  readonly taggedAfter: number
}

/** The limits that a run of these counts would break. */
export function brokenLimits(counts: readonly RegistryCount[], limits: Limits): readonly BrokenLimit[] {
  const broken: BrokenLimit[] = []
  const deleted = counts.reduce((total, count) => total + goneFrom(count), 0)
  const emptied = counts.reduce((total, count) => total + (count.emptied ?? 0), 0)
  const [first] = counts
  if (first !== undefined && deleted > limits.maxDeletions) {
    broken.push({
      key: 'maxDeletions',
      registry: first.registry,
      repository: undefined,
      text: `The plan deletes ${counted(deleted, 'image')}${ofThem(emptied)}, and limits.maxDeletions allows ${limits.maxDeletions} in one run.`,
    })
  }
  for (const count of counts) broken.push(...shareBroken(count, limits), ...survivorsBroken(count, limits))
  return broken
}

function goneFrom({ deleted, emptied = 0 }: RegistryCount): number {
  return deleted + emptied
}

function ofThem(emptied: number): string {
  return emptied === 0 ? '' : ` (${emptied} of them ${emptied === 1 ? 'loses its' : 'lose their'} last tag)`
}

function shareBroken(count: RegistryCount, { maxShare }: Limits): readonly BrokenLimit[] {
  const { registry, governed, emptied = 0 } = count
  const deleted = goneFrom(count)
  if (governed === 0 || deleted <= maxShare * governed + rounding) return []
  const text =
    `The plan deletes ${deleted} of the ${counted(governed, 'governed image')} of ${registry} (${percent(deleted / governed)})${ofThem(emptied)}, ` +
    `and limits.maxShare allows ${percent(maxShare)}.`
  return [{ key: 'maxShare', registry, repository: undefined, text }]
}

function survivorsBroken(count: RegistryCount, { minSurvivors }: Limits): readonly BrokenLimit[] {
  return count.repositories.flatMap(({ repository, taggedBefore, taggedAfter }) => {
    // A repository that was this small before, and loses nothing, breaks no limit.
    if (taggedAfter >= minSurvivors || taggedAfter === taggedBefore) return []
    const text =
      `The plan leaves ${taggedAfter} of ${taggedBefore} tagged images in ${repository}, ` +
      `and limits.minSurvivors wants ${minSurvivors} left.`
    return [{ key: 'minSurvivors' as const, registry: count.registry, repository, text }]
  })
}

/** 0.3 × 10 is not 3 in binary; a limit reached exactly must not be broken by that. */
const rounding = 1e-9

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10}%`
}
