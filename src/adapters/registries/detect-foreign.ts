/**
 * Refuses storages that belong to a registry whose truth is in a database: Harbor, GitLab and others. Their files look like
 * anybody's, but which of them are needed is written elsewhere, and their database would go on promising what was freed.
 *
 * Told by what the configuration calls the registry, by marks in the storage, and by what answers at its address. Silence
 * at the address is no answer (the registry may be stopped for the sweep); it is told as a warning.
 */
import { InterruptedError, OperationalError } from '../../core/errors/errors.ts'
import type { ReadableBlobStore } from '../../ports/readable-blob-store.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import type { RegistryKind } from './index.ts'
import { MetadataElsewhereError } from './storage-oci/layout-errors.ts'

export interface ForeignQuestion {
  readonly store: ReadableBlobStore
  /** What the configuration says, or was recognised. */
  readonly kind: RegistryKind | 'auto'
  /** Where the registry has an address. */
  readonly probe?: ProbeRegistry
  /** It answered before, and was no other program's: then silence is not worth a warning. @default false */
  readonly hasAnswered?: boolean
}

/** A GET of an absolute path, without a login, redirects not followed to other hosts; throws where nothing answers. */
export type ProbeRegistry = (path: string, options?: RunOptions) => Promise<ProbeAnswer>

export interface ProbeAnswer {
  readonly status: number
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>
  text(): string
}

type Governor = 'gitlab' | 'harbor' | 'quay' | 'artifactory' | 'nexus' | 'gitea'

interface Refusal {
  readonly why: string
  readonly instead: string
}

const refusals: Readonly<Record<Governor, Refusal>> = {
  gitlab: {
    why: 'it is that of GitLab’s own registry, which keeps its metadata in a database, or files of its own kind',
    instead:
      'With the metadata database, GitLab frees bytes by itself: its online garbage collection follows deleted tags within a day or two. Without the database, run in GitLab:\ngitlab-ctl registry-garbage-collect -m',
  },
  harbor: {
    why: 'it is that of Harbor, whose database says which blobs are needed, and would go on promising those that were freed',
    instead:
      'Use Harbor’s own job: Administration, Clean Up, Garbage Collection; or POST /api/v2.0/system/gc/schedule. It runs while Harbor is in use.',
  },
  quay: {
    why: 'it is that of Quay, whose database says which blobs are needed',
    instead:
      'Delete tags through Quay; its garbage collection frees the bytes after the time machine’s expiry.',
  },
  artifactory: {
    why: 'it is that of Artifactory, whose database says which blobs are needed',
    instead:
      'Delete images through Artifactory, and run its own garbage collection under Administration, Maintenance.',
  },
  nexus: {
    why: 'it is a blob store of Nexus, whose database says which blobs are needed',
    instead:
      'Delete images through Nexus, and run its tasks “Delete unused manifests and tags” and “Compact blob store”.',
  },
  gitea: {
    why: 'it is that of Gitea or Forgejo, whose database says which blobs are needed',
    instead: 'Delete packages through it; its cron task cleanup_packages frees the bytes.',
  },
}

/** How a registry with a database frees its bytes; undefined for those whose storage is swept. */
export function ownWayOf(kind: RegistryKind): string | undefined {
  return isGovernor(kind) ? refusals[kind].instead : undefined
}

/**
 * @returns whether somebody answered at the address
 * @throws MetadataElsewhereError naming what to use instead
 */
export async function refuseForeign(question: ForeignQuestion, options?: RunOptions): Promise<boolean> {
  const { store, kind, probe } = question
  const known = (isGovernor(kind) ? kind : undefined) ?? (await governorOfFiles(store, options))
  const answers = known === undefined && probe !== undefined ? await askAll(probe, options) : undefined
  const governor = known ?? (answers && governorOfAnswers(answers))
  if (governor !== undefined) {
    const { why, instead } = refusals[governor]
    throw new MetadataElsewhereError(store.place, why, instead)
  }
  const isSilent = answers?.every((answer) => answer === undefined) === true
  if (isSilent && question.hasAnswered !== true) warnOfSilence(store.place, options)
  return answers !== undefined && !isSilent
}

function warnOfSilence(place: string, options: RunOptions | undefined): void {
  const text = `Nothing answers at the address of the registry, so only its files at ${place} could tell whether it is Harbor’s or GitLab’s, and those of Harbor look like any other’s. Set kind: if it is.`
  options?.onEvent?.({ kind: 'warning', text })
}

function isGovernor(kind: RegistryKind | 'auto'): kind is Governor {
  return kind in refusals
}

/** GitLab's registry locks a storage for its database, or for its files (registry/storage/paths.go there, `lockfiles`). */
const GITLAB_LOCKS = 'docker/registry/lockfiles'
/** What lies beside `registry` in the folder that Harbor's installer calls data_volume. */
const harborFolders = ['job_logs', 'ca_download', 'secret']

async function governorOfFiles(
  store: ReadableBlobStore,
  options: RunOptions | undefined,
): Promise<Governor | undefined> {
  if ((await store.list(GITLAB_LOCKS, options)) !== undefined) return 'gitlab'
  const top = new Set(((await store.list('', options)) ?? []).map(({ name }) => name))
  const isHarbor = top.has('registry') && harborFolders.filter((name) => top.has(name)).length > 1
  return isHarbor ? 'harbor' : undefined
}

function governorOfAnswers(answers: Answers): Governor | undefined {
  const [ping] = answers
  if (ping !== undefined && isHarborPing(ping)) return 'harbor'
  return answers.some((answer) => answer !== undefined && isGitLab(answer)) ? 'gitlab' : undefined
}

/** To Harbor's ping, the version of the API, and GitLab's own API; undefined where there was no answer. */
type Answers = readonly (ProbeAnswer | undefined)[]

async function askAll(probe: ProbeRegistry, options: RunOptions | undefined): Promise<Answers> {
  const answers: (ProbeAnswer | undefined)[] = []
  for (const path of ['/api/v2.0/ping', '/v2/', '/gitlab/v1/']) answers.push(await ask(probe, path, options))
  return answers
}

/** One question that fails says nothing of the others: what was answered counts. */
async function ask(
  probe: ProbeRegistry,
  path: string,
  options: RunOptions | undefined,
): Promise<ProbeAnswer | undefined> {
  try {
    return await probe(path, options)
  } catch (error) {
    if (!(error instanceof OperationalError) || error instanceof InterruptedError) throw error
    return undefined
  }
}

/** Harbor answers anybody with this one word; a page that answers everything does not. */
function isHarborPing(answer: ProbeAnswer): boolean {
  return answer.status === 200 && answer.text().trim().replaceAll('"', '') === 'Pong'
}

function isGitLab({ headers }: ProbeAnswer): boolean {
  return (
    headers.has('gitlab-container-registry-version') ||
    /realm="[^"]*\/jwt\/auth"/.test(headers.get('www-authenticate') ?? '')
  )
}
