/** What werf's cleanup never touches, as rules that keep it: its own records, what has no tag, what others pushed. */
import type { ImportedRule } from './imported-policy.ts'

/** What werf itself writes into the repository beside images. */
const recordsRule: ImportedRule = {
  name: 'records of werf',
  comments: [
    'What werf remembers in the repository: links to commits, managed images, imports, and the like.',
  ],
  match: [
    {
      tags: [
        'meta-*',
        'managed-image-*',
        'import-metadata-*',
        'custom-tag-meta-*',
        'client-id-*',
        'sync-server*',
        'cleanup',
        'werf-meta-repo-marker-*',
        '*-rejected',
      ],
    },
  ],
  keep: { all: true },
}

const untaggedRule: ImportedRule = {
  name: 'untagged',
  comments: ['werf never looks at manifests without a tag.'],
  match: [{ tagged: false }],
  keep: { all: true },
}

/** Tags of stages, as werf forms them. */
const stageTags = '/[0-9a-f]{56}(-[0-9]{13})?/'

/** In a repository without a stage nobody can tell what was built by werf, and what a release looks like stays. */
const foreignRules: readonly ImportedRule[] = [
  {
    name: 'not built by werf',
    comments: ['werf touches tags of its own form alone: what other tools push stays.'],
    match: [{ werf: 'other' }],
    not: [{ tags: [stageTags] }],
    keep: { all: true },
  },
  {
    name: 'bundles and releases',
    comments: ['These stay even where no stage of werf shows that the repository is its own.'],
    match: [{ semver: '*' }, { tags: ['latest'] }],
    not: [{ tags: [stageTags] }],
    keep: { all: true },
  },
]

export const othersRules: readonly ImportedRule[] = [recordsRule, untaggedRule, ...foreignRules]
