/**
 * Names and patterns that a file of Winnow's cannot hold: empty ones, very long ones, wildcards that do not compile. Each
 * importer looks at those it knows to be patterns; this is the last look, at all that would be written, so that no file
 * is made that Winnow itself refuses.
 */
import { compileRepositoryPatterns, compileTagPatterns } from '../policy/compile-patterns.ts'
import { PatternError } from '../policy/pattern-error.ts'
import { isRule, type ImportedBlock, type ImportedPolicy } from './imported-policy.ts'
import type { ImportFinding } from './reading.ts'
import { fileStart } from './source-document.ts'

/** One finding for each text that cannot be used; they stand at the beginning, as their own place is not known any more. */
export function unusablePatterns(policies: readonly ImportedPolicy[]): readonly ImportFinding[] {
  const found = new Map<string, ImportFinding>()
  const look = (pattern: string, what: string, compile: (list: readonly string[]) => unknown): void => {
    const finding = findingOf(pattern, what, compile)
    if (finding !== undefined) found.set(`${what} ${pattern}`, finding)
  }
  for (const { repositories, rules } of policies) {
    for (const pattern of repositories) look(pattern, 'repository', compileRepositoryPatterns)
    for (const block of rules.flatMap((each) => (isRule(each) ? blocksOf(each) : []))) {
      for (const pattern of patternsOf(block)) look(pattern, 'tag or digest', compileTagPatterns)
      for (const text of Object.entries(block.labels ?? {}).flat())
        // A text with a zero in it is none to a configuration.
        look(text.includes('\0') ? '' : text.replace(/[\s\p{C}]/gu, ''), 'label', () => undefined)
    }
  }
  return [...found.values()]
}

function blocksOf({ match = [], not = [], except = [] }: Sides): readonly ImportedBlock[] {
  return [...match, ...not, ...except]
}

interface Sides {
  readonly match?: readonly ImportedBlock[]
  readonly not?: readonly ImportedBlock[]
  readonly except?: readonly ImportedBlock[]
}

function patternsOf({
  tags = [],
  tagsAll = [],
  tagsEvery = [],
  digests = [],
}: ImportedBlock): readonly string[] {
  return [...tags, ...tagsAll, ...tagsEvery, ...digests]
}

function findingOf(
  pattern: string,
  what: string,
  compile: (list: readonly string[]) => unknown,
): ImportFinding | undefined {
  const hint = 'Correct it where it stands, or take it out, and import again.'
  if (pattern.replace(/^!/, '') === '') {
    return { place: fileStart, message: `The file has an empty name or pattern of a ${what}.`, hint }
  }
  try {
    compile([pattern])
    return undefined
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    const shown = JSON.stringify(pattern.length > shownMax ? `${pattern.slice(0, shownMax)}…` : pattern)
    return {
      place: fileStart,
      message: `The pattern ${shown} of a ${what} cannot be used. ${error.message}`,
      hint,
    }
  }
}

/** Of a pattern, in characters. */
const shownMax = 60
