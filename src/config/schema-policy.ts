/** `policies:` as written (DESIGN sections 3 and 4). */
import * as z from 'zod'
import { compileRepositoryPatterns, compileTagPattern } from '../core/policy/compile-patterns.ts'
import { compileStreamTemplate } from '../core/policy/compile-stream-template.ts'
import { compileRange } from '../core/policy/version.ts'
import {
  checkedText,
  compiledText,
  count,
  duration,
  key,
  oneOrMore,
  plainName,
  size,
  text,
  title,
} from './fields.ts'
import { tagPattern } from './schema-evidence.ts'
import { gitPlace } from './schema-git.ts'

const valuePattern = compiledText(compileTagPattern)
const patterns = oneOrMore(valuePattern.min(1))
const tagPatterns = oneOrMore(tagPattern)
const states = ['complete', 'missing-children', 'orphaned-referrer'] as const
const orders = [
  'pushed',
  'tagged',
  'uploaded',
  'created',
  'pulled',
  'active',
  'pulledItself',
  'activeItself',
  'semver',
  'name',
] as const

export const matchSchema = z.strictObject({
  tags: key(tagPatterns, 'Tags', 'Some tag matches some pattern; "!pattern" takes tags out.').optional(),
  tagsAll: key(tagPatterns, 'All tags', 'Every tag matches some pattern.').optional(),
  tagsEvery: key(tagPatterns, 'Every pattern', 'For each pattern some tag matches.').optional(),
  digests: key(patterns, 'Digests', 'The digest matches some pattern.').optional(),
  holdsDigests: key(
    patterns,
    'Holds digests',
    'The digest of the image, or of something that hangs on it (a platform, a signature), matches some pattern.',
  ).optional(),
  semver: key(
    compiledText(compileRange),
    'Version',
    'Some tag is a version in this npm range. Prereleases match only where npm says so.',
    { examples: ['>=1.0.0', '1.x'] },
  ).optional(),
  tagged: key(z.boolean(), 'Tagged', 'The image has a tag, or has none.').optional(),
  labels: key(
    z.record(text, valuePattern),
    'Labels',
    'Each label of the image config is there and its value matches the pattern.',
  ).optional(),
  annotations: key(
    z.record(text, valuePattern),
    'Annotations',
    'Each annotation of the manifest is there and its value matches the pattern.',
  ).optional(),
  artifactType: key(patterns, 'Artifact type', 'The artifact type matches some pattern.').optional(),
  mediaType: key(patterns, 'Media type', 'The manifest’s media type matches some pattern.').optional(),
  platform: key(
    patterns,
    'Platform',
    'A platform of the image, `os/architecture[/variant]`, matches some pattern.',
    { examples: ['linux/arm*'] },
  ).optional(),
  largerThan: key(size, 'Larger than', 'The whole image is larger than this.').optional(),
  state: key(
    oneOrMore(z.enum(states)),
    'State',
    'Whether all children are there; `orphaned-referrer` is a referrer whose subject is gone.',
  ).optional(),
  part: key(
    z.boolean(),
    'Part',
    'An index holds it, or it is attached to another image, and it is an image because it has a tag of its own.',
  ).optional(),
  locked: key(
    z.boolean(),
    'Locked',
    'Immutable or protected in the registry, and so never deleted; `false` leaves such out of counts.',
  ).optional(),
  created: key(
    z.enum(['known', 'unknown']),
    'Created',
    'Whether the config tells a time of building that can be true; an index of platforms has none of its own.',
  ).optional(),
  werf: key(
    z.enum(['stage', 'record', 'other']),
    'werf',
    'In a repository that werf builds into: a stage, a record of werf’s, or neither. In other repositories nothing matches.',
  ).optional(),
})

const blocks = oneOrMore(matchSchema)

const gitLimit = z.strictObject({
  newest: key(count, 'Newest', 'The newest N.').optional(),
  within: key(duration, 'Within', 'Those not older than this.').optional(),
  combine: key(z.enum(['any', 'all']), 'Combine', 'Whether either is enough or both must hold.').optional(),
})

const git = z.strictObject({
  repository: key(
    gitPlace,
    'Repository',
    'The name of a repository under `git:`, the path of a clone, or the address of a repository. When left out, the first under `git:` whose `images` match.',
    { examples: ['../app', 'https://git.example.com/acme/app.git'] },
  ).optional(),
  branches: key(
    compiledText((source) => compileTagPattern(`/${source}/`)),
    'Branches',
    'An RE2 expression on names of branches, matched in full.',
  ).optional(),
  tags: key(
    compiledText((source) => compileTagPattern(`/${source}/`)),
    'Tags',
    'An RE2 expression on names of Git tags, matched in full.',
  ).optional(),
  pullRequests: key(
    compiledText((source) => compileTagPattern(`/${source}/`)),
    'Pull requests',
    'An RE2 expression on numbers of open pull or merge requests, matched in full: ".*" for all.',
  ).optional(),
  grace: key(duration, 'Grace', 'How long a pull request counts after it was closed or merged.', {
    default: '0s',
  }).optional(),
  references: key(
    gitLimit,
    'References',
    'Which of them count, by the date of a branch’s newest commit or of a tag; all when left out.',
  ).optional(),
  images: key(
    gitLimit,
    'Images',
    'Which commits with images count on each of them and for each image repository; all when left out.',
  ).optional(),
})

const combine = key(
  z.enum(['any', 'all']),
  'Combine',
  'With two or more criteria: whether one is enough or all must hold. The calendar keys are one criterion.',
).optional()
const all = key(z.literal(true), 'All', 'Every image that matches.').optional()
const counting = {
  by: key(
    z.enum(orders),
    'By',
    'What the images are ordered and dated by. `tagged` is when their tags were set, `uploaded` when the registry first had the manifest; where it does not tell these apart, both are `pushed`.',
    { default: 'pushed' },
  ).optional(),
  countBy: key(
    z.enum(orders),
    'Count by',
    'What a count orders the images by, where their ages are measured by something else; as `by` when left out.',
  ).optional(),
  per: key(
    compiledText(compileStreamTemplate),
    'Per',
    'One count for each value: parts of a version or captures of the tag pattern, in braces.',
    { examples: ['{major}.{minor}', '{branch}'] },
  ).optional(),
  count: key(
    z.enum(['images', 'tags']),
    'Count',
    'What takes a place under `unit: tag`, where it is `tags` unless written.',
  ).optional(),
}

const timezone = checkedText((name) =>
  isTimezone(name)
    ? undefined
    : { problem: 'This is not a time zone.', hint: 'Write an IANA name, such as "Europe/Berlin" or "UTC".' },
)

export const keepSchema = z.strictObject({
  all,
  newest: key(count, 'Newest', 'The newest N of each stream.').optional(),
  within: key(duration, 'Within', 'Those younger than this, and those whose age is unknown.').optional(),
  pulledWithin: key(
    duration,
    'Pulled within',
    'Those pulled more recently than this, and those whose last pull is unknown.',
  ).optional(),
  hourly: key(count, 'Hourly', 'The newest image of each of the last N hours that have one.').optional(),
  daily: key(count, 'Daily', 'The newest image of each of the last N days that have one.').optional(),
  weekly: key(count, 'Weekly', 'The newest image of each of the last N weeks that have one.').optional(),
  monthly: key(count, 'Monthly', 'The newest image of each of the last N months that have one.').optional(),
  yearly: key(count, 'Yearly', 'The newest image of each of the last N years that have one.').optional(),
  git: key(git, 'Git', 'Images built from commits of these branches or tags.').optional(),
  ...counting,
  combine,
  timezone: key(timezone, 'Time zone', 'Where days begin, for the calendar keys.', {
    default: 'UTC',
    examples: ['Europe/Berlin'],
  }).optional(),
})

export const deleteSchema = z.strictObject({
  all,
  olderThan: key(
    duration,
    'Older than',
    'Those older than this; never those whose age is unknown.',
  ).optional(),
  beyondNewest: key(count, 'Beyond the newest', 'All but the newest N of each stream.').optional(),
  notPulledFor: key(
    duration,
    'Not pulled for',
    'Those whose last pull is longer ago than this; never those whose last pull is unknown.',
  ).optional(),
  ...counting,
  combine,
  countAmong: key(
    z.enum(['matched', 'eligible', 'remaining']),
    'Count among',
    'Which images `beyondNewest` counts: all that match, those that this rule could delete, or those no other delete rule takes.',
    { default: 'matched' },
  ).optional(),
  onePageOf: key(
    count,
    'One page of',
    '`beyondNewest` deletes only in repositories of at most this many tags, if each that it counts has a place: for what is imported from systems that count page by page.',
  ).optional(),
})

const ruleSchema = z.strictObject({
  name: key(title, 'Name', 'What plans call the rule; `rule N` when left out.').optional(),
  match: key(
    blocks,
    'Match',
    'Which images the rule speaks of: a block whose fields must all hold, or a list of blocks of which one must. Everything when left out.',
  ).optional(),
  not: key(blocks, 'Not', 'Images taken out before counting.').optional(),
  except: key(blocks, 'Except', 'Images taken out after counting.').optional(),
  keep: key(
    keepSchema,
    'Keep',
    'What the rule keeps. Keeping goes before deleting, whatever the order of rules.',
  ).optional(),
  delete: key(deleteSchema, 'Delete', 'What the rule deletes.').optional(),
})

const repositoryPattern = compiledText((source) => compileRepositoryPatterns([source])).min(1)

export const policySchema = z.strictObject({
  name: key(title, 'Name', 'What plans call the policy; `policy N` when left out.').optional(),
  registry: key(plainName, 'Registry', 'The registry it governs; all when left out.').optional(),
  repositories: key(
    oneOrMore(repositoryPattern),
    'Repositories',
    'Which repositories it governs: `*` stops at a slash, `**` does not, "!pattern" takes out. All when left out. The first policy that matches governs.',
    { examples: [['team/**', '!team/base']] },
  ).optional(),
  unit: key(z.enum(['image', 'tag']), 'Unit', 'Whether rules speak of whole images, or of each tag.', {
    default: 'image',
  }).optional(),
  rules: key(
    z.array(ruleSchema),
    'Rules',
    'Protection goes before keep, keep before delete, and both before `unmatched`.',
  ),
  unmatched: key(z.enum(['keep', 'delete']), 'Unmatched', 'What happens to an image that no rule speaks of.'),
  emptied: key(
    z.enum(['keep', 'delete']),
    'Emptied',
    'Under `unit: tag`, what becomes of a manifest whose last tag goes: `keep` removes names and nothing else.',
    { default: 'delete' },
  ).optional(),
})

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return /^[A-Za-z]/.test(name)
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

export type WrittenMatch = z.infer<typeof matchSchema>
export type WrittenKeep = z.infer<typeof keepSchema>
export type WrittenDelete = z.infer<typeof deleteSchema>
export type WrittenRule = z.infer<typeof ruleSchema>
export type WrittenPolicy = z.infer<typeof policySchema>
