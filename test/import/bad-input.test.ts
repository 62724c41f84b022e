/** What cannot be read is refused: exit 3, nothing on stdout, and on stderr what, where and why. */
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { importers, notImported } from '../../src/core/import/importers.ts'
import { winnow, type Ended } from '../support/winnow-in-process.ts'

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'winnow-bad-'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

async function importText(system: string, text: string): Promise<Ended> {
  const path = join(folder, 'policy')
  await writeFile(path, text)
  return winnow(['import', system, path])
}

const ecrRule = (selection: string, rest = ''): string =>
  `{"rules": [{"rulePriority": 1, "selection": {${selection}}, "action": {"type": "expire"}${rest}}]}`
const step = (uses: string, inputs: string): string =>
  `jobs:\n  cleanup:\n    steps:\n      - uses: ${uses}\n        with:\n${inputs.replace(/^/gm, '          ')}\n`
const ghcr = (inputs: string): string =>
  step('dataaxiom/ghcr-cleanup-action@v1', `owner: o\npackage: p\n${inputs}`)
const snok = (inputs: string): string =>
  step('snok/container-retention-policy@v3', `account: o\nimage-names: p\n${inputs}`)
const harbor = (rule: string): string =>
  `{"algorithm": "or", "rules": [{"action": "retain", "template": "always", "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "**"}], "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]}${rule}}]}`
/** Rules of one policy, one a line. */
const artifactory = (...rules: readonly string[]): string =>
  `artifactory-cleanup:\n  server: https://a.b/artifactory\n  user: u\n  password: SECRET123\n  policies:\n    - name: p\n      rules:\n        - {rule: Repo, name: docker}\n${rules.map((rule) => `        - {rule: ${rule}}\n`).join('')}`
const gcrgc = (...lines: readonly string[]): string => `registry: gcr.io/project\n${lines.join('\n')}\n`

describe.each([
  [
    'an unknown key',
    'ecr',
    ecrRule('"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1', ', "unless": 1'),
    'A rule has the unknown key "unless"',
  ],
  [
    'a list that is ignored',
    'ecr',
    ecrRule(
      '"tagStatus": "any", "tagPrefixList": ["a"], "countType": "imageCountMoreThan", "countNumber": 1',
    ),
    'there can be no list of tags',
  ],
  [
    'a number in quotes',
    'ecr',
    ecrRule('"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": "1"'),
    'a whole number of at least 1 is expected',
  ],
  [
    'an unknown count',
    'ecr',
    ecrRule('"tagStatus": "any", "countType": "sinceImageDreamt", "countUnit": "days", "countNumber": 1'),
    '"sinceImageDreamt" is not known here',
  ],
  [
    'two equal priorities',
    'ecr',
    `{"rules": [${[1, 2].map(() => '{"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1}, "action": {"type": "expire"}}').join(',')}]}`,
    'Two rules have the priority 1',
  ],
  [
    'a parameter of another template',
    'harbor',
    harbor(', "params": {"latestPulledN": 3}').replace('"always"', '"latestPushedK"'),
    'Params has the unknown key "latestPulledN"',
  ],
  [
    'the whole reply',
    'ecr',
    '{"registryId": "1", "repositoryName": "a", "lifecyclePolicyText": "{}"}',
    '--query lifecyclePolicyText --output text',
  ],
  [
    'more rules than ECR takes',
    'ecr',
    JSON.stringify({ rules: Array.from({ length: 51 }, () => ({})) }),
    'Here stand 51 rules, and ECR takes no policy of more than 50',
  ],
  [
    'more policies than anybody writes',
    'quay',
    JSON.stringify({
      policies: Array.from({ length: 2000 }, (_, at) => ({
        method: 'number_of_tags',
        value: 1,
        tagPattern: `^a${at}`,
      })),
    }),
    'Here stand 2000 entries, and at most 200 are imported',
  ],
  [
    'more filters than anybody writes',
    'acr-purge',
    `acr purge --registry r --ago 1d ${Array.from({ length: 501 }, (_, at) => `--filter 'a:^x${at}'`).join(' ')}`,
    'Here stand 501 filters, and at most 200 are imported',
  ],
  ['no rules', 'ecr', '{}', 'A list of rules is missing'],
  ['a key that stands twice', 'ecr', '{"rules": [], "rules": []}', 'This key is written twice'],
  ['text that is cut off', 'ecr', '{"rules": [', 'The file ends too early'],
  [
    'a template that is not known',
    'harbor',
    harbor('').replace('always', 'mostLoved'),
    '"mostLoved" is not known here',
  ],
  [
    'a rule that does not retain',
    'harbor',
    harbor('').replace('"retain"', '"remove"'),
    '"remove" is not known here',
  ],
  [
    'a bracket that is open',
    'harbor',
    harbor('').replace('"pattern": "**"}], "scope', '"pattern": "[v"}], "scope'),
    'A bracket is not closed',
  ],
  ['look-ahead', 'gitlab', '{"enabled": true, "name_regex_delete": "(?!main).*"}', 'Look-around'],
  [
    'look-ahead in what is kept',
    'gitlab',
    '{"enabled": true, "name_regex_delete": ".*", "name_regex_keep": "(?=v).*"}',
    'Look-around',
  ],
  ['a back-reference', 'gitlab', '{"enabled": true, "name_regex_delete": "(a)\\\\1"}', 'Back-references'],
  [
    'months without a length',
    'gitlab',
    '{"enabled": true, "name_regex_delete": ".*", "older_than": "soon"}',
    '"soon" is not an age',
  ],
  [
    'a truth in quotes',
    'gitlab',
    '{"enabled": "yes", "name_regex_delete": ".*"}',
    'true or false is expected',
  ],
  [
    'an unknown criterion',
    'zot',
    '{"storage": {"retention": {"policies": [{"repositories": ["**"], "keepTags": [{"mostRecentlyLovedCount": 1}]}]}}}',
    'unknown key "mostRecentlyLovedCount"',
  ],
  [
    'a duration that is none',
    'zot',
    '{"storage": {"retention": {"delay": "a day"}}}',
    '"a day" is not a duration',
  ],
  [
    'a number for a duration',
    'zot',
    '{"storage": {"retention": {"policies": [{"repositories": ["**"], "keepTags": [{"pushedWithin": 5}]}]}}}',
    'text is expected',
  ],
  [
    'an unknown method',
    'quay',
    '{"policies": [{"method": "number_of_layers", "value": 3}]}',
    '"number_of_layers" is not known here',
  ],
  [
    'look-behind',
    'quay',
    '{"policies": [{"method": "number_of_tags", "value": 3, "tagPattern": "(?<!a)b"}]}',
    'Look-around',
  ],
  [
    'Python’s {,n}',
    'quay',
    '{"policies": [{"method": "number_of_tags", "value": 3, "tagPattern": "a{,3}"}]}',
    'means something else to RE2',
  ],
  [
    'a keep without a count',
    'gar',
    '[{"name": "k", "action": {"type": "Keep"}, "mostRecentVersions": {}}]',
    'needs `keepCount`',
  ],
  [
    'two kinds at once',
    'gar',
    '[{"name": "k", "action": {"type": "Keep"}, "condition": {}, "mostRecentVersions": {"keepCount": 1}}]',
    'one of `condition` and `mostRecentVersions`',
  ],
  [
    'prefixes of untagged versions',
    'gar',
    '[{"name": "k", "action": {"type": "Delete"}, "condition": {"tagState": "any", "tagPrefixes": ["a"]}}]',
    'goes only with `tagState: tagged`',
  ],
  [
    'look-behind of .NET',
    'acr-purge',
    "acr purge --filter 'repo:v1-*[abc]+(?<!-[a])' --ago 0m",
    'Look-around',
  ],
  [
    'classes subtracted',
    'acr-purge',
    "acr purge --filter 'repo:[a-z-[aeiou]]+' --ago 0m",
    'Subtraction of classes',
  ],
  [
    'a flag that is not known',
    'acr-purge',
    "acr purge --filter 'repo:.*' --ago 0m --untaged",
    '--untaged is not known here',
  ],
  ['a filter without a colon', 'acr-purge', 'acr purge --filter repo --ago 0m', 'A filter is'],
  ['no age', 'acr-purge', "acr purge --filter 'repo:.*'", 'needs --ago'],
  [
    'a variable',
    'acr-purge',
    'acr purge --filter "$REPO:.*" --ago 0m',
    'What the shell would put here is not known',
  ],
  [
    'a second command',
    'acr-purge',
    "acr purge --filter 'a:.*' --ago 0m\nacr purge --filter 'b:.*' --ago 0m",
    'A second command begins here',
  ],
  ['a pipe', 'acr-purge', "acr purge --filter 'a:.*' --ago 0m | tee log", 'The shell would read "|"'],
  [
    'a quote that is open',
    'gcr-cleaner',
    "gcr-cleaner-cli -repo gcr.io/p/a -tag-filter-any '^v",
    'A quote is not closed',
  ],
  [
    'two filters',
    'gcr-cleaner',
    'gcr-cleaner-cli -repo gcr.io/p/a -tag-filter-any v -tag-filter-all p',
    'only one of',
  ],
  ['no repository', 'gcr-cleaner', 'gcr-cleaner-cli -grace 1h', 'names no repository'],
  [
    'an input that is not known',
    'ghcr-cleanup-action',
    ghcr('delete-taggs: "v*"'),
    'unknown key "delete-taggs"',
  ],
  [
    'an expression',
    'ghcr-cleanup-action',
    ghcr('delete-tags: "${{ inputs.tags }}"'),
    'known only while the workflow runs',
  ],
  [
    'look-ahead of JavaScript',
    'ghcr-cleanup-action',
    ghcr('delete-tags: "^(?!v)"\nuse-regex: "true"'),
    'Look-around',
  ],
  [
    'two steps on one package',
    'ghcr-cleanup-action',
    `${ghcr('keep-n-tagged: 2')}      - uses: dataaxiom/ghcr-cleanup-action@v1\n        with: {owner: o, package: p}\n`,
    'Two steps work on o/p',
  ],
  ['no cut-off', 'snok', snok('image-tags: "v*"'), 'needs `cut-off`'],
  ['inputs of version 2', 'snok', snok('cut-off: 1w\nkeep-at-least: 3'), 'unknown key "keep-at-least"'],
  [
    'no action',
    'tumblr-docker-registry-pruner',
    'registry: https://a.b\nrules: [{repos: [a], keep_days: 0}]',
    'A rule needs one of',
  ],
  [
    'look-ahead of Go',
    'tumblr-docker-registry-pruner',
    'rules: [{match_tags: ["(?!a)"], keep_days: 1}]',
    'Look-around',
  ],
  [
    'branch and tag at once',
    'werf',
    'configVersion: 1\ncleanup:\n  keepPolicies:\n  - references: {branch: a, tag: b}\n',
    'one of them',
  ],
  [
    'a policy that is not known',
    'werf',
    'configVersion: 1\ncleanup: {keepImagesBuiltWithinLastNDays: 2}\n',
    'unknown key "keepImagesBuiltWithinLastNDays"',
  ],
  [
    'an order of names',
    'registry-cli',
    'registry.py -r http://localhost:5000 --delete --num 3',
    'Add --order-by-date',
  ],
  [
    'one tag',
    'registry-cli',
    'registry.py -r http://localhost:5000 -i ubuntu:14.04 --delete-all',
    'Name the repository alone',
  ],
  ['a command that lists', 'registry-cli', 'registry.py -r http://localhost:5000 --layers', 'deletes none'],
  [
    'look-ahead of Python',
    'registry-cli',
    "registry.py -r http://localhost:5000 --delete-all --tags-like '^(?!v)'",
    'Look-around',
  ],
  [
    'a list without a value',
    'registry-cli',
    'registry.py -r http://localhost:5000 --keep-tags --delete-all',
    '--keep-tags needs a value',
  ],
  [
    'what was never pulled',
    'artifactory-cleanup',
    artifactory('DeleteDockerImagesOlderThanNDaysWithoutDownloads, days: 30'),
    'never pulled cannot be told here',
  ],
  [
    'a property',
    'artifactory-cleanup',
    artifactory(
      'DeleteDockerImagesOlderThan, days: 30',
      'PropertyNeq, property_key: keep, property_value: 1',
    ),
    'does not read properties',
  ],
  [
    'a rule of one’s own',
    'artifactory-cleanup',
    artifactory('DeleteDockerImagesOlderThan, days: 30', 'MySimpleRule, my_param: 1'),
    'The rule "MySimpleRule" is not known here',
  ],
  [
    'a count of what another count left',
    'artifactory-cleanup',
    artifactory('KeepLatestNDockerImages, count: 3', 'KeepLatestVersionNFilesInFolder, count: 3'),
    'counts what another rule that counts has left',
  ],
  [
    'an expression for versions',
    'artifactory-cleanup',
    artifactory(
      'DeleteDockerImagesOlderThan, days: 1',
      "KeepLatestNVersionImagesByProperty, count: 2, custom_regexp: '(\\d+)$'",
    ),
    'no version that Winnow can order',
  ],
  [
    'policies for files alone',
    'artifactory-cleanup',
    artifactory('DeleteOlderThan, days: 30'),
    'No policy here has a rule for Docker',
  ],
  [
    'a name that is asked for too early',
    'artifactory-cleanup',
    artifactory('DeleteByRegexpName, regex_pattern: ^v', 'DeleteDockerImagesOlderThan, days: 30'),
    'stands before the rules for Docker',
  ],
  [
    'days by another name',
    'artifactory-cleanup',
    artifactory('DeleteDockerImagesOlderThan, day: 30'),
    'DeleteDockerImagesOlderThan has the unknown key "day"',
  ],
  [
    'days in quotes',
    'artifactory-cleanup',
    artifactory('DeleteDockerImagesOlderThan, days: "30"'),
    'a whole number is expected',
  ],
  [
    'a mask for a name',
    'artifactory-cleanup',
    artifactory('RepoList, repos: ["a*"]', 'DeleteDockerImagesOlderThan, days: 30'),
    '"a*" is not the key of a repository',
  ],
  [
    'two masks on keys',
    'artifactory-cleanup',
    artifactory('RepoByMask, mask: "a*"', 'DeleteDockerImagesOlderThan, days: 30').replace(
      'Repo, name: docker',
      'RepoByMask, mask: "*b"',
    ),
    'Two masks must hold',
  ],
  [
    'a count of what files are left',
    'artifactory-cleanup',
    artifactory('KeepLatestNFiles, count: 3').replace('name: p', 'name: files') +
      '    - {name: docker, rules: [{rule: Repo}, {rule: KeepLatestNDockerImages, count: 3}]}\n',
    'docker counts what the policy "files" leaves',
  ],
  [
    'look-ahead of Python’s',
    'artifactory-cleanup',
    artifactory('DeleteDockerImagesOlderThan, days: 1', "DeleteByRegexpName, regex_pattern: '^(?!v)'"),
    'Look-around',
  ],
  ['one day', 'gcrgc', gcrgc('date: 2019-01-01'), '`date` is one day'],
  ['a command', 'gcrgc', 'gcrgc --untagged-only gcr.io/project', 'This is a command of gcrgc'],
  ['tags of what has none', 'gcrgc', gcrgc('untagged-only: true', 'exclude-tags: [a]'), 'no tags to exclude'],
  [
    'repositories in and out',
    'gcrgc',
    gcrgc('repositories: [a]', 'exclude-repositories: [b]'),
    'exclude each other',
  ],
  ['a repository further down', 'gcrgc', gcrgc('repositories: [team/app]'), 'does not lie right below'],
  ['months', 'gcrgc', gcrgc('retention-period: 2 months'), '"2 months" is not a duration'],
  ['a host alone', 'gcrgc', 'registry: gcr.io\nuntagged-only: true\n', '"gcr.io" is no registry'],
  ['a flag of another release', 'gcrgc', gcrgc('exclude-tag: latest'), 'unknown key "exclude-tag"'],
  ['look-behind of Go', 'gcrgc', gcrgc("exclude-tag-pattern: ['(?<=a)b']"), 'Look-around'],
  ['templates', 'werf', 'configVersion: 1\n{{ if .x }}\ncleanup: {}\n{{ end }}\n', 'Render the file first'],
])('%s', (_, system, text, told) => {
  it(`is refused by ${system}`, async () => {
    const { code, stdout, stderr } = await importText(system, text)
    expect([code, stdout], stderr).toEqual([3, ''])
    expect(stderr).toContain(told)
    expect(stderr).toMatch(/policy:\d+:\d+: /)
    expect(stderr).toContain('(IMPORT_REFUSED)')
  })
})

/** A file of each system that its importer takes. */
const samples: Readonly<Record<string, string>> = {
  ecr: ecrRule('"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1'),
  gar: '[{"name": "d", "action": {"type": "Delete"}, "condition": {"olderThan": "30d"}}]',
  harbor: harbor(''),
  gitlab: '{"enabled": true, "name_regex_delete": ".*", "older_than": "7d"}',
  zot: '{"distSpecVersion": "1.1.1", "storage": {"rootDirectory": "/z"}}',
  quay: '{"policies": [{"method": "number_of_tags", "value": 3}]}',
  'acr-purge': "acr purge --registry r --filter 'repo:.*' --ago 1d",
  'gcr-cleaner': 'gcr-cleaner-cli -repo gcr.io/p/a',
  'ghcr-cleanup-action': ghcr(''),
  snok: snok('cut-off: 1w'),
  'tumblr-docker-registry-pruner': 'registry: https://a.b\nrules: [{repos: [a], keep_days: 1}]',
  werf: 'project: demo\nconfigVersion: 1\n',
  nexus: '[{"name": "n", "format": "docker", "criteriaLastBlobUpdated": 30}]',
  deckschrubber: 'deckschrubber -registry http://localhost:5000 -day 30 -latest 3',
  'delete-package-versions': step(
    'actions/delete-package-versions@v5',
    'owner: o\npackage-name: p\nmin-versions-to-keep: 3',
  ),
  'artifactory-cleanup': artifactory('DeleteDockerImagesOlderThan, days: 30'),
  gcrgc: gcrgc('retention-period: 30d'),
  'registry-cli': 'python3 registry.py -l u:p -r http://localhost:5000 -d -n 5 --order-by-date',
}
const pairs = importers.flatMap(({ system }) =>
  Object.keys(samples)
    .filter((other) => other !== system)
    .map((other) => [other, system] as const),
)

it('every system has a sample', async () => {
  expect(Object.keys(samples).toSorted()).toEqual(importers.map(({ system }) => system).toSorted())
  for (const [system, text] of Object.entries(samples)) expect((await importText(system, text)).code).toBe(0)
})

it.each(pairs)('a file of %s, taken for one of %s, is recognised', async (other, system) => {
  const { code, stdout, stderr } = await importText(system, samples[other] ?? '')
  expect([code, stdout], stderr).toEqual([3, ''])
  expect(stderr).toContain(`winnow import ${other} `)
})

describe.each(importers.map((importer) => [importer.system, importer] as const))('%s', (system) => {
  it.each([
    ['an empty file', ''],
    ['blanks', ' \n\n'],
    ['something else', 'Dear all,\n\nplease find the policy attached: it is *very* good.\n'],
    ['a number', '7\n'],
    ['a list of numbers', '[1, 2]\n'],
    ['binary data', '\0\u0001\u0002'],
    ['binary data without a zero', 'PK\u0003\u0004\ufffd\f\ufffd\u0014\n\v\u00a0\u2003x'],
    ['brackets without end', '['.repeat(100_000)],
    [
      'aliases that explode',
      `a: &a [x, x]\n${Array.from({ length: 30 }, (_, n) => `b${n}: &b${n} [*${n === 0 ? 'a' : `b${n - 1}`}, *${n === 0 ? 'a' : `b${n - 1}`}]`).join('\n')}\n`,
    ],
  ])('refuses %s', async (_, text) => {
    const { code, stdout, stderr } = await importText(system, text)
    expect([code, stdout], stderr).toEqual([3, ''])
    expect(stderr).toContain('(IMPORT_REFUSED)')
  })

  it('refuses a huge file without reading it', async () => {
    const path = join(folder, 'huge')
    await writeFile(path, '')
    await truncate(path, 50 * 1024 * 1024 * 1024)
    const { code, stdout, stderr } = await winnow(['import', system, path])
    expect([code, stdout]).toEqual([3, ''])
    expect(stderr).toContain('more than 5 MiB')
  })
})

it.each(Object.keys(notImported))('says plainly why there is no import from %s', async (system) => {
  const { code, stdout, stderr } = await importText(system, 'policies: []\n')
  expect([code, stdout], stderr).toEqual([64, ''])
  expect(stderr).toContain(`Winnow cannot import from ${system}: `)
  expect(stderr).toContain('docs/policies.md')
})

it('shows no token of the file', async () => {
  const { stderr } = await importText('ghcr-cleanup-action', ghcr('token: ghp_SECRET123\nnonsense: 1'))
  expect(stderr).toContain('unknown key "nonsense"')
  expect(stderr).not.toContain('SECRET123')
})
