/**
 * dataaxiom/ghcr-cleanup-action. What `exclude-tags` matches or what is young is taken out first, and is not counted.
 * `delete-tags` removes an image whose tags all match, and of others the tag alone; with `keep-n-tagged` both wait until
 * the newest images are set aside.
 */
import { compileRepositoryPatterns } from '../policy/compile-patterns.ts'
import { PatternError } from '../policy/pattern-error.ts'
import { hasBareAlternatives, patternOf } from './expressions.ts'
import type { Importer } from './importer.ts'
import type { ImportedConfiguration, ImportedPolicy } from './imported-policy.ts'
import { ghcrRules, ghcrInputs } from './ghcr-rules.ts'
import { escapeGlob, repositoryGlobOfDoublestar } from './globs.ts'
import { canMeet } from './partition.ts'
import type { Reading } from './reading.ts'
import { entryOf, type Place, type SourceDocument } from './source-document.ts'
import { tryText } from './try-pattern.ts'
import { flagInputOf, openInputOf, readSteps, stepsOf, type Step } from './workflow-steps.ts'

const action = 'dataaxiom/ghcr-cleanup-action'

export const ghcrCleanupImporter: Importer = {
  system: 'ghcr-cleanup-action',
  title: `a workflow with ${action}`,
  format: 'yaml',
  source: 'the workflow file in .github/workflows',
  recognises: (document) => stepsOf(document, action).length > 0,
  read: readGhcrCleanup,
}

function readGhcrCleanup(document: SourceDocument, reading: Reading): ImportedConfiguration | undefined {
  const steps = readSteps(document, action, ghcrInputs, reading)
  const policies = steps.flatMap((step) => policyOf(step, reading))
  refuseTwice(policies, steps, reading)
  return {
    registries: [{ name: 'ghcr', url: 'https://ghcr.io', kind: 'ghcr' }],
    policies,
  }
}

function policyOf(step: Step, reading: Reading): ImportedPolicy {
  const { repositories, isOpen } = repositoriesOf(step, reading)
  const { unit, rules } = ghcrRules(step, reading)
  return {
    name: `ghcr-cleanup ${repositories[0] ?? ''}`.slice(0, 190),
    comments: [],
    repositories,
    ...(isOpen && { repositoriesRemark: 'the workflow does not name them: write owner and package' }),
    unit,
    rules,
    unmatched: 'keep',
    unmatchedRemark: 'what no input names stays',
  }
}

interface Packages {
  readonly repositories: readonly string[]
  readonly isOpen: boolean
}

function repositoriesOf({ inputs, place }: Step, reading: Reading): Packages {
  const owner = openInputOf(inputs, 'owner')?.toLowerCase()
  const key = openInputOf(inputs, 'packages') === undefined ? 'package' : 'packages'
  const given = openInputOf(inputs, key)
  const isExpanded = flagInputOf(inputs, 'expand-packages', reading) === true
  const at = entryOf(inputs, key)?.place ?? place
  const isExpression = isExpanded && flagInputOf(inputs, 'use-regex', reading) === true
  const names = namesOf(given, isExpression)
  const isOpen = owner === undefined || names.length === 0
  if (isOpen) {
    reading.warn(
      place,
      'The workflow does not say whose package it is (owner and package): look at `repositories`, and write the names before anything is deleted.',
    )
  }
  if (owner === undefined && names.length === 0) return { repositories: ['**'], isOpen }
  if (names.length === 0) return { repositories: [`${ownerGlob(owner)}/**`], isOpen }
  if (!isExpanded) warnOfWildcards(names, at, reading)
  const make = isExpression
    ? (name: string): string => expressionPattern(owner, name)
    : (name: string): string => `${ownerGlob(owner)}/${isExpanded ? packageGlob(name) : escapeGlob(name)}`
  return { repositories: names.flatMap((name) => tryText(name, at, reading, make) ?? []), isOpen }
}

/** The action takes an expression as a whole; names stand between commas. */
function namesOf(given: string | undefined, isExpression: boolean): readonly string[] {
  if (isExpression) return given === undefined ? [] : [given]
  const names = (given ?? '').split(',').map((name) => name.trim().toLowerCase().replaceAll('%2f', '/'))
  return [...new Set(names)].filter((name) => name !== '')
}

function warnOfWildcards(names: readonly string[], at: Place, reading: Reading): void {
  const named = names.find((name) => /[*?]/.test(name))
  if (named === undefined) return
  reading.warn(
    at,
    `Without expand-packages the action takes ${JSON.stringify(named)} for a name, and no package has a wildcard in its name: for it nothing is deleted.`,
  )
}

function ownerGlob(owner: string | undefined): string {
  return owner === undefined ? '*' : escapeGlob(owner)
}

/** `*` and `?` stop at a slash, and `**` goes past it where it stands between slashes by itself (wildcard-match). */
function packageGlob(name: string): string {
  if (name.includes('\\')) throw new PatternError(name, 'Backslashes in wildcards are not known here.', hint)
  return repositoryGlobOfDoublestar(name.replace(/[[\]{}]/g, String.raw`\$&`)).replace(/^\\(?=[!/])/, '')
}

/** With use-regex it is an expression of JavaScript, for any part of the name behind the owner. */
function expressionPattern(owner: string | undefined, source: string): string {
  patternOf(source, { dialect: 'javascript', anchoring: 'search' })
  const start = owner === undefined ? '[^/]+' : owner.replace(/[.+]/g, String.raw`\$&`)
  const isFromStart = source.startsWith('^') && !hasBareAlternatives(source)
  const pattern = isFromStart ? `/${start}/(?:${source.slice(1)}).*/` : undefined
  if (pattern === undefined && /[\^]/.test(source.replace(/\\.|\[\^/g, '')))
    throw new PatternError(source, '"^" in the middle of an expression for packages is not taken over.', hint)
  const made = pattern ?? `/${start}/.*(?:${source}).*/`
  compileRepositoryPatterns([made])
  return made
}

const hint = 'Write the names of the packages in its place and import again.'

/**
 * Steps run one after the other, and the second counts what the first left; one policy cannot say that. Of two policies
 * that match a repository the second would never be reached.
 */
function refuseTwice(policies: readonly ImportedPolicy[], steps: readonly Step[], reading: Reading): void {
  policies.forEach(({ repositories }, index) => {
    const place = steps[index]?.place
    const earlier = policies
      .slice(0, index)
      .flatMap((policy, at) =>
        policy.repositories.map((pattern) => ({ pattern, line: steps[at]?.place.line ?? 0 })),
      )
    for (const repository of repositories) {
      const other = earlier.find(({ pattern }) => canMeet(pattern, repository))
      if (other === undefined || place === undefined) continue
      const told =
        other.pattern === repository ? repository : `what ${other.pattern} and ${repository} both take`
      reading.refuse(
        place,
        `Two steps work on ${told} (the other in line ${other.line}), the second on what the first left. Import one of them at a time.`,
      )
    }
  })
}
