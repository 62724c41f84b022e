/**
 * Whether policies look at what only image configs tell: labels, platforms, when an image was built, its commits. Where a
 * registry tells upload times itself, configs that nobody looks at need not be fetched.
 */
import type { MatchBlock, PolicySet, Rule } from './policy.ts'

export function needsConfigs({ policies }: PolicySet): boolean {
  return policies.some(({ rules }) => rules.some(needs))
}

/** `active` is the newer of several times, that of building among them. */
const asksBuild: ReadonlySet<string> = new Set(['created', 'active', 'activeItself'])

function needs({ match, not, except, effect }: Rule): boolean {
  if ([...match, ...not, ...except].some(looksInside)) return true
  if ([effect.by, effect.countBy].some((order) => order !== undefined && asksBuild.has(order))) return true
  return effect.kind === 'keep' && effect.criteria.some(({ kind }) => kind === 'git')
}

function looksInside({ labels, platform, werf, created }: MatchBlock): boolean {
  return [labels, platform, werf, created].some((field) => field !== undefined)
}
