/**
 * actions/delete-package-versions, as far as it says what stays: `min-versions-to-keep`, and untagged versions alone. A
 * number of versions that go with each run, whatever is left, is no rule that says what is needed.
 */
import { patternOf } from './expressions.ts'
import { escapeGlob } from './globs.ts'
import type { Importer } from './importer.ts'
import type { ImportedConfiguration, ImportedDelete, ImportedPolicy } from './imported-policy.ts'
import type { Reading } from './reading.ts'
import { entryOf, type SourceDocument } from './source-document.ts'
import { tryText } from './try-pattern.ts'
import {
  flagInputOf,
  inputOf,
  openInputOf,
  readSteps,
  stepsOf,
  wholeInputOf,
  type Step,
} from './workflow-steps.ts'

const action = 'actions/delete-package-versions'

export const deletePackageVersionsImporter: Importer = {
  system: 'delete-package-versions',
  title: `a workflow with ${action}`,
  format: 'yaml',
  source: 'the workflow file in .github/workflows',
  recognises: (document) => stepsOf(document, action).length > 0,
  read: readWorkflow,
}

function readWorkflow(document: SourceDocument, reading: Reading): ImportedConfiguration | undefined {
  const shape = {
    known: [
      'owner',
      'package-name',
      'package-type',
      'num-old-versions-to-delete',
      'min-versions-to-keep',
      'ignore-versions',
      'delete-only-untagged-versions',
      'delete-only-pre-release-versions',
    ],
    ignored: ['token'],
  }
  const steps = readSteps(document, action, shape, reading)
  if (steps.length > 1) {
    reading.refuse(
      steps[1]?.place ?? document.documents[0]?.place ?? { line: 1, column: 1, length: 1, path: '' },
      'Several steps use the action. Import one of them at a time.',
    )
  }
  return {
    registries: [{ name: 'ghcr', url: 'https://ghcr.io', kind: 'ghcr' }],
    policies: steps.map((step) => policyOf(step, reading)),
  }
}

function policyOf(step: Step, reading: Reading): ImportedPolicy {
  const { inputs, place } = step
  const type = inputOf(inputs, 'package-type', reading)
  if (type !== undefined && type !== 'container') {
    reading.refuse(
      entryOf(inputs, 'package-type')?.place ?? place,
      `${JSON.stringify(type)} are no container images.`,
    )
  }
  const owner = openInputOf(inputs, 'owner')?.toLowerCase()
  const name = openInputOf(inputs, 'package-name')?.toLowerCase()
  if (owner === undefined || name === undefined) {
    reading.warn(
      place,
      'The workflow does not say whose package it is (owner and package-name): look at `repositories`, and write the names before anything is deleted.',
    )
  }
  return {
    name: 'delete-package-versions',
    comments: [],
    repositories: [
      owner === undefined && name === undefined
        ? '**'
        : `${owner === undefined ? '*' : escapeGlob(owner)}/${name === undefined ? '**' : escapeGlob(name)}`,
    ],
    unit: 'image',
    rules: rulesOf(step, reading),
    unmatched: 'keep',
    unmatchedRemark: 'what the step does not name stays',
  }
}

function rulesOf({ inputs, place }: Step, reading: Reading): ImportedPolicy['rules'] {
  const count = wholeInputOf(inputs, 'min-versions-to-keep', reading)
  const isUntagged = flagInputOf(inputs, 'delete-only-untagged-versions', reading) === true
  if (flagInputOf(inputs, 'delete-only-pre-release-versions', reading) === true) {
    reading.refuse(
      entryOf(inputs, 'delete-only-pre-release-versions')?.place ?? place,
      'What a pre-release of a container is, its version (a digest) does not tell.',
    )
  }
  wholeInputOf(inputs, 'num-old-versions-to-delete', reading)
  if (count === undefined && !isUntagged) {
    reading.refuse(
      entryOf(inputs, 'num-old-versions-to-delete')?.place ?? place,
      'Without `min-versions-to-keep` each run deletes the oldest versions, until none is left; no rule can say that.',
      'Say what is to stay: set min-versions-to-keep and import again.',
    )
  }
  reading.warn(
    place,
    'The action deletes at most 100 versions in a run, and Winnow all that are due; it counts platforms of multi-platform images as versions, and Winnow whole images, so more is kept.',
  )
  const ignored = entryOf(inputs, 'ignore-versions')
  const text = inputOf(inputs, 'ignore-versions', reading)
  if (ignored !== undefined && text !== undefined) {
    reading.warn(
      ignored.place,
      'ignore-versions: a platform that matches stays with its whole image, so more is kept.',
    )
  }
  const digests =
    ignored && text !== undefined
      ? tryText(text, ignored.place, reading, (source) =>
          patternOf(source, { dialect: 'javascript', anchoring: 'search' }),
        )
      : undefined
  const deletion: ImportedDelete =
    count === undefined || count === 0
      ? { all: true }
      : { beyondNewest: count, countAmong: 'eligible', by: 'uploaded' }
  return [
    {
      name: isUntagged ? 'untagged versions' : 'old versions',
      comments: [`line ${place.line}`],
      ...(isUntagged && { match: [{ tagged: false }] }),
      ...(digests !== undefined && { not: [{ holdsDigests: [digests] }] }),
      delete: deletion,
    },
  ]
}
