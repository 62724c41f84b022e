/**
 * Pull requests of Gitea and Forgejo: `GET /repos/{owner}/{repo}/pulls`.
 *
 * The names of orders are those of Gitea's API description (`oldest`, `recentupdate`); that every version keeps to them is
 * not certain, so whoever reads the list checks the order before it stops early. Servers give at most 50 on a page unless
 * they are configured otherwise (`MAX_RESPONSE_ITEMS`).
 */
import type { ForgeDialect } from './forge-dialect.ts'
import { parseGithubPull } from './github.ts'

export const gitea: ForgeDialect = {
  name: 'Gitea',
  publicApis: { 'gitea.com': 'https://gitea.com/api/v1', 'codeberg.org': 'https://codeberg.org/api/v1' },
  apiPath: /\/api\/v1$/,
  headers: { accept: 'application/json' },
  pageSize: 50,
  openLists: (project) => [pulls(project, 'state=open&sort=oldest')],
  closedLists: (project) => [pulls(project, 'state=closed&sort=recentupdate')],
  parse: parseGithubPull,
}

function pulls(project: string, query: string): string {
  const path = project.split('/').map(encodeURIComponent).join('/')
  return `repos/${path}/pulls?${query}&limit=50`
}
