/**
 * snok/container-retention-policy. Old images that the selection and the tag patterns let through; of those with tags
 * the newest few stay. An image goes only if all of its tags match and none matches a pattern with "!".
 */
import { globOfWildcards } from './globs.ts'
import type { Importer } from './importer.ts'
import type {
  ImportedBlock,
  ImportedConfiguration,
  ImportedDelete,
  ImportedPolicy,
  ImportedRule,
} from './imported-policy.ts'
import { lengthMax, spokenLength, writeLength } from './lengths-of-time.ts'
import type { Reading } from './reading.ts'
import { entryOf, type SourceDocument, type SourceMap } from './source-document.ts'
import {
  flagInputOf,
  inputOf,
  openInputOf,
  readSteps,
  stepsOf,
  wholeInputOf,
  type Step,
} from './workflow-steps.ts'

const action = 'snok/container-retention-policy'

export const snokImporter: Importer = {
  system: 'snok',
  aliases: ['container-retention-policy', 'snok/container-retention-policy'],
  title: `a workflow with ${action}`,
  format: 'yaml',
  source: 'the workflow file in .github/workflows',
  recognises: (document) => stepsOf(document, action).length > 0,
  read: readSnok,
}

const inputs = {
  known: [
    'account',
    'image-names',
    'image-tags',
    'shas-to-skip',
    'tag-selection',
    'keep-n-most-recent',
    'timestamp-to-use',
    'cut-off',
    'dry-run',
  ],
  ignored: ['token', 'rust-log', 'github-server-url', 'github-api-url'],
} as const

function readSnok(document: SourceDocument, reading: Reading): ImportedConfiguration | undefined {
  const steps = readSteps(document, action, inputs, reading)
  const policies = steps.map((step) => policyOf(step, reading))
  const seen = new Set<string>()
  policies.forEach(({ repositories }, index) => {
    const place = steps[index]?.place
    for (const each of repositories) {
      if (seen.has(each) && place !== undefined) {
        reading.refuse(
          place,
          `Two steps work on ${each}, the second on what the first left. Import one of them at a time.`,
        )
      }
      seen.add(each)
    }
  })
  return { registries: [{ name: 'ghcr', url: 'https://ghcr.io', kind: 'ghcr' }], policies }
}

function policyOf(step: Step, reading: Reading): ImportedPolicy {
  const repositories = repositoriesOf(step, reading)
  return {
    name: `snok ${repositories[0] ?? ''}`.slice(0, 190),
    comments: [],
    repositories,
    unit: 'image',
    rules: rulesOf(step, reading),
    unmatched: 'keep',
    unmatchedRemark: 'what is not selected stays',
  }
}

function repositoriesOf({ inputs: given, place }: Step, reading: Reading): readonly string[] {
  const account = openInputOf(given, 'account')?.toLowerCase()
  const names = (inputOf(given, 'image-names', reading) ?? '').split(/[\s,]+/).filter((name) => name !== '')
  if (names.length === 0) reading.refuse(place, 'The step needs `image-names`.')
  if (account === undefined || account === 'user') {
    reading.warn(
      place,
      'The workflow does not name the account: put it in front of each of `repositories` before anything is deleted.',
    )
  }
  const owner = account === undefined || account === 'user' ? '*' : account
  return names.map((name) => {
    const isOut = name.startsWith('!')
    const glob = globOfWildcards(name.slice(isOut ? 1 : 0).toLowerCase(), { question: true }).replace(
      /\*/g,
      '**',
    )
    return `${isOut ? '!' : ''}${owner}/${glob}`
  })
}

function rulesOf(step: Step, reading: Reading): readonly ImportedRule[] {
  const { inputs: given, place } = step
  const older = readCutOff(given, reading)
  const selection = readSelection(given, reading)
  const count = wholeInputOf(given, 'keep-n-most-recent', reading) ?? 0
  warnOf(given, count, reading)
  const clock = readClock(given, reading)
  if (older === undefined) return []
  const skipped = readSkipped(given, reading)
  const { match, not } = readTags(given, reading)
  const rules: ImportedRule[] = []
  if (selection !== 'untagged') {
    // Platforms of what is a candidate are none themselves, tagged or not.
    const out = [...not, ...skipped, { part: true }]
    rules.push({
      name: 'tagged images',
      comments: [`line ${place.line}`],
      match: [match],
      not: out,
      delete: { ...deletion(older, count), ...clock },
    })
  }
  if (selection !== 'tagged') {
    rules.push({
      name: 'untagged images',
      comments: [`line ${place.line}: tag patterns and keep-n-most-recent say nothing of them`],
      match: [{ tagged: false }],
      ...(skipped.length > 0 && { not: skipped }),
      delete: { olderThan: older, ...clock },
    })
  }
  return rules
}

function deletion(older: string, count: number): ImportedDelete {
  return count === 0
    ? { olderThan: older }
    : { olderThan: older, beyondNewest: count, combine: 'all', countAmong: 'eligible' }
}

/** What the cut-off is measured by, and the newest are told by. */
function readClock(given: SourceMap, reading: Reading): Pick<ImportedDelete, 'by'> {
  inputOf(given, 'timestamp-to-use', reading)
  const clock = reading.choice(entryOf(given, 'timestamp-to-use'), ['updated_at', 'created_at'])
  return clock === 'created_at' ? { by: 'uploaded' } : {}
}

function readCutOff(given: SourceMap, reading: Reading): string | undefined {
  const text = inputOf(given, 'cut-off', reading)
  const place = entryOf(given, 'cut-off')?.place ?? given.place
  if (text === undefined) {
    reading.refuse(place, 'The step needs `cut-off`.')
    return undefined
  }
  const length = spokenLength(text)
  if (length === undefined) {
    reading.refuse(
      place,
      `${JSON.stringify(text)} is not a duration that is known here.`,
      'Write it as "2w", "30d" or "1day 12h".',
    )
    return undefined
  }
  if (length.isRounded)
    reading.warn(place, 'cut-off: months are taken as 31 days and years as 366, so more is kept.')
  if (length.ms <= lengthMax) return writeLength(length.ms)
  reading.warn(place, 'cut-off is longer than 100 years: nothing is that old, and nothing is deleted.')
  return undefined
}

function readSelection(given: SourceMap, reading: Reading): 'tagged' | 'untagged' | 'both' {
  inputOf(given, 'tag-selection', reading)
  return (
    reading.choice(entryOf(given, 'tag-selection'), ['tagged', 'untagged', 'both'], { foldCase: true }) ??
    'both'
  )
}

function readSkipped(given: SourceMap, reading: Reading): readonly ImportedBlock[] {
  const digests = (inputOf(given, 'shas-to-skip', reading) ?? '')
    .split(/[\s,]+/)
    .filter((each) => each !== '')
  const place = entryOf(given, 'shas-to-skip')?.place
  const bad = digests.find((digest) => !/^sha256:[0-9a-f]{64}$/.test(digest))
  if (bad !== undefined && place !== undefined) reading.refuse(place, `${JSON.stringify(bad)} is no digest.`)
  if (digests.length > 0) {
    reading.warn(
      place,
      'shas-to-skip: a platform that is named stays with its whole image, so more is kept where only some are named.',
    )
  }
  return digests.length === 0 ? [] : [{ holdsDigests: digests }]
}

/** Every tag must match a positive pattern; one that matches a negative pattern spares the image. */
function readTags(
  given: SourceMap,
  reading: Reading,
): { readonly match: ImportedBlock; readonly not: readonly ImportedBlock[] } {
  const words = (inputOf(given, 'image-tags', reading) ?? '').split(/[\s,]+/).filter((word) => word !== '')
  const glob = (word: string): string => globOfWildcards(word, { question: true })
  const positive = words.filter((word) => !word.startsWith('!')).map(glob)
  const negative = words.filter((word) => word.startsWith('!')).map((word) => glob(word.slice(1)))
  return {
    match: positive.length === 0 || positive.includes('*') ? { tagged: true } : { tagsAll: positive },
    not: negative.length === 0 ? [] : [{ tags: negative }],
  }
}

function warnOf(given: SourceMap, count: number, reading: Reading): void {
  if (count > 0) {
    reading.warn(
      entryOf(given, 'keep-n-most-recent')?.place,
      'keep-n-most-recent counts images that are past the cut-off. A platform with a tag of its own never goes here, so more may be kept.',
    )
  }
  if (flagInputOf(given, 'dry-run', reading) === true) {
    reading.warn(
      entryOf(given, 'dry-run')?.place,
      'dry-run is on: the rules are imported as they act when it is off; `winnow plan` is the dry run here.',
    )
  }
}
