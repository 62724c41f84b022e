/**
 * What is empty where something has to stand: null, a rule that speaks of nothing, a file without content. A system
 * refuses it or has a meaning of its own for it, so nothing is imported; where systems write null for "not set", it is
 * that here, too.
 */
import { describe, expect, it } from 'vitest'
import { ImportRefusedError } from '../../src/cli/import/refusal.ts'
import { importText } from './plan-in-process.ts'

function refusalOf(system: string, text: string): ImportRefusedError | undefined {
  try {
    importText(system, text)
    return undefined
  } catch (error) {
    if (error instanceof ImportRefusedError) return error
    throw error
  }
}

const pruner = (rule: string): string => `registry: https://a.b\nrules:\n  - {keep_days: 1${rule}}\n`
const ecr = (selection: object, rest: object = {}): string =>
  JSON.stringify({
    rules: [
      {
        rulePriority: 1,
        selection: { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: 1, ...selection },
        action: { type: 'expire' },
        ...rest,
      },
    ],
  })
const gar = (policy: object): string =>
  JSON.stringify([{ name: 'd', action: { type: 'Delete' }, condition: { olderThan: '30d' }, ...policy }])
const harbor = (rule: object, selector: object = {}): string =>
  JSON.stringify({
    algorithm: 'or',
    rules: [
      {
        action: 'retain',
        template: 'latestPushedK',
        params: { latestPushedK: 3 },
        tag_selectors: [{ kind: 'doublestar', decoration: 'matches', pattern: '**', ...selector }],
        scope_selectors: {
          repository: [{ kind: 'doublestar', decoration: 'repoMatches', pattern: '**' }],
        },
        ...rule,
      },
    ],
  })
const artifactory = (rule: string): string =>
  `artifactory-cleanup:\n  policies:\n    - {name: p, rules: [{rule: Repo, name: docker}, {rule: ${rule}}]}\n`
const [days, count] = ['days', 'count'].map((key) => `artifactory-cleanup.policies[0].rules[1].${key}`)
const tagged = { tagStatus: 'tagged', tagPrefixList: ['v'] }

describe('is refused, with its place', () => {
  it.each([
    ['a rule of the pruner for nothing', 'tumblr-docker-registry-pruner', pruner(''), 'rules[0]'],
    ['no repositories', 'tumblr-docker-registry-pruner', pruner(', repos: []'), 'rules[0]'],
    ['no labels', 'tumblr-docker-registry-pruner', pruner(', labels: {}'), 'rules[0]'],
    [
      'a label of null',
      'tumblr-docker-registry-pruner',
      pruner(', labels: {a: b, c: null}'),
      'rules[0].labels.c',
    ],
    ['a label with a zero', 'tumblr-docker-registry-pruner', pruner(String.raw`, labels: {a: "b\0"}`), ''],
    ['days: null', 'artifactory-cleanup', artifactory('DeleteDockerImagesOlderThan, days: null'), days],
    ['count: null', 'artifactory-cleanup', artifactory('KeepLatestNDockerImages, count: null'), count],
    ['countNumber: null', 'ecr', ecr({ countNumber: null }), 'rules[0].selection.countNumber'],
    ['countType: null', 'ecr', ecr({ countType: null }), 'rules[0].selection.countType'],
    ['tagStatus: null', 'ecr', ecr({ tagStatus: null }), 'rules[0].selection.tagStatus'],
    [
      'tagPatternList: null',
      'ecr',
      ecr({ ...tagged, tagPatternList: null }),
      'rules[0].selection.tagPatternList',
    ],
    ['storageClass: null', 'ecr', ecr({ storageClass: null }), 'rules[0].selection.storageClass'],
    ['an action of null', 'ecr', ecr({}, { action: { type: null } }), 'rules[0].action.type'],
    ['action: null', 'gar', gar({ action: null }), '[0].action'],
    ['action.type: null', 'gar', gar({ action: { type: null } }), '[0].action.type'],
    ['condition: null', 'gar', gar({ condition: null }), '[0].condition'],
    ['olderThan: null', 'gar', gar({ condition: { olderThan: null } }), '[0].condition.olderThan'],
    [
      'tagState: null',
      'gar',
      gar({ condition: { tagState: null, olderThan: '1d' } }),
      '[0].condition.tagState',
    ],
    [
      'tagPrefixes: null',
      'gar',
      gar({ condition: { tagState: 'tagged', tagPrefixes: null } }),
      '[0].condition.tagPrefixes',
    ],
    ['a condition of nothing', 'gar', gar({ condition: {} }), '[0].condition'],
    [
      'keepCount: null',
      'gar',
      '[{"name": "k", "action": {"type": "Keep"}, "mostRecentVersions": {"keepCount": null}}]',
      '[0].mostRecentVersions.keepCount',
    ],
    ['method: null', 'quay', '{"policies": [{"method": null, "value": 3}]}', 'policies[0].method'],
    [
      'an age of null',
      'quay',
      '{"policies": [{"method": "creation_date", "value": null}]}',
      'policies[0].value',
    ],
    [
      'value: null',
      'quay',
      '{"policies": [{"method": "number_of_tags", "value": null}]}',
      'policies[0].value',
    ],
    ['template: null', 'harbor', harbor({ template: null }), 'rules[0].template'],
    ['action: null', 'harbor', harbor({ action: null }), 'rules[0].action'],
    ['params of text', 'harbor', harbor({ params: 'x' }), 'rules[0].params'],
    ['params of a list', 'harbor', harbor({ params: [] }), 'rules[0].params'],
    ['params that are true', 'harbor', harbor({ params: true }), 'rules[0].params'],
    ['pattern: null', 'harbor', harbor({}, { pattern: null }), 'rules[0].tag_selectors[0].pattern'],
    ['decoration: null', 'harbor', harbor({}, { decoration: null }), 'rules[0].tag_selectors[0].decoration'],
    [
      'a repository of null',
      'harbor',
      harbor({ scope_selectors: { repository: [{ decoration: 'repoMatches', pattern: null }] } }),
      'rules[0].scope_selectors.repository[0].pattern',
    ],
    ['a version that is text', 'werf', 'configVersion: x\nproject: a\n', 'configVersion'],
    ['a version that is a list', 'werf', 'configVersion: []\nproject: a\n', 'configVersion'],
    ['a version that is a map', 'werf', 'configVersion: {}\nproject: a\n', 'configVersion'],
    ['a version that is null', 'werf', 'configVersion:\nproject: a\n', 'configVersion'],
    ['a version to come', 'werf', 'configVersion: 2\nproject: a\n', 'configVersion'],
  ])('%s (%s)', (_, system, text, path) => {
    const refusal = refusalOf(system, text)
    expect(refusal?.findings.map(({ place }) => place.path)).toContain(path)
  })

  it.each(['gitlab', 'nexus', 'zot', 'quay', 'werf', 'gar'])('an empty object as a file of %s', (system) => {
    expect(refusalOf(system, '{}')).toBeDefined()
  })

  it('an empty object is told for what it is not', () => {
    for (const system of ['gitlab', 'nexus']) {
      expect(refusalOf(system, '{}')?.findings[0]?.message).toMatch(/^This is not /)
    }
  })
})

it.each([
  ['gitlab', '{"name_regex_delete": ".*", "name_regex_keep": null, "keep_n": null, "older_than": null}'],
  ['ecr', ecr({}, { description: null })],
  ['gar', gar({ description: null })],
  ['harbor', harbor({ disabled: null, params: null }, { extras: null })],
  ['nexus', '{"name": "n", "notes": null, "criteriaLastBlobUpdated": 30, "criteriaLastDownloaded": null}'],
  ['quay', '{"policies": [{"method": "number_of_tags", "value": 3, "tagPattern": null}]}'],
  ['werf', 'configVersion: 1\ncleanup:\n  keepPolicies:\n'],
  ['tumblr-docker-registry-pruner', pruner(', repos: [a], labels: null')],
  ['tumblr-docker-registry-pruner', pruner(', labels: {team: a}')],
])('null is "not set" where %s writes it so', (system, text) => {
  expect(refusalOf(system, text)).toBeUndefined()
  expect(importText(system, text).yaml).toContain('\n      -')
})
