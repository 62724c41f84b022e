/** How Harbor shows artifacts: null where a list is empty, the year 1 for never. */
import type { Digest } from '../../src/core/image/digest.ts'
import type { RepositoryName } from '../../src/core/image/names.ts'
import type { HarborState } from './harbor-state.ts'

const never = '0001-01-01T00:00:00.000Z'

/** Rows for `q`, in the order of their ids. */
export function artifactRows(
  state: HarborState,
  name: RepositoryName,
  query: URLSearchParams,
): readonly object[] {
  const repository = state.repository(name)
  const digests = [...(repository?.manifests.keys() ?? [])].filter((digest) => {
    if (state.isAccessory(name, digest)) return false
    const isShownByDefault =
      repository?.tagsOf(digest).length !== 0 || repository.indexesOf(digest).length === 0
    return query.get('q') === 'base=*' || isShownByDefault
  })
  const rows = digests.map((digest) => artifactRow(state, name, digest, query))
  return rows.toSorted((a, b) => a.id - b.id)
}

export function artifactRow(
  state: HarborState,
  name: RepositoryName,
  digest: Digest,
  query: URLSearchParams,
): object & { readonly id: number } {
  const repository = state.repository(name)
  const mark = state.mark(name, digest)
  const facts = repository?.manifests.get(digest)?.facts
  const asks = (option: string): boolean => query.get(option) === 'true'
  const tags = (repository?.tagsOf(digest) ?? []).map((tag) => ({
    id: mark.id,
    repository_id: 1,
    artifact_id: mark.id,
    name: tag,
    push_time: iso(repository?.tags.get(tag)?.pushedAt),
    pull_time: iso(mark.tagPulls.get(tag)),
    ...(asks('with_immutable_status') && { immutable: state.isImmutable(name, tag) }),
  }))
  const accessories = state.accessoriesOf(name, digest).map((each) => ({
    id: state.mark(name, each).id,
    artifact_id: state.mark(name, each).id,
    subject_artifact_id: mark.id,
    subject_artifact_digest: digest,
    subject_artifact_repo: name,
    size: 1,
    digest: each,
    type: facts?.subject === undefined ? 'signature.cosign' : 'subject.accessory',
    creation_time: iso(state.mark(name, each).pushedAt),
  }))
  const references = (facts?.children ?? []).map((child) => ({
    parent_id: mark.id,
    child_id: state.mark(name, child.digest).id,
    child_digest: child.digest,
    annotations: null,
    urls: null,
  }))
  const labels = mark.labels.map((label, id) => ({ id, name: label, scope: 'g', project_id: 0 }))
  const row = {
    id: mark.id,
    ...{ type: 'IMAGE', manifest_media_type: facts?.mediaType, project_id: 1, repository_id: 1 },
    ...{ repository_name: name, digest, size: 12345, extra_attrs: {}, annotations: null },
    push_time: iso(mark.pushedAt),
    pull_time: iso(mark.pulledAt),
    references: orNull(references),
    tags: asks('with_tag') ? orNull(tags) : null,
    labels: asks('with_label') ? orNull(labels) : null,
    accessories: asks('with_accessory') ? orNull(accessories) : null,
    ...{ addition_links: {}, scan_overview: null },
  }
  return row
}

function iso(at: number | undefined): string {
  return at === undefined ? never : new Date(at).toISOString()
}

function orNull<T>(rows: readonly T[]): readonly T[] | null {
  return rows.length === 0 ? null : rows
}
