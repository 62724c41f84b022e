/** ECR: rules in the order of priorities; whom a rule's tags match, no later rule touches; counts count everybody. */
import fc from 'fast-check'
import { dayMs, deletedImages, newestFirst, now, type SourceImage, type System } from './system.ts'

interface Rule {
  readonly tags:
    | { readonly tagStatus: 'any' | 'untagged' }
    | { readonly tagStatus: 'tagged'; readonly tagPatternList: readonly string[] }
  readonly count: { readonly countType: string; readonly countNumber: number; readonly countUnit?: string }
}

const rule: fc.Arbitrary<Rule> = fc.record({
  tags: fc.oneof(
    fc.constant({ tagStatus: 'untagged' as const }),
    fc
      .subarray(['v*', 'pr*', '*1', 'prod', '*r*-*'], { minLength: 1, maxLength: 2 })
      .map((tagPatternList) => ({ tagStatus: 'tagged' as const, tagPatternList })),
  ),
  count: fc.oneof(
    fc.integer({ min: 1, max: 3 }).map((n) => ({ countType: 'imageCountMoreThan', countNumber: n })),
    fc
      .integer({ min: 1, max: 5 })
      .map((n) => ({ countType: 'sinceImagePushed', countNumber: n, countUnit: 'days' })),
  ),
})
const lastRule = rule.map((each): Rule => ({ ...each, tags: { tagStatus: 'any' } }))

export const ecr: System = {
  system: 'ecr',
  unit: 'image',
  repository: 'app',
  tagPool: ['v1', 'v2', 'pr-1', 'pr-2', 'prod', 'x'],
  files: fc
    .tuple(fc.array(rule, { maxLength: 3 }), fc.option(lastRule, { nil: undefined }))
    .map(([rules, last]) => (last === undefined ? rules : [...rules, last]))
    .map((rules) => ({ text: textOf(rules), evaluate: (images) => deletedImages(expired(rules, images)) })),
}

function textOf(rules: readonly Rule[]): string {
  const written = rules.map(({ tags, count }, index) => ({
    rulePriority: (index + 1) * 10,
    selection: { ...tags, ...count },
    action: { type: 'expire' },
  }))
  // Priorities decide, not the order in the file.
  return JSON.stringify({ rules: written.toReversed() }, undefined, 1)
}

function expired(rules: readonly Rule[], all: readonly SourceImage[]): readonly SourceImage[] {
  // What is locked stands for what is archived: out of scope altogether.
  const images = all.filter(({ locked }) => !locked)
  const claimed = new Set<SourceImage>()
  const gone: SourceImage[] = []
  for (const { tags, count } of rules) {
    const pool = images.filter((image) => {
      if (!('tagPatternList' in tags)) return tags.tagStatus === 'any' || image.tags.length === 0
      return tags.tagPatternList.every((pattern) => image.tags.some(({ name }) => like(pattern, name)))
    })
    const acted =
      count.countType === 'imageCountMoreThan'
        ? newestFirst(pool).slice(count.countNumber)
        : pool.filter(({ pushedAt }) => now - pushedAt > count.countNumber * dayMs)
    gone.push(...acted.filter((image) => !claimed.has(image)))
    for (const image of pool) claimed.add(image)
  }
  return gone
}

function like(pattern: string, text: string): boolean {
  return new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(text)
}
