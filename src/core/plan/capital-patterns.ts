/**
 * Patterns with capitals where tags are listed in lower case: they match nothing there, so a rule that should keep
 * keeps nothing. Said as a warning, and never put right here: what a pattern means is the same on every registry.
 */
import type { RegistryName } from '../image/names.ts'
import type { TagPatterns } from '../policy/patterns.ts'
import type { Policy, Protect } from '../policy/policy.ts'

/** What to say of the policies that govern anything in such a registry; at most one sentence for each of them. */
export function capitalWarnings(
  registry: RegistryName,
  policies: Iterable<Policy>,
  { tags: protectedTags }: Pick<Protect, 'tags'>,
): readonly string[] {
  const places = [
    ['protect.tags', capitalsIn([protectedTags])] as const,
    ...[...policies].map((policy) => [`policy ${policy.name}`, capitalsIn(patternsOf(policy))] as const),
  ]
  return places.flatMap(([place, sources]) =>
    sources.length === 0
      ? []
      : [
          `${registry} lists tags in lower case, so these patterns of ${place} match none there: ${sources.join(', ')}. Write them in lower case, or as /…/i.`,
        ],
  )
}

function patternsOf({ rules }: Policy): readonly (TagPatterns | undefined)[] {
  return rules
    .flatMap(({ match, not, except }) => [...match, ...not, ...except])
    .flatMap(({ tags, tagsAll, tagsEvery }) => [tags, tagsAll, tagsEvery])
}

function capitalsIn(lists: readonly (TagPatterns | undefined)[]): readonly string[] {
  const sources = lists.flatMap((list) => (list === undefined ? [] : [...list.include, ...list.exclude]))
  return [...new Set(sources.map(({ source }) => source).filter(needsCapital))]
}

/** Classes may let in small letters as well; escapes and the names of groups are no text. */
function needsCapital(source: string): boolean {
  const body = source.replace(/^!/, '')
  if (body.startsWith('/') && body.endsWith('/i')) return false
  const text = body.replace(/\[[^\]]*\]|\\[pP]\{[^}]*\}|\(\?P?<[^>]*>/g, '')
  return /[A-Z]/.test(body.startsWith('/') ? text.replace(/\\./g, '') : text)
}
