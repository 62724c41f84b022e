/** The three kinds of queries that Winnow sends, answered as Artifactory's AQL does; no more of the language than that. */
import type { Reply } from './fake-server.ts'

export interface AqlFile {
  readonly repo: string
  readonly path: string
  readonly name: string
  readonly size: number
  readonly sha256: string
  readonly created: string
  readonly modified: string
  readonly updated: string
  readonly downloads: number
  readonly downloaded: string | undefined
  readonly remoteDownloaded: string | undefined
  readonly properties: Readonly<Record<string, string>>
}

type Criteria = Readonly<Record<string, unknown>>

const query =
  /^items\.find\((\{.*\})\)\.include\(([^)]*)\)(?:\.sort\((\{[^)]*\})\))?(?:\.offset\((\d+)\))?(?:\.limit\((\d+)\))?$/s

export function answerAql(
  text: string,
  files: readonly AqlFile[],
  { rowsMax, isAdmin }: { readonly rowsMax: number; readonly isAdmin: boolean },
): Reply {
  const [, find = '', include = '', sort, offset, limit] = query.exec(text) ?? []
  if (find === '') return failure(400, `Failed to parse query: ${text}`)
  const fields = include.split(',').map((field) => field.replaceAll('"', ''))
  const isPlain = fields.every((field) => !field.includes('.'))
  if (!isAdmin && !['repo', 'path', 'name'].every((field) => fields.includes(field)))
    return failure(400, 'For permissions reasons AQL demands the following fields: repo, path and name.')
  if (!isPlain && (sort ?? offset ?? limit) !== undefined)
    return failure(400, 'Sorting, offset and limit cannot be used with fields of other domains.')
  const fitting = files.filter((file) => fits(file, JSON.parse(find) as Criteria))
  if (sort !== undefined) fitting.sort((a, b) => (`${a.path}\n${a.name}` < `${b.path}\n${b.name}` ? -1 : 1))
  const start = Number(offset ?? 0)
  const asked = limit === undefined ? fitting.length : Number(limit)
  const shown = fitting.slice(start, start + Math.min(asked, rowsMax))
  const isTrimmed = Math.min(asked, fitting.length - start) > shown.length
  const range = {
    start_pos: start,
    end_pos: start + shown.length,
    total: shown.length,
    ...(limit !== undefined && { limit: asked }),
    ...(isTrimmed && { notification: 'AQL query reached the search hard limit, results are trimmed.' }),
  }
  return reply(200, { results: shown.map((file) => row(file, fields)), range })
}

function row(file: AqlFile, fields: readonly string[]): Record<string, unknown> {
  const plain = Object.fromEntries(
    (['repo', 'path', 'name', 'sha256', 'created', 'modified', 'updated'] as const)
      .filter((field) => fields.includes(field))
      .map((field) => [field, file[field]]),
  )
  const { downloads, downloaded, remoteDownloaded } = file
  return {
    ...plain,
    ...(fields.includes('stat.downloads') && {
      stats: [
        {
          downloads,
          ...(downloaded !== undefined && { downloaded }),
          ...(remoteDownloaded !== undefined &&
            fields.includes('stat.remote_downloaded') && { remote_downloaded: remoteDownloaded }),
        },
      ],
    }),
    ...(fields.includes('property.key') && {
      properties: Object.entries(file.properties).map(([key, value]) => ({ key, value })),
    }),
  }
}

function fits(file: AqlFile, criteria: Criteria): boolean {
  return Object.entries(criteria).every(([field, wanted]) => {
    if (field === '$or') return (wanted as readonly Criteria[]).some((each) => fits(file, each))
    if (field === '$and') return (wanted as readonly Criteria[]).every((each) => fits(file, each))
    const value = field.startsWith('@')
      ? file.properties[field.slice(1)]
      : { repo: file.repo, path: file.path, name: file.name, sha256: file.sha256 }[field]
    if (typeof wanted === 'string') return value === wanted
    const pattern = (wanted as { readonly $match: string }).$match
    return value?.startsWith(pattern.replace(/\*$/, '')) === true
  })
}

export function failure(status: number, message: string): Reply {
  return reply(status, { errors: [{ status, message }] })
}

export function reply(status: number, body: unknown): Reply {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}
