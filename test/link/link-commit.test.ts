/** Which commit is linked where nobody said one: what each CI tells, and when it must not be believed. */
import { describe, expect, it } from 'vitest'
import { commitOfBuild, type Environment } from '../../src/cli/commands/link-commit.ts'

const head = 'a1'.repeat(20)
const merge = 'b2'.repeat(20)

const event = { pull_request: { number: 12, head: { sha: head, ref: 'feature/x' } } }
const readEvent = (path: string): unknown => (path === '/event.json' ? event : undefined)

const onGitHub = { GITHUB_SHA: merge, GITHUB_EVENT_PATH: '/event.json', GITHUB_REF_NAME: 'main' }

describe('the commit of a build', () => {
  it.each<{ name: string; environment: Environment; commit: string; from: string; ref?: string | undefined }>(
    [
      {
        name: 'a push on GitHub',
        environment: { ...onGitHub, GITHUB_EVENT_NAME: 'push', GITHUB_REF: 'refs/heads/main' },
        commit: merge,
        from: 'GITHUB_SHA',
        ref: 'main',
      },
      {
        name: 'a pull request on GitHub, whose GITHUB_SHA is a merge of this run',
        environment: {
          ...onGitHub,
          GITHUB_EVENT_NAME: 'pull_request',
          GITHUB_REF: 'refs/pull/12/merge',
          GITHUB_REF_NAME: '12/merge',
          GITHUB_HEAD_REF: 'feature/x',
        },
        commit: head,
        from: 'pull_request.head.sha of the event',
        ref: 'feature/x',
      },
      {
        name: 'a pull request that was merged and closed, on GitHub',
        environment: { ...onGitHub, GITHUB_EVENT_NAME: 'pull_request', GITHUB_REF: 'refs/heads/main' },
        commit: merge,
        from: 'GITHUB_SHA',
        ref: 'main',
      },
      {
        name: 'a pull request on Gitea, which checks out the head',
        environment: {
          ...onGitHub,
          GITHUB_SHA: head,
          GITHUB_REF: 'refs/pull/12/head',
          GITHUB_REF_NAME: '12/head',
        },
        commit: head,
        from: 'GITHUB_SHA',
        ref: '12/head',
      },
      {
        name: 'a branch on GitLab',
        environment: {
          CI_COMMIT_SHA: head,
          CI_COMMIT_REF_NAME: 'main',
          CI_MERGE_REQUEST_SOURCE_BRANCH_SHA: '',
        },
        commit: head,
        from: 'CI_COMMIT_SHA',
        ref: 'main',
      },
      {
        name: 'a pipeline of merged results on GitLab',
        environment: { CI_COMMIT_SHA: merge, CI_MERGE_REQUEST_SOURCE_BRANCH_SHA: head },
        commit: head,
        from: 'CI_MERGE_REQUEST_SOURCE_BRANCH_SHA',
      },
      {
        name: 'Bitbucket',
        environment: { BITBUCKET_COMMIT: head, BITBUCKET_TAG: 'v1' },
        commit: head,
        from: 'BITBUCKET_COMMIT',
        ref: 'v1',
      },
      {
        name: 'a branch on Azure Pipelines',
        environment: { BUILD_SOURCEVERSION: head, BUILD_SOURCEBRANCH: 'refs/heads/team/x' },
        commit: head,
        from: 'BUILD_SOURCEVERSION',
        ref: 'team/x',
      },
      {
        name: 'a pull request on Azure Pipelines',
        environment: { BUILD_SOURCEVERSION: merge, SYSTEM_PULLREQUEST_SOURCECOMMITID: head },
        commit: head,
        from: 'SYSTEM_PULLREQUEST_SOURCECOMMITID',
      },
      {
        name: 'a pull request on Travis',
        environment: { TRAVIS_COMMIT: merge, TRAVIS_PULL_REQUEST_SHA: head },
        commit: head,
        from: 'TRAVIS_PULL_REQUEST_SHA',
      },
      {
        name: 'a branch on Jenkins',
        environment: { GIT_COMMIT: head, GIT_BRANCH: 'origin/main' },
        commit: head,
        from: 'GIT_COMMIT',
        ref: 'origin/main',
      },
      {
        name: 'a request on Jenkins that is built as it is',
        environment: { GIT_COMMIT: head, CHANGE_ID: '12', BRANCH_NAME: 'PR-12-head', CHANGE_BRANCH: 'x' },
        commit: head,
        from: 'GIT_COMMIT',
        ref: 'x',
      },
      {
        name: 'two systems that agree',
        environment: { CI_COMMIT_SHA: head.toUpperCase(), GIT_COMMIT: head },
        commit: head,
        from: 'CI_COMMIT_SHA',
      },
    ],
  )('is told by $name', ({ environment, commit, from, ref }) => {
    expect(commitOfBuild(environment, readEvent)).toEqual({ commit, from, ref })
  })

  it.each<{ name: string; environment: Environment; says: RegExp; cure?: RegExp }>([
    {
      name: 'there is no CI',
      environment: {},
      says: /no variable of a CI/,
      cure: /GITHUB_SHA, CI_COMMIT_SHA/,
    },
    {
      name: 'the event of a pull request cannot be read',
      environment: { ...onGitHub, GITHUB_REF: 'refs/pull/12/merge', GITHUB_EVENT_PATH: '/gone.json' },
      says: /merge that was made for this run alone/,
      cure: /github\.event\.pull_request\.head\.sha/,
    },
    {
      name: 'the run is of the default branch and builds something else',
      environment: { ...onGitHub, GITHUB_EVENT_NAME: 'pull_request_target', GITHUB_REF: 'refs/heads/main' },
      says: /pull_request_target/,
    },
    {
      name: 'the same for workflow_run',
      environment: { ...onGitHub, GITHUB_EVENT_NAME: 'workflow_run' },
      says: /workflow_run/,
    },
    {
      name: 'Azure Pipelines merged and does not tell the head',
      environment: { BUILD_SOURCEVERSION: merge, BUILD_SOURCEBRANCH: 'refs/pull/12/merge' },
      says: /merge that was made for this build alone/,
      cure: /HEAD\^2/,
    },
    {
      name: 'Jenkins may have merged',
      environment: { GIT_COMMIT: merge, CHANGE_ID: '12', BRANCH_NAME: 'PR-12' },
      says: /change request/,
      cure: /\$GIT_COMMIT/,
    },
    { name: 'it is no id', environment: { BUILDKITE_COMMIT: 'HEAD' }, says: /BUILDKITE_COMMIT is HEAD/ },
    { name: 'it is short', environment: { BITBUCKET_COMMIT: head.slice(0, 12) }, says: /no full commit id/ },
    {
      name: 'two systems disagree',
      environment: { CI_COMMIT_SHA: head, GIT_COMMIT: merge },
      says: /CI_COMMIT_SHA and GIT_COMMIT name different commits/,
    },
  ])('is asked for when $name', ({ environment, says, cure = /--commit/ }) => {
    const read = (): unknown => commitOfBuild(environment, readEvent)
    expect(read).toThrow(says)
    expect(read).toThrow(expect.objectContaining({ hint: expect.stringMatching(cure) as unknown }))
  })
})
