/** What `winnow link` did, in every format. */
import type { Digest } from '../../core/image/digest.ts'
import type { RegistryName, RepositoryName } from '../../core/image/names.ts'
import type { Output } from '../terminal.ts'
import type { Listing } from './listing.ts'

export interface ReportedLink {
  readonly commit: string
  readonly state: 'linked' | 'already-linked'
  /** The tag of the record, where it is in the registry. */
  readonly tag?: string
}

export interface LinkReport {
  /** `registry.example.com/team/app@sha256:…`. */
  readonly image: string
  readonly registry: RegistryName
  readonly repository: RepositoryName
  readonly digest: Digest
  readonly recordedIn: 'registry' | 'file' | 'state'
  /** For people: where exactly. */
  readonly place: string
  readonly commits: readonly ReportedLink[]
}

export function listingOfLinks(report: LinkReport, colors: Output['colors']): Listing {
  const { image, registry, repository, digest, recordedIn, place, commits } = report
  const documented = commits.map(({ commit, state, tag }) => ({ commit, state, tag: tag ?? null }))
  return {
    columns: [{ heading: 'STATE' }, { heading: 'COMMIT' }],
    rows: commits.map(({ commit, state }) => [
      { text: state === 'linked' ? 'linked' : 'already linked', style: colors.green },
      commit,
    ]),
    csv: {
      headings: ['image', 'commit', 'state', 'recordedIn', 'tag'],
      rows: commits.map(({ commit, state, tag }) => [image, commit, state, recordedIn, tag ?? '']),
    },
    document: {
      schemaVersion: 'linked/v1',
      image,
      registry,
      repository,
      digest,
      recordedIn,
      commits: documented,
    },
    lines: documented.map((line) => ({ image, recordedIn, ...line })),
    names: commits.map(({ commit }) => commit),
    below: ['', `${image}`, `Recorded in ${place}.`],
  }
}
