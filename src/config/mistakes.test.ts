import { describe, it } from 'vitest'
import { expectMistake, inRegistry, inRule } from './testdata/mistakes.ts'

describe('each mistake has its place, its reason and a cure', () => {
  it.each([
    { name: 'an empty file', text: '', at: '1:1', says: /empty/ },
    { name: 'nothing but comments', text: '# x', at: '1:1', says: /empty/ },
    { name: 'a list', text: '- 1', at: '1:1', says: /map of keys/ },
    { name: 'two documents', text: 'version: 1\n---\nversion: 1', at: '2:1', says: /second one/ },
    { name: 'a tab for indentation', text: 'protect:\n\tyoungerThan: 1h', at: '2:1', says: /tab/i },
    { name: 'a key written twice', text: 'version: 1\nversion: 1', at: '2:1', says: /twice/ },
    { name: 'a key that is a number', text: 'version: 1\n1: x', at: '2:1', says: /must be text/ },
    { name: 'a key that is a map', text: 'version: 1\n? {a: b}\n: c', at: '2:3', says: /must be text/ },
    {
      name: 'an unquoted !pattern',
      text: 'version: 1\nprotect: {tags: [!a]}',
      at: '2:18',
      says: /quotes.*!team/s,
    },
    {
      name: 'an unquoted *pattern',
      text: 'version: 1\nprotect: {tags: [*a]}',
      at: '2:18',
      says: /quotes.*\*-rc/s,
    },
    { name: 'a merge of no map', text: 'version: 1\nprotect:\n  <<: 3', at: '1:1', says: /aliases/ },
    { name: 'an unknown version', text: 'version: 2', at: '1:10', says: /only value is 1/ },
    { name: 'no version', text: 'limits: {}', at: '1:1', says: /`version` is missing/ },
    { name: '__proto__', text: 'version: 1\n__proto__: {a: 1}', at: '2:1', says: /Unknown key "__proto__"/ },
    { name: 'a misspelt key', text: 'version: 1\nlimit: {}', at: '2:1', says: /Did you mean "limits"/ },
    {
      name: 'a key of another section',
      text: 'version: 1\nlimits: {youngerThan: 1h}',
      at: '2:10',
      says: /belongs under `protect:`/,
    },
    {
      name: 'a key that stands too high',
      text: inRule('{newest: 3, keep: {all: true}}'),
      at: '4:10',
      says: /belongs under `keep:`/,
    },
    {
      name: 'keepLast',
      text: inRule('{keepLast: 3, keep: {all: true}}'),
      at: '4:10',
      says: /keep: \{newest: N\}/,
    },
    {
      name: 'keep_n',
      text: inRule('{keep_n: 3, keep: {all: true}}'),
      at: '4:10',
      says: /keep: \{newest: N\}/,
    },
    {
      name: 'older_than',
      text: inRule('{older_than: 3d, delete: {all: true}}'),
      at: '4:10',
      says: /delete: \{olderThan/,
    },
    {
      name: 'regex',
      text: inRule('{match: {regex: x}, keep: {all: true}}'),
      at: '4:18',
      says: /between slashes/,
    },
    { name: 'an empty section', text: 'version: 1\nlimits:', at: '2:8', says: /has no value/ },
  ])('$name', expectMistake)

  it.each([
    {
      name: 'neither address nor storage',
      text: inRegistry('{kind: auto}'),
      at: '3:3',
      says: /needs `url:` or `storage:`/,
    },
    {
      name: 'http to another machine',
      text: inRegistry('{url: "http://x.de"}'),
      at: '3:12',
      says: /in the clear/,
    },
    { name: 'no scheme', text: inRegistry('{url: x.de}'), at: '3:12', says: /https:\/\// },
    { name: 'another scheme', text: inRegistry('{url: "ftp://x.de"}'), at: '3:12', says: /begins with/ },
    {
      name: 'a misspelt kind',
      text: inRegistry('{url: "https://x.de", kind: harbour}'),
      at: '3:34',
      says: /Did you mean "harbor"/,
    },
    {
      name: 'an alias with a scheme',
      text: inRegistry('{url: "https://x.de", aliases: ["https://y"]}'),
      at: '3:38',
      says: /no scheme/,
    },
    {
      name: 'an alias that is no host',
      text: inRegistry('{url: "https://x.de", aliases: [mirror]}'),
      at: '3:38',
      says: /Docker Hub/,
    },
    {
      name: 'no aliases',
      text: inRegistry('{url: "https://x.de", aliases: []}'),
      at: '3:37',
      says: /empty list/,
    },
    {
      name: 'a password without a user',
      text: inRegistry('{url: "https://x.de", auth: {passwordEnv: P}}'),
      at: '3:28',
      says: /needs a user name/,
    },
    {
      name: 'a token beside a user',
      text: inRegistry('{url: "https://x.de", auth: {tokenEnv: P, username: a}}'),
      at: '3:28',
      says: /Either a token/,
    },
    {
      name: 'a value where a variable’s name belongs',
      text: inRegistry('{url: "https://x.de", auth: {tokenEnv: $P}}'),
      at: '3:45',
      says: /name of an environment/,
    },
    {
      name: 'a certificate without its key',
      text: inRegistry('{url: "https://x.de", tls: {certFile: a}}'),
      at: '3:28',
      says: /need each other/,
    },
    {
      name: 'too many requests at a time',
      text: inRegistry('{url: "https://x.de", concurrency: 1000}'),
      at: '3:41',
      says: /from 1 to 256/,
    },
    {
      name: 'files in two places',
      text: inRegistry('{storage: {layout: oci, filesystem: a, gcs: {bucket: b}}}'),
      at: '3:7',
      says: /in one place/,
    },
    {
      name: 'files nowhere',
      text: inRegistry('{storage: {layout: oci}}'),
      at: '3:7',
      says: /Nothing says where/,
    },
    {
      name: 'maintenance without how',
      text: inRegistry('{url: "https://x.de", sweep: {mode: maintenance}}'),
      at: '3:42',
      says: /needs `maintenance:`/,
    },
    {
      name: 'a stop without a start',
      text: inRegistry('{url: "https://x.de", sweep: {maintenance: {stop: [a]}}}'),
      at: '3:36',
      says: /belong together/,
    },
    {
      name: 'a command for a shell',
      text: inRegistry('{url: "https://x.de", sweep: {maintenance: {stop: a b, start: [c]}}}'),
      at: '3:56',
      says: /must be a list/,
    },
    {
      name: 'a name with blanks',
      text: 'version: 1\nregistries:\n  a b: {url: "https://x.de"}',
      at: '3:3',
      says: /A name holds/,
    },
  ])('registries: $name', expectMistake)

  it.each([
    {
      name: 'helm: false',
      text: 'version: 1\nevidence: {helm: false}',
      at: '2:18',
      says: /\{revisions: false, reason: "…"\}/,
    },
    {
      name: 'no reason',
      text: 'version: 1\nevidence: {helm: {revisions: false}}',
      at: '2:30',
      says: /needs a reason/,
    },
    {
      name: 'a reason for nothing',
      text: 'version: 1\nevidence: {helm: {revisions: 3, reason: x}}',
      at: '2:33',
      says: /only for/,
    },
    {
      name: 'a cluster without a way',
      text: 'version: 1\nevidence: {kubernetes: [{name: a}]}',
      at: '2:25',
      says: /how to reach/,
    },
    {
      name: 'a cluster with two ways',
      text: 'version: 1\nevidence: {kubernetes: [{name: a, dump: b, inCluster: true}]}',
      at: '2:25',
      says: /one way only/,
    },
    {
      name: 'a name taken',
      text: 'version: 1\nevidence: {references: [{name: a, file: b}, {name: a, file: c}]}',
      at: '2:52',
      says: /is taken/,
    },
    {
      name: 'a number for a duration',
      text: 'version: 1\nprotect: {youngerThan: 24}',
      at: '2:24',
      says: /must be text.*24h/s,
    },
    { name: 'months', text: 'version: 1\nprotect: {youngerThan: 1M}', at: '2:24', says: /no fixed length/ },
    {
      name: 'no patterns',
      text: 'version: 1\nprotect: {tags: []}',
      at: '2:17',
      says: /leave the key out to match everything/i,
    },
    {
      name: 'an empty pattern',
      text: 'version: 1\nprotect: {tags: [""]}',
      at: '2:18',
      says: /matches nothing/,
    },
    {
      name: 'a share that may be 1 %',
      text: 'version: 1\nlimits: {maxShare: 1}',
      at: '2:20',
      says: /percentage/,
    },
    {
      name: 'a share above all',
      text: 'version: 1\nlimits: {maxShare: 101%}',
      at: '2:20',
      says: /percentage/,
    },
    {
      name: 'a fraction of an image',
      text: 'version: 1\nlimits: {minSurvivors: 1.5}',
      at: '2:24',
      says: /not a fraction/,
    },
    {
      name: 'fewer than none',
      text: 'version: 1\nlimits: {maxDeletions: -1}',
      at: '2:24',
      says: /0 or more/,
    },
  ])('evidence, protections, limits: $name', expectMistake)
})
