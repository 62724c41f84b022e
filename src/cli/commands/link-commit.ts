/**
 * Which commit a build is of, from the variables that the CI sets.
 *
 * For pull requests several of them check out a merge that they made for this build alone. Nobody will ever see that
 * commit again: no branch has it, and an image linked to it would be needed by nothing. What counts is the head of the
 * request, which the same CI tells elsewhere. Where it does not, the answer is an error, never a guess.
 */
import { parseFullCommitId } from '../../core/git/link-record.ts'
import { isJsonObject } from '../../core/image/manifest-fields.ts'
import { UsageError } from '../report-error.ts'
import { plain } from '../views/format.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface CiCommit {
  readonly commit: string
  /** The variable it came from, or the field of the event. */
  readonly from: string
  /** The branch or tag, where the CI tells it. */
  readonly ref: string | undefined
}

/** Reads the JSON file of an event; undefined when there is none that can be read. */
export type ReadEvent = (path: string) => unknown

interface CiSystem {
  /** It is this CI when the variable is there; it holds the commit of every build but those of requests. */
  readonly variable: string
  /** Holds the head in builds of requests, where `variable` may hold a merge; empty or absent in others. */
  readonly head?: string
  /** What they hold is the name of the branch or tag; the first that is there counts. */
  readonly refs: readonly string[]
  /** For what one variable cannot tell. */
  readonly look?: (environment: Environment, readEvent: ReadEvent) => Found | undefined
}

interface Found {
  readonly text: string
  readonly from: string
}

const systems: readonly CiSystem[] = [
  // GitHub Actions; Gitea and Forgejo set the same.
  { variable: 'GITHUB_SHA', refs: ['GITHUB_HEAD_REF', 'GITHUB_REF_NAME'], look: lookAtGitHub },
  {
    // GitLab CI; in pipelines of merged results and merge trains CI_COMMIT_SHA is a merge. Woodpecker's is the head.
    variable: 'CI_COMMIT_SHA',
    head: 'CI_MERGE_REQUEST_SOURCE_BRANCH_SHA',
    refs: ['CI_MERGE_REQUEST_SOURCE_BRANCH_NAME', 'CI_COMMIT_REF_NAME', 'CI_COMMIT_BRANCH', 'CI_COMMIT_TAG'],
  },
  { variable: 'BITBUCKET_COMMIT', refs: ['BITBUCKET_BRANCH', 'BITBUCKET_TAG'] },
  {
    variable: 'BUILD_SOURCEVERSION',
    head: 'SYSTEM_PULLREQUEST_SOURCECOMMITID',
    refs: ['SYSTEM_PULLREQUEST_SOURCEBRANCH', 'BUILD_SOURCEBRANCH'],
    look: lookAtAzure,
  },
  { variable: 'CIRCLE_SHA1', refs: ['CIRCLE_BRANCH', 'CIRCLE_TAG'] },
  {
    variable: 'TRAVIS_COMMIT',
    head: 'TRAVIS_PULL_REQUEST_SHA',
    refs: ['TRAVIS_PULL_REQUEST_BRANCH', 'TRAVIS_BRANCH'],
  },
  { variable: 'DRONE_COMMIT_SHA', refs: ['DRONE_SOURCE_BRANCH', 'DRONE_BRANCH', 'DRONE_TAG'] },
  { variable: 'BUILDKITE_COMMIT', refs: ['BUILDKITE_BRANCH', 'BUILDKITE_TAG'] },
  { variable: 'CODEBUILD_RESOLVED_SOURCE_VERSION', refs: ['CODEBUILD_WEBHOOK_HEAD_REF'] },
  { variable: 'BUILD_VCS_NUMBER', refs: [] },
  {
    variable: 'GIT_COMMIT',
    refs: ['CHANGE_BRANCH', 'BRANCH_NAME', 'GIT_BRANCH'],
    look: lookAtJenkins,
  },
]

const sayWhich = 'Say which commit the image was built from:\n  --commit "$(git rev-parse HEAD)"'

/**
 * The commit of the running build.
 *
 * @throws UsageError when no CI tells one, when two tell different ones, and when what one tells may not be what was built
 */
export function commitOfBuild(environment: Environment, readEvent: ReadEvent): CiCommit {
  const found = systems.flatMap((system) => commitOf(system, environment, readEvent) ?? [])
  const [first, ...others] = found
  if (first === undefined) {
    const known = systems.map(({ variable }) => variable).join(', ')
    throw new UsageError(
      'There is no --commit, and no variable of a CI that tells one.',
      `${sayWhich}\nThe variables known are ${known}.`,
    )
  }
  const other = others.find(({ commit }) => commit !== first.commit)
  if (other === undefined) return first
  throw new UsageError(
    `${first.from} and ${other.from} name different commits, ${first.commit} and ${other.commit}.`,
    sayWhich,
  )
}

function commitOf(
  { variable, head, refs, look }: CiSystem,
  environment: Environment,
  readEvent: ReadEvent,
): CiCommit | undefined {
  const told = valueOf(environment, variable)
  if (told === undefined) return undefined
  const atHead = head === undefined ? undefined : valueOf(environment, head)
  const { text, from } =
    look?.(environment, readEvent) ??
    (head === undefined || atHead === undefined
      ? { text: told, from: variable }
      : { text: atHead, from: head })
  const commit = parseFullCommitId(text)
  if (commit === undefined) {
    throw new UsageError(
      `${from} is ${plain(text.slice(0, 80))}, which is no full commit id of 40 or 64 hexadecimal digits.`,
      sayWhich,
    )
  }
  const ref = refs.map((name) => valueOf(environment, name)).find((value) => value !== undefined)
  return { commit, from, ref: ref?.replace(/^refs\/(?:heads|tags)\//, '') }
}

/** CI systems set variables that do not apply to nothing. */
function valueOf(environment: Environment, name: string): string | undefined {
  const value = environment[name]
  return value === undefined || value === '' ? undefined : value
}

/** Runs of these events check out the default branch unless told otherwise, and are mostly told otherwise. */
const builtElsewhere: ReadonlySet<string> = new Set(['pull_request_target', 'workflow_run', 'issue_comment'])

/** "Events that trigger workflows": GITHUB_SHA of a pull request is the merge under refs/pull/N/merge. */
function lookAtGitHub(environment: Environment, readEvent: ReadEvent): Found | undefined {
  const event = valueOf(environment, 'GITHUB_EVENT_NAME') ?? ''
  if (builtElsewhere.has(event)) {
    throw new UsageError(
      `In runs of ${event}, GITHUB_SHA is the newest commit of the default branch, which may not be what was built.`,
      sayWhich,
    )
  }
  if (!/^refs\/pull\/[^/]+\/merge$/.test(valueOf(environment, 'GITHUB_REF') ?? '')) return undefined
  const path = valueOf(environment, 'GITHUB_EVENT_PATH')
  const head = path === undefined ? undefined : headIn(readEvent(path))
  if (head !== undefined) return { text: head, from: 'pull_request.head.sha of the event' }
  throw new UsageError(
    'GITHUB_SHA is a merge that was made for this run alone, and GITHUB_EVENT_PATH does not tell the head of the pull request.',
    'Say it, in the workflow:\n  --commit "${{ github.event.pull_request.head.sha }}"',
  )
}

function headIn(event: unknown): string | undefined {
  const request = isJsonObject(event) ? event['pull_request'] : undefined
  const head = isJsonObject(request) ? request['head'] : undefined
  const sha = isJsonObject(head) ? head['sha'] : undefined
  return typeof sha === 'string' ? sha : undefined
}

/** "Predefined variables": the head is told for pull requests that a branch policy builds, and perhaps for no others. */
function lookAtAzure(environment: Environment): undefined {
  const isMerge = /^refs\/pull\/[^/]+\/merge$/.test(valueOf(environment, 'BUILD_SOURCEBRANCH') ?? '')
  if (!isMerge || valueOf(environment, 'SYSTEM_PULLREQUEST_SOURCECOMMITID') !== undefined) return undefined
  throw new UsageError(
    'BUILD_SOURCEVERSION is a merge that was made for this build alone, and SYSTEM_PULLREQUEST_SOURCECOMMITID is not set.',
    'Say the head of the pull request; it is the second parent of the merge:\n  --commit "$(git rev-parse HEAD^2)"',
  )
}

/** Jenkins may build a request merged with its target or as it is, and tells which only in the name of the job. */
function lookAtJenkins(environment: Environment): undefined {
  if (valueOf(environment, 'CHANGE_ID') === undefined) return undefined
  if (valueOf(environment, 'BRANCH_NAME')?.endsWith('-head') === true) return undefined
  throw new UsageError(
    'This build is of a change request, and GIT_COMMIT may be a merge that was made for it alone.',
    'Say the head of the request. Where the job checks it out as it is, that is:\n  --commit "$GIT_COMMIT"\nWhere it merges first, the head is the parent that is not of the target branch:\n  git log -1 --format=%P',
  )
}
