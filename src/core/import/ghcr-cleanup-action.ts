/**
 * dataaxiom/ghcr-cleanup-action. What `exclude-tags` matches or what is young is taken out first, and is not counted.
 * `delete-tags` removes an image whose tags all match, and of others the tag alone; with `keep-n-tagged` both wait until
 * the newest images are set aside.
 */
import type { Importer } from './importer.ts'
import type { ImportedConfiguration, ImportedPolicy } from './imported-policy.ts'
import { ghcrRules, ghcrInputs } from './ghcr-rules.ts'
import { escapeGlob } from './globs.ts'
import type { Reading } from './reading.ts'
import type { SourceDocument } from './source-document.ts'
import { inputOf, openInputOf, readSteps, stepsOf, type Step } from './workflow-steps.ts'

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

function repositoriesOf(
  { inputs, place }: Step,
  reading: Reading,
): { readonly repositories: readonly string[]; readonly isOpen: boolean } {
  const owner = openInputOf(inputs, 'owner')?.toLowerCase()
  const given = openInputOf(inputs, 'packages') ?? openInputOf(inputs, 'package')
  const isExpanded = inputOf(inputs, 'expand-packages', reading)?.toLowerCase() === 'true'
  const names = (given ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase().replaceAll('%2f', '/'))
    .filter((name) => name !== '')
  const isOpen = owner === undefined || names.length === 0
  if (isOpen) {
    reading.warn(
      place,
      'The workflow does not say whose package it is (owner and package): look at `repositories`, and write the names before anything is deleted.',
    )
  }
  if (owner === undefined && names.length === 0) return { repositories: ['**'], isOpen }
  const start = owner === undefined ? '*' : escapeGlob(owner)
  if (names.length === 0) return { repositories: [`${start}/**`], isOpen }
  return {
    repositories: names.map((name) => `${start}/${isExpanded ? expanded(name) : escapeGlob(name)}`),
    isOpen,
  }
}

/** Wildcards in names of packages stop at no slash. */
function expanded(name: string): string {
  return name.split('*').map(escapeGlob).join('*').replace(/\*+/g, '**')
}

/** Steps run one after the other, and the second counts what the first left; one policy cannot say that. */
function refuseTwice(policies: readonly ImportedPolicy[], steps: readonly Step[], reading: Reading): void {
  const seen = new Set<string>()
  policies.forEach(({ repositories }, index) => {
    const place = steps[index]?.place
    for (const repository of repositories) {
      if (seen.has(repository) && place !== undefined) {
        reading.refuse(
          place,
          `Two steps work on ${repository}, the second on what the first left. Import one of them at a time.`,
        )
      }
      seen.add(repository)
    }
  })
}
