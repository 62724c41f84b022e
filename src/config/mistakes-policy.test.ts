import { describe, it } from 'vitest'
import { expectMistake, inRule } from './testdata/mistakes.ts'

describe('each mistake in a policy has its place, its reason and a cure', () => {
  it.each([
    {
      name: 'no unmatched',
      text: 'version: 1\npolicies:\n  - rules: []',
      at: '3:5',
      says: /`policies\[0\]\.unmatched` is missing/,
    },
    {
      name: 'an unknown registry',
      text: inRule('{keep: {all: true}}', 'registry: x\n    '),
      at: '3:15',
      says: /no registry "x"/,
    },
    {
      name: 'a policy’s name taken',
      text: 'version: 1\npolicies:\n- {name: a, rules: [], unmatched: keep}\n- {name: a, rules: [], unmatched: keep}',
      at: '4:10',
      says: /is taken/,
    },
    {
      name: 'neither keep nor delete',
      text: inRule('{match: {tags: a}}'),
      at: '4:9',
      says: /needs `keep:` or `delete:`/,
    },
    {
      name: 'both keep and delete',
      text: inRule('{keep: {all: true}, delete: {all: true}}'),
      at: '4:9',
      says: /not both/,
    },
    { name: 'an empty keep', text: inRule('{keep: {}}'), at: '4:10', says: /says nothing/ },
    {
      name: 'options without a criterion',
      text: inRule('{delete: {by: name}}'),
      at: '4:10',
      says: /says nothing/,
    },
    {
      name: 'two criteria without combine',
      text: inRule('{keep: {newest: 1, within: 1d}}'),
      at: '4:10',
      says: /combine: any/,
    },
    {
      name: 'calendar and another without combine',
      text: inRule('{keep: {daily: 1, within: 1d}}'),
      at: '4:10',
      says: /combine: any/,
    },
    { name: 'all: false', text: inRule('{keep: {all: false}}'), at: '4:22', says: /only value is true/ },
    { name: 'match: []', text: inRule('{match: [], keep: {all: true}}'), at: '4:17', says: /empty list/ },
    {
      name: 'match without a value',
      text: inRule('{match: , keep: {all: true}}'),
      at: '4:17',
      says: /has no value/,
    },
    {
      name: 'look-around',
      text: inRule('{match: {tags: ["/(?!a)b/"]}, keep: {all: true}}'),
      at: '4:25',
      says: /RE2/,
    },
    {
      name: 'a range that is none',
      text: inRule('{match: {semver: ">>1"}, keep: {all: true}}'),
      at: '4:26',
      says: /npm range/,
    },
    {
      name: 'a size that is none',
      text: inRule('{match: {largerThan: 3x}, keep: {all: true}}'),
      at: '4:30',
      says: /not a size/,
    },
    {
      name: 'an unknown state',
      text: inRule('{match: {state: compleet}, keep: {all: true}}'),
      at: '4:25',
      says: /Did you mean "complete"/,
    },
    {
      name: 'a label that is no text',
      text: inRule('{match: {labels: {a: true}}, keep: {all: true}}'),
      at: '4:30',
      says: /Put quotes/,
    },
    {
      name: 'a capture that nothing makes',
      text: inRule('{match: {tags: ["a-*"]}, keep: {newest: 1, per: "{branch}"}}'),
      at: '4:57',
      says: /captures "branch"/,
    },
    {
      name: 'a group that is not there',
      text: inRule('{match: {tags: ["a-*"]}, keep: {newest: 1, per: "{2}"}}'),
      at: '4:57',
      says: /captures "2"/,
    },
    {
      name: 'braces that do not pair',
      text: inRule('{keep: {newest: 1, per: "{major"}}'),
      at: '4:33',
      says: /not closed/,
    },
    {
      name: 'a place that is no time zone',
      text: inRule('{keep: {daily: 1, timezone: Mars/X}}'),
      at: '4:37',
      says: /time zone/,
    },
    {
      name: 'countAmong in a keep block',
      text: inRule('{keep: {newest: 1, countAmong: matched}}'),
      at: '4:28',
      says: /Unknown key/,
    },
    {
      name: 'count: tags of images',
      text: inRule('{keep: {newest: 1, count: tags}}'),
      at: '4:35',
      says: /needs `unit: tag`/,
    },
    {
      name: 'git with branches and tags',
      text: inRule('{keep: {git: {repository: x, branches: a, tags: b}}}'),
      at: '4:17',
      says: /`branches`, of `tags` or of `pullRequests`/,
    },
    {
      name: 'git without a repository, and none listed',
      text: inRule('{keep: {git: {branches: a}}}'),
      at: '4:17',
      says: /which Git repository is meant/,
    },
    {
      name: 'a pattern of references in slashes',
      text: inRule('{keep: {git: {repository: x, branches: "/release-.*/"}}}'),
      at: '4:48',
      says: /without slashes/,
    },
    {
      name: 'a program as a Git repository',
      text: inRule('{keep: {git: {repository: "ext::sh -c id", branches: a}}}'),
      at: '4:35',
      says: /does not run programs/,
    },
    {
      name: 'an option as a Git repository',
      text: inRule('{keep: {git: {repository: "--upload-pack=id", branches: a}}}'),
      at: '4:35',
      says: /take this for an option/,
    },
    {
      name: 'grace without pull requests',
      text: inRule('{keep: {git: {repository: x, branches: a, grace: 1d}}}'),
      at: '4:51',
      says: /matters only to `pullRequests`/,
    },
    {
      name: 'git limits without combine',
      text: inRule('{keep: {git: {repository: x, branches: a, images: {newest: 1, within: 1d}}}}'),
      at: '4:51',
      says: /two criteria/,
    },
    {
      name: 'an unknown key in git',
      text: inRule('{keep: {git: {repository: x, branch: a}}}'),
      at: '4:38',
      says: /Did you mean "branches"/,
    },
  ])('policies: $name', expectMistake)
})
