/** The audit log of Artifact Registry: what a dry run of its policies would delete, in entries of BatchDeleteVersions. */
import { parseInstant } from '../inventory/instant.ts'
import { PreviewUnreadableError, type Preview, type PreviewEntry } from './preview-entry.ts'
import { fieldsOf, listOf, parseJson, textOf, type Fields } from './preview-fields.ts'

/** Entries of one run lie closer together than this, and those of two runs, a day apart, do not. */
const runMsMax = 12 * 60 * 60 * 1000

/**
 * @returns undefined where the text is no log
 * @throws PreviewUnreadableError for a log without a dry run, in which nothing would seem to be deleted
 */
export function readGar(text: string): Preview | undefined {
  const value = parseJson(text)
  const logged: unknown = Array.isArray(value) ? value : fieldsOf(value)['entries']
  if (!Array.isArray(logged)) return undefined
  const isLog = logged.every((entry) => fieldsOf(entry)['protoPayload'] !== undefined)
  if (!isLog) return undefined
  const runs = listOf(logged).map(fieldsOf).filter(isDryRun)
  if (runs.length === 0) {
    throw new PreviewUnreadableError(
      'The log given to --compare has no dry run in it.',
      'Expected are entries with the method BatchDeleteVersions that went well. Let the policies run with the dry run on, which takes about a day, and read the log then.',
    )
  }
  return { entries: withoutEarlierRuns(runs.flatMap(versionsOf)), isComplete: false }
}

/** Calls that failed, and those that say that they are none, decide nothing. */
function isDryRun(entry: Fields): boolean {
  const payload = fieldsOf(entry['protoPayload'])
  const isOfMethod = /(?:^|\.)BatchDeleteVersions$/.test(textOf(payload['methodName']) ?? '')
  const failed = (fieldsOf(payload['status'])['code'] ?? 0) !== 0
  return isOfMethod && !failed && fieldsOf(payload['request'])['validateOnly'] !== false
}

interface Version extends PreviewEntry {
  /** The repository of Artifact Registry, which a run goes through as a whole. */
  readonly scope: string
}

/** Names of versions, wherever an entry has them: `…/packages/app/versions/sha256:…`. */
function versionsOf(entry: Fields): readonly Version[] {
  const at = parseInstant(textOf(entry['timestamp']) ?? '')
  const found = JSON.stringify(entry['protoPayload']).matchAll(
    /projects\/([^/"]+)\/locations\/([^/"]+)\/repositories\/([^/"]+)\/packages\/([^/"]+)\/versions\/(sha256:[0-9a-f]{64})/g,
  )
  return [...found].map(([, project = '', location = '', repository = '', name = '', digest = '']) => ({
    ...namesOf(project, `${repository}/${decoded(name)}`),
    digest,
    decision: 'delete' as const,
    ...(at !== undefined && { at }),
    scope: `${project}/${location}/${repository}`,
  }))
}

/** Images are named by the project's id; a log may have its number instead, which no name of an image tells. */
function namesOf(
  project: string,
  name: string,
): Pick<PreviewEntry, 'repository' | 'otherName' | 'mayLackBeginning'> {
  if (/^\d+$/.test(project)) return { repository: name, mayLackBeginning: true }
  // `example.com:project` is `example.com/project` in the names of images.
  return { repository: `${project.replace(':', '/')}/${name}`, otherName: name }
}

/** Slashes of a package are `%2F`; a "%" that begins nothing stands for itself. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

/** A run names all it would delete, so what the newest run of a repository does not name any more would stay. */
function withoutEarlierRuns(versions: readonly Version[]): readonly PreviewEntry[] {
  const newest = new Map<string, number>()
  for (const { scope, at = 0 } of versions) newest.set(scope, Math.max(at, newest.get(scope) ?? 0))
  return versions.map(({ scope, ...version }): PreviewEntry => {
    const isEarlier = version.at !== undefined && version.at < (newest.get(scope) ?? 0) - runMsMax
    if (!isEarlier) return version
    return { ...version, decision: 'keep', told: 'an earlier run names it, the newest does not' }
  })
}
