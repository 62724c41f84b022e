/** Pull requests of GitHub and GitHub Enterprise: `GET /repos/{owner}/{repo}/pulls` (REST, API version 2022-11-28). */
import { commitId, count, field, instant, type ForgeDialect, type ListedPull } from './forge-dialect.ts'

export const github: ForgeDialect = {
  name: 'GitHub',
  publicApis: { 'github.com': 'https://api.github.com', 'ssh.github.com': 'https://api.github.com' },
  apiPath: /\/api\/v3$/,
  headers: { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' },
  pageSize: 100,
  openLists: (project) => [pulls(project, 'state=open&sort=created&direction=asc')],
  closedLists: (project) => [pulls(project, 'state=closed&sort=updated&direction=desc')],
  parse: parseGithubPull,
}

function pulls(project: string, query: string): string {
  const path = project.split('/').map(encodeURIComponent).join('/')
  return `repos/${path}/pulls?${query}&per_page=100`
}

/** Gitea writes them down alike. Merging closes, so `closed_at` is there for both. */
export function parseGithubPull(entry: unknown): ListedPull | undefined {
  const number = count(field(entry, 'number'))
  const state = field(entry, 'state')
  const updatedAt = instant(field(entry, 'updated_at'))
  if (number === undefined || updatedAt === undefined || (state !== 'open' && state !== 'closed'))
    return undefined
  return {
    number,
    head: commitId(field(entry, 'head', 'sha')),
    isOpen: state === 'open',
    closedAt: instant(field(entry, 'closed_at')) ?? instant(field(entry, 'merged_at')),
    updatedAt,
  }
}
