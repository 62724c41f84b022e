/**
 * A forge, asked over its API which pull requests are open and when the others were closed.
 *
 * Promises: every list is read to its end; while one is read, others may be closed and move what follows them to a page that
 * was already read, so reading is repeated until none was. Credentials go to the API's own address alone. Without an address
 * only the public servers are asked, and only about repositories that lie on them: another server's project of the same name
 * would be somebody else's.
 */
import type { InstantMs } from '../../core/inventory/inventory.ts'
import type { Forge, PullRequest, PullRequestQuery } from '../../ports/forge.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import { createHttpClient, type HttpSettings } from '../http/client.ts'
import { redactUrl } from '../http/redact.ts'
import type { ForgeDialect, ForgeKind, ListedPull } from './forge-dialect.ts'
import { ForgeError } from './forge-errors.ts'
import { gitea } from './gitea.ts'
import { github } from './github.ts'
import { gitlab } from './gitlab.ts'
import { readList, type ListReading } from './read-list.ts'

export interface ForgeSettings {
  /** Forgejo speaks as Gitea does. */
  readonly kind: ForgeKind
  /** Of the API: `https://git.example.com/api/v4`. @default that of the public server the repository lies on */
  readonly url?: string
  /** For the HTTP client: credentials, certificates, proxies, retries, where variables are read. */
  readonly http?: Omit<HttpSettings, 'base' | 'authorization'>
}

const dialects: Readonly<Record<ForgeKind, ForgeDialect>> = { github, gitlab, gitea }

/** How often lists are read again because something was closed meanwhile; what was seen in any of them counts. */
const roundsMax = 5

export function createForge(settings: ForgeSettings): Forge {
  const dialect = dialects[settings.kind]
  return {
    name: settings.url === undefined ? dialect.name : `${dialect.name} (${redactUrl(settings.url)})`,
    async listPullRequests(query, options = {}) {
      const base = baseOf(settings, dialect, query)
      const http = createHttpClient({ ...settings.http, base, authorization: 'static' })
      try {
        const project = projectOf(base, dialect, query.project)
        const subject = `the pull requests of ${project}`
        return await listPulls({ http, dialect, base, subject }, project, query.closedSince, options)
      } finally {
        await http.close()
      }
    },
  }
}

function baseOf({ url }: ForgeSettings, dialect: ForgeDialect, { host }: PullRequestQuery): string {
  const known = url ?? dialect.publicApis[host.replace(/:\d+$/, '')]
  if (known !== undefined) return `${known.replace(/\/+$/, '')}/`
  throw new ForgeError(
    `The repository lies on ${host}, and where the API of its ${dialect.name} is was not said.`,
    'Write the address of the API under `forge:`, as `url:`.',
  )
}

/** A forge below a path has that path in the addresses of its repositories, and not in the names of its projects. */
function projectOf(base: string, { apiPath }: ForgeDialect, project: string): string {
  const path = new URL(base).pathname.replace(/\/$/, '')
  const folder = apiPath.test(path) ? path.replace(apiPath, '').slice(1) : ''
  return folder !== '' && project.startsWith(`${folder}/`) ? project.slice(folder.length + 1) : project
}

async function listPulls(
  reading: ListReading,
  project: string,
  closedSince: InstantMs | undefined,
  options: RunOptions,
): Promise<readonly PullRequest[]> {
  const pulls = new Map<number, PullRequest>()
  for (let round = 1; round <= roundsMax; round++) {
    const open = await readLists(reading, reading.dialect.openLists(project), undefined, options)
    // HTTP tells whole seconds.
    const beganAt = open.beganAt === undefined ? undefined : open.beganAt - 1000
    const since = beganAt === undefined ? closedSince : Math.min(closedSince ?? beganAt, beganAt)
    const lists = since === undefined ? [] : reading.dialect.closedLists(project, since)
    const closed = await readLists(reading, lists, since, options)
    for (const pull of [...open.pulls, ...closed.pulls]) addPull(pulls, pull, closedSince)
    // Where the server has no clock, twice has to do.
    const isDone =
      beganAt === undefined ? round > 1 : !closed.pulls.some((pull) => closedAtOf(pull) >= beganAt)
    if (isDone) break
  }
  return [...pulls.values()].toSorted((a, b) => a.number - b.number)
}

async function readLists(
  reading: ListReading,
  paths: readonly string[],
  until: InstantMs | undefined,
  options: RunOptions,
): Promise<{ readonly pulls: readonly ListedPull[]; readonly beganAt: InstantMs | undefined }> {
  const lists = []
  for (const path of paths) lists.push(await readList(reading, path, until, options))
  return { pulls: lists.flatMap(({ pulls }) => pulls), beganAt: lists[0]?.beganAt }
}

function addPull(
  pulls: Map<number, PullRequest>,
  pull: ListedPull,
  closedSince: InstantMs | undefined,
): void {
  const { number, head, isOpen } = pull
  if (isOpen) pulls.set(number, { number, head, closedAt: undefined })
  else if (closedSince !== undefined && closedAtOf(pull) >= closedSince) {
    pulls.set(number, { number, head, closedAt: closedAtOf(pull) })
  } else pulls.delete(number)
}

/** Where nobody wrote down when, the last change is: it was not closed after that. */
function closedAtOf({ closedAt, updatedAt }: ListedPull): InstantMs {
  return closedAt ?? updatedAt
}
