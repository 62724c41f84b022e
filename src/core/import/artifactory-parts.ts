/**
 * Policies of artifactory-cleanup as policies of Winnow. There, each speaks of tags in repositories by masks that hold for
 * both at once; here, one policy governs a repository. So repositories are parted by which masks hold for them, and in
 * each part every policy is a rule about tags.
 */
import { anyImage, anyTag, type PathMask } from './aql-masks.ts'
import { covers, mayMeet, type Key } from './artifactory-keys.ts'
import type { CleanupPolicy } from './artifactory-policy.ts'
import { cleanupRules, countsWholeImages, type TagSelection } from './artifactory-rules.ts'
import type { ImageSelection } from './artifactory-selection.ts'
import type { ImportedPolicy } from './imported-policy.ts'
import { mergeParts } from './merge-parts.ts'
import { partRepositories, type Condition, type Part } from './partition.ts'
import type { Reading } from './reading.ts'
import { fileStart } from './source-document.ts'

/** A policy with rules for Docker. */
export interface ImagePolicy extends CleanupPolicy {
  readonly images: ImageSelection
}

/** Undefined, and a finding, where repositories cannot be parted. */
export function partCleanup(
  policies: readonly ImagePolicy[],
  reading: Reading,
): readonly ImportedPolicy[] | undefined {
  const keys = cellsOf(policies)
  const masks = keys.filter(({ name }) => name === undefined)
  const isTwice = masks.some((mask) => masks.some((other) => other !== mask && mayMeet([mask], [other])))
  const parted = keys.map((key) => partKey(key, policies, reading))
  const made = parted.flatMap((parts) => parts ?? [])
  if (!isTwice && parted.every((parts) => parts !== undefined)) return made
  const place = policies[0]?.place ?? fileStart
  const message = isTwice
    ? 'Two masks may speak of the same repository keys.'
    : 'The masks speak of too many repositories.'
  reading.refuse(place, message, 'Import a part of the policies at a time.')
  return undefined
}

/** Every key that is named, then every mask. */
function cellsOf(policies: readonly ImagePolicy[]): readonly Key[] {
  const keys = policies.flatMap((policy) => policy.keys)
  const unique = keys.filter(({ glob }, index) => keys.findIndex((key) => key.glob === glob) === index)
  return unique.toSorted((a, b) => Number(a.name === undefined) - Number(b.name === undefined))
}

/** The policies for one key, or for all that a mask takes and nobody names; undefined when there would be too many. */
function partKey(
  key: Key,
  policies: readonly ImagePolicy[],
  reading: Reading,
): readonly ImportedPolicy[] | undefined {
  const own = policies.filter(({ keys }) => keys.some((other) => isWithin(key, other)))
  // The masks on images first: they name what is special about a part.
  const images = own
    .flatMap((policy) => [...policy.images.includes.flat(), ...policy.images.excludes])
    .filter(({ image }) => image !== anyImage)
  const all = condition(below(key, anyImage))
  const parts = partRepositories([
    ...images.map(({ image }) => [condition(below(key, image))]),
    [all],
  ])?.filter(({ holds }) => holds([all]))
  const named = policies.flatMap(({ keys }) =>
    keys.flatMap(({ name, glob }) =>
      key.name === undefined && name !== undefined && covers(key, name) ? [`!${glob}/${anyImage}`] : [],
    ),
  )
  const made = parts?.map(({ repositories, holds }) =>
    policyOf(key, { repositories: [...new Set([...repositories, ...named])], holds }, own, reading),
  )
  return made && mergeParts(made.filter((policy, index) => isNeeded(policy, made.slice(index + 1))))
}

function isWithin(key: Key, other: Key): boolean {
  return key.name === undefined ? key.glob === other.glob : covers(other, key.name)
}

function condition(pattern: string): Condition {
  return { pattern, isNegated: false }
}

function below({ glob }: Key, image: string): string {
  return glob === '*' && image === anyImage ? anyImage : `${glob}/${image}`
}

/** One without rules is needed only where a later one would govern its repositories. */
function isNeeded(policy: ImportedPolicy, later: readonly ImportedPolicy[]): boolean {
  const hasRules = ({ rules }: ImportedPolicy): boolean => rules.length > 0
  const [first] = policy.repositories
  return hasRules(policy) || later.some((other) => hasRules(other) && other.repositories[0] === first)
}

function policyOf(key: Key, part: Part, policies: readonly ImagePolicy[], reading: Reading): ImportedPolicy {
  const selections = policies.flatMap((policy) => tagsIn(key, part, policy) ?? [])
  const isWhole = selections.some((each, index) => countsWholeImages(each, selections.slice(0, index)))
  const unit = isWhole ? 'image' : 'tag'
  const rules = selections.flatMap((each, index) =>
    cleanupRules(each, selections.slice(0, index), unit, reading),
  )
  const [first = anyImage] = part.repositories
  return {
    name: first === anyImage ? 'artifactory-cleanup' : first.replace(/\/\*\*$/, '').slice(0, 190),
    comments: [],
    repositories: part.repositories,
    unit,
    rules,
    unmatched: 'keep',
    unmatchedRemark: 'what no policy takes stays',
  }
}

/** What the policy says of tags in these repositories; undefined where it does not speak of them. */
function tagsIn(key: Key, part: Part, { place, name, images }: ImagePolicy): TagSelection | undefined {
  const tagsOf = (masks: readonly PathMask[]): readonly string[] =>
    masks
      .filter(({ image }) => image === anyImage || part.holds([condition(below(key, image))]))
      .map(({ tag }) => tag)
  const includes = images.includes.map(tagsOf)
  const excludes = [...new Set(tagsOf(images.excludes))]
  if (includes.some((tags) => tags.length === 0) || excludes.includes(anyTag)) return undefined
  const lists = includes.filter((tags) => !tags.includes(anyTag)).map((tags) => [...new Set(tags)])
  return { place, name, images, includes: lists, excludes }
}
