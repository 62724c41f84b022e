/** `git:` as written: the Git repositories that images are built from, and how they are read. */
import * as z from 'zod'
import { captureNames, compileRepositoryPatterns } from '../core/policy/compile-patterns.ts'
import { PatternError } from '../core/policy/pattern-error.ts'
import { refuseUrl } from './addresses.ts'
import { checkedText, compiledText, key, oneOrMore, plainName, text } from './fields.ts'
import { refuseGitPlace } from './git-place.ts'
import { shareSchema, tagPattern } from './schema-evidence.ts'
import { authSchema } from './schema-registry.ts'

/** Where a repository lies: a clone's path or an address. */
export const gitPlace: z.ZodString = checkedText(refuseGitPlace).meta({
  examples: ['../app', 'https://git.example.com/acme/app.git', 'git@git.example.com:acme/app.git'],
})

const imagePattern = compiledText((source) => compileRepositoryPatterns([source])).min(1)

const commitTag = tagPattern.check((context) => {
  const { value: source } = context
  if (source.startsWith('!') || capturesCommit(source)) return
  context.issues.push({
    code: 'custom',
    message: 'Nothing in this pattern captures a commit.',
    input: source,
    params: {
      hint: "Write a regular expression with a group called commit: '/main-(?P<commit>[0-9a-f]{7,40})/'.",
    },
  })
})

function capturesCommit(source: string): boolean {
  try {
    return captureNames(source).includes('commit')
  } catch (error) {
    // What is wrong with the pattern itself is told already.
    if (error instanceof PatternError) return true
    throw error
  }
}

const forge = z.strictObject({
  kind: key(z.enum(['github', 'gitlab', 'gitea']), 'Kind', 'Whose API it speaks; Forgejo speaks Gitea’s.'),
  url: key(
    checkedText(refuseUrl),
    'Address',
    'The address of the API, where it is not the public one of that kind: https://git.example.com/api/v4.',
  ).optional(),
  auth: key(
    authSchema,
    'Credentials',
    'A token that may read pull requests: `tokenEnv` or `tokenFile`.',
  ).optional(),
})

const gitRepository = z.strictObject({
  name: key(
    plainName,
    'Name',
    'What rules, plans and `--without-evidence` call it (`git:NAME`); the last part of its path or address when left out.',
  ).optional(),
  repository: key(
    gitPlace,
    'Repository',
    'The path of a clone, of which refs/remotes/origin and refs/tags count, or the address of a repository, which is fetched into the state directory.',
  ),
  images: key(
    oneOrMore(imagePattern),
    'Images',
    'The image repositories that are built from it. A Git rule without `repository` asks the first that matches.',
    { examples: [['team/app', 'team/app-*']] },
  ).optional(),
  commitTags: key(
    oneOrMore(commitTag),
    'Commit tags',
    'Tags of images that hold a commit id, as the group `commit` of a regular expression. Short ids are resolved.',
    { examples: ['/main-(?P<commit>[0-9a-f]{7,40})/'] },
  ).optional(),
  links: key(oneOrMore(text), 'Links', 'Files that `winnow link --file` wrote.').optional(),
  fetch: key(z.boolean(), 'Fetch', 'Fetches the clone at a path before it is read.', {
    default: false,
  }).optional(),
  auth: key(
    authSchema,
    'Credentials',
    'For addresses with https; when left out, Git’s own credential helpers and SSH agents are used.',
  ).optional(),
  forge: key(
    forge,
    'Forge',
    'Who tells which pull requests are open; when left out, every one that has a reference counts as open.',
  ).optional(),
  absentCommits: key(
    z.enum(['keep', 'unneeded']),
    'Absent commits',
    'What becomes of an image whose commit the repository does not have: it is kept, or the commit counts as one that nothing needs.',
    { default: 'keep' },
  ).optional(),
  importSources: key(
    z.enum(['keep', 'unneeded']),
    'Import sources',
    'What an image that werf built imports from, or depends on, where nothing but Git keeps the image: it is kept with it, or not, as werf has it.',
    { default: 'keep' },
  ).optional(),
  maxLostLinks: key(
    shareSchema,
    'Lost links at most',
    'If branches and tags reach fewer of the commits that images are linked to, by more than this share at once, the plan stops.',
    { default: '30%' },
  ).optional(),
})

export const gitSchema = z.strictObject({
  repositories: key(
    z.array(gitRepository).min(1),
    'Repositories',
    'The Git repositories that images are built from.',
  ),
})

export type WrittenGit = z.infer<typeof gitSchema>
export type WrittenGitRepository = WrittenGit['repositories'][number]
