/** Warnings: each text once, with every line that it is said of. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { winnow } from '../support/winnow-in-process.ts'
import { importText } from './plan-in-process.ts'

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'winnow-warnings-'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

async function warningsOf(system: string, text: string): Promise<readonly string[]> {
  const path = join(folder, 'policy')
  await writeFile(path, text)
  const { stderr } = await winnow(['import', system, path])
  return stderr.split('\n').filter((line) => line !== '')
}

const pulled = (line: string): string => `  {"name": "${line}", "criteriaLastDownloaded": 3},\n`

it.each([
  { policies: pulled('a'), also: '' },
  // Two in one line are one place to look at.
  { policies: pulled('a').replace('\n', '') + pulled('b'), also: '' },
  { policies: pulled('a') + pulled('b'), also: ' (also in line 3)' },
  { policies: pulled('a') + pulled('b') + pulled('c'), also: ' (also in lines 3, 4)' },
  {
    policies: Array.from({ length: 14 }, () => pulled('a')).join(''),
    also: ' (also in lines 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 3 more)',
  },
])('are told once, with all their lines$also', async ({ policies, also }) => {
  const told = await warningsOf('nexus', `[\n${policies}{"name": "z"}]\n`)
  expect(told).toHaveLength(1)
  expect(told[0]).toMatch(/^warning: .*policy:2: criteriaLastDownloaded: .* is kept\./)
  expect(told[0]?.replace(/^[^(]*/, '')).toBe(also.trim())
})

const gcrCleaner = 'gcr-cleaner-cli -repo gcr.io/p/app'
const deletesAll = '{"name": "d", "action": "Delete", "condition": {"tagState": "any"}}'
const keepsWeb =
  '{"name": "k", "action": "Keep", "mostRecentVersions": {"keepCount": 1, "packageNamePrefixes": ["web"]}}'

it.each([
  ['gcr-cleaner', `${gcrCleaner} -grace 48h`, '-grace: at exactly this age'],
  ['gcr-cleaner', `${gcrCleaner} -keep 3`, '-keep counts the platforms'],
  ['gar', `[${deletesAll}, ${keepsWeb}]`, 'packageNamePrefixes of a policy that keeps'],
])('%s is told of what keeps more: %s', (system, text, warning) => {
  expect(importText(system, text).warnings.join('\n')).toContain(warning)
})

it.each([
  ['gcr-cleaner', `${gcrCleaner} -keep 0`],
  ['gar', `[${deletesAll}]`],
  ['gar', `[${keepsWeb}]`],
])('%s is not told of what cannot differ: %s', (system, text) => {
  const told = importText(system, text).warnings.join('\n')
  expect(told).not.toMatch(/-grace|-keep|packageNamePrefixes/)
})

const attached = /\.sig, \.att, \.sbom/
const count = '"countType": "imageCountMoreThan", "countNumber": 3'
const age = '"countType": "sinceImagePushed", "countUnit": "days", "countNumber": 3'
const ecr = (counts: string): string =>
  `{"rules": [{"rulePriority": 1, "selection": {"tagStatus": "any", ${counts}}, "action": {"type": "expire"}}]}`
const step = (uses: string, ...inputs: readonly string[]): string =>
  ['jobs:', '  a:', '    steps:', `      - uses: ${uses}`, '        with:', ...inputs]
    .map((line, at) => (at < 5 ? line : `          ${line}`))
    .join('\n')

it.each([
  ['ecr', ecr(count), true],
  ['ecr', ecr(age), false],
  ['gar', `[${deletesAll}, ${keepsWeb}]`, true],
  ['gitlab', '{"name_regex_delete": ".*", "keep_n": 5}', true],
  ['gitlab', '{"name_regex_delete": ".*", "older_than": "7d"}', false],
  ['acr-purge', "acr purge --filter 'a:.*' --ago 1d --keep 3", true],
  ['acr-purge', "acr purge --filter 'a:.*' --ago 1d", false],
  ['gcr-cleaner', `${gcrCleaner} -keep 3`, true],
  [
    'snok',
    step(
      'snok/container-retention-policy@v3',
      'account: o',
      'image-names: p',
      'cut-off: 1w',
      'keep-n-most-recent: 2',
    ),
    true,
  ],
  ['tumblr-docker-registry-pruner', 'rules: [{repos: [a], keep_recent: 2}]', true],
  ['quay', '[{"method": "number_of_tags", "value": 4}]', false],
  [
    'ghcr-cleanup-action',
    step('dataaxiom/ghcr-cleanup-action@v1', 'owner: o', 'package: p', 'keep-n-tagged: "2"'),
    false,
  ],
])('%s is told that attached tags take no places where it counts them: %s', (system, text, isTold) => {
  const told = importText(system, text).warnings.filter((warning) => attached.test(warning))
  expect(told).toHaveLength(isTold ? 1 : 0)
})
