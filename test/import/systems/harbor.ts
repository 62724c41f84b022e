/** Harbor: what some rule retains stays; everything else of a repository that some rule speaks of goes. */
import fc from 'fast-check'
import { dayMs, deletedImages, now, type SourceImage, type System } from './system.ts'

interface Selector {
  readonly decoration: 'matches' | 'excludes'
  readonly pattern: string
  readonly untagged: boolean | undefined
}

interface Rule {
  readonly disabled: boolean
  readonly template: string
  readonly number: number
  readonly selectors: readonly Selector[]
  readonly repository: { readonly decoration: string; readonly pattern: string }
}

const templates = [
  'always',
  'nothing',
  'latestPushedK',
  'latestPulledN',
  'latestActiveK',
  'nDaysSinceLastPush',
  'nDaysSinceLastPull',
  'lastXDays',
]

const rule: fc.Arbitrary<Rule> = fc.record({
  disabled: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
  template: fc.constantFrom(...templates),
  number: fc.integer({ min: 0, max: 4 }),
  selectors: fc.array(
    fc.record({
      decoration: fc.constantFrom('matches' as const, 'excludes' as const),
      pattern: fc.constantFrom('**', 'v*', '{v1,pr-*}', 'prod', ''),
      untagged: fc.constantFrom(undefined, true, false),
    }),
    { minLength: 1, maxLength: 2 },
  ),
  repository: fc.record({
    decoration: fc.constantFrom('repoMatches', 'repoExcludes'),
    pattern: fc.constantFrom('**', 'app', 'a*', 'web', 'x/**', '{web,app}', '{x/**,web}'),
  }),
})

export const harbor: System = {
  system: 'harbor',
  unit: 'image',
  repository: 'library/app',
  tagPool: ['v1', 'v2', 'pr-1', 'prod', 'x'],
  files: fc.array(rule, { maxLength: 3 }).map((rules) => ({
    text: JSON.stringify(
      { algorithm: 'or', rules: rules.map(written), scope: { level: 'project', ref: 1 } },
      undefined,
      1,
    ),
    evaluate: (images) => deletedImages(deleted(rules, images)),
  })),
}

function written({ disabled, template, number, selectors, repository }: Rule): object {
  return {
    disabled,
    action: 'retain',
    template,
    params: { [template]: number },
    tag_selectors: selectors.map(({ decoration, pattern, untagged }) => ({
      kind: 'doublestar',
      decoration,
      pattern,
      ...(untagged !== undefined && { extras: JSON.stringify({ untagged }) }),
    })),
    scope_selectors: { repository: [{ kind: 'doublestar', ...repository }] },
  }
}

function deleted(rules: readonly Rule[], images: readonly SourceImage[]): readonly SourceImage[] {
  const own = rules.filter(({ disabled, repository: { decoration, pattern } }) => {
    const isMatch = ['**', 'app', 'a*', '{web,app}'].includes(pattern)
    return !disabled && isMatch === (decoration === 'repoMatches')
  })
  if (own.length === 0) return []
  const retained = new Set(own.flatMap((each) => retain(each, images)))
  return images.filter((image) => !retained.has(image) && !image.locked)
}

function retain(
  { template, number, selectors }: Rule,
  images: readonly SourceImage[],
): readonly SourceImage[] {
  const chosen = images.filter((image) => selectors.every((selector) => selects(selector, image)))
  const pulled = ({ pulledAt }: SourceImage): number => pulledAt ?? 0
  const active = (image: SourceImage): number => Math.max(image.pushedAt, pulled(image))
  const top = (time: (image: SourceImage) => number): readonly SourceImage[] =>
    chosen.toSorted((a, b) => time(b) - time(a)).slice(0, number)
  const cutOff = now - number * dayMs
  switch (template) {
    case 'always':
      return chosen
    case 'latestPushedK':
      return top(({ pushedAt }) => pushedAt)
    case 'latestPulledN':
      return top(pulled)
    case 'latestActiveK':
      return top(active)
    case 'nDaysSinceLastPush':
      return chosen.filter(({ pushedAt }) => pushedAt >= cutOff)
    case 'nDaysSinceLastPull':
      return chosen.filter((image) => pulled(image) >= cutOff)
    case 'lastXDays':
      return chosen.filter((image) => active(image) > cutOff)
    default:
      return []
  }
}

function selects({ decoration, pattern, untagged }: Selector, { tags }: SourceImage): boolean {
  const matches = (name: string): boolean => {
    if (pattern === '' || pattern === '**') return true
    if (pattern === '{v1,pr-*}') return name === 'v1' || name.startsWith('pr-')
    return pattern === 'v*' ? name.startsWith('v') : name === pattern
  }
  if (tags.length === 0) return decoration === 'matches' ? (untagged ?? true) : !(untagged ?? false)
  return tags.some(({ name }) => matches(name) === (decoration === 'matches'))
}
