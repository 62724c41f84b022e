/**
 * Merge requests of GitLab: `GET /projects/:id/merge_requests` (API v4). A merge request that is being merged at this moment
 * is `locked`, in neither of the other lists, and open for us.
 */
import { commitId, count, field, instant, type ForgeDialect, type ListedPull } from './forge-dialect.ts'

export const gitlab: ForgeDialect = {
  name: 'GitLab',
  publicApis: { 'gitlab.com': 'https://gitlab.com/api/v4', 'altssh.gitlab.com': 'https://gitlab.com/api/v4' },
  apiPath: /\/api\/v4$/,
  headers: { accept: 'application/json' },
  pageSize: 100,
  openLists: (project) =>
    ['opened', 'locked'].map((state) => requests(project, `state=${state}&order_by=created_at&sort=asc`)),
  closedLists: (project, since) =>
    ['closed', 'merged'].map((state) =>
      requests(
        project,
        `state=${state}&order_by=updated_at&sort=desc&updated_after=${new Date(since).toISOString()}`,
      ),
    ),
  parse: parseMergeRequest,
}

function requests(project: string, query: string): string {
  return `projects/${encodeURIComponent(project)}/merge_requests?${query}&scope=all&per_page=100`
}

const openStates = new Set<unknown>(['opened', 'locked'])
const closedStates = new Set<unknown>(['closed', 'merged'])

function parseMergeRequest(entry: unknown): ListedPull | undefined {
  const number = count(field(entry, 'iid'))
  const state = field(entry, 'state')
  const updatedAt = instant(field(entry, 'updated_at'))
  const isOpen = openStates.has(state)
  if (number === undefined || updatedAt === undefined || (!isOpen && !closedStates.has(state)))
    return undefined
  return {
    number,
    head: commitId(field(entry, 'sha')),
    isOpen,
    closedAt: instant(field(entry, 'merged_at')) ?? instant(field(entry, 'closed_at')),
    updatedAt,
  }
}
