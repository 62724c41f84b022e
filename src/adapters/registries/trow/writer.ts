/**
 * Changes Trow by the rules of its line.
 *
 * Since 0.7 a DELETE is always answered with 202, so what is not there is found out before; a digest that is deleted may
 * leave tags that lead nowhere, so its tags go first (whoever applies does that, by `deleteRemovesSiblings: false`). Before
 * 0.7 only digests can be deleted, and every tag of the repository that names one goes with it.
 */
import { randomBytes } from 'node:crypto'
import { InterruptedError } from '../../../core/errors/errors.ts'
import type { RepositoryName } from '../../../core/image/names.ts'
import type { ChangeOutcome } from '../../../ports/mutable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { DeletionProbe, DriverWriter } from '../driver.ts'
import { saysAbsent } from '../oci/answers.ts'
import { deleteScopes, type OciConnection } from '../oci/connection.ts'
import { hasManifest, resolveTag } from '../oci/manifests.ts'
import { putManifest } from '../oci/put-manifest.ts'
import { deleteRefusal, refused } from '../oci/refusals.ts'
import { isProxied, type TrowLine, type TrowLines } from './lines.ts'

export const unknownLineCure =
  'Whether this Trow is older than 0.7 cannot be told, and the two delete differently, so nothing is deleted. Let url: lead to Trow itself: a proxy must pass on paths beside /v2/ as well.'
const proxiedText = 'Trow keeps and deletes what it fetched from other registries (f/…) by itself.'
const noTagsText = 'Trow before 0.7 deletes by digest only, with every tag that names it.'

export function createTrowWriter(connection: OciConnection, lines: TrowLines): DriverWriter {
  const guarded = async (
    repository: RepositoryName,
    options: RunOptions | undefined,
    change: (line: Exclude<TrowLine, 'unknown'>) => Promise<ChangeOutcome>,
  ): Promise<ChangeOutcome> => {
    if (options?.signal?.aborted === true) throw new InterruptedError()
    if (isProxied(repository)) return refused('unsupported', proxiedText)
    const line = await lines.find(options ?? {})
    return line === 'unknown' ? refused('unsupported', unknownLineCure) : change(line)
  }
  return {
    name: connection.name,
    untag: (repository, tag, options) =>
      guarded(repository, options, async (line) => {
        if (line === 'before-0.7') return refused('unsupported', noTagsText)
        const there = await resolveTag(connection, repository, tag, options)
        if (there === undefined) return { kind: 'absent' }
        return remove(connection, repository, tag, options)
      }),
    deleteManifest: (repository, digest, options) =>
      guarded(repository, options, async () => {
        if (!(await hasManifest(connection, repository, digest, options))) return { kind: 'absent' }
        return remove(connection, repository, digest, options)
      }),
    putManifest: async (...asked) => (await putManifest(connection, ...asked)).outcome,
    probe: (repository, options = {}) => probe(connection, lines, repository, options),
  }
}

/** Deletes a digest that does not exist. */
async function probe(
  connection: OciConnection,
  lines: TrowLines,
  repository: RepositoryName,
  options: RunOptions,
): Promise<DeletionProbe> {
  const line = await lines.find(options)
  if (line === 'unknown') return { deletes: { state: 'no', cure: unknownLineCure }, deleteByTag: undefined }
  // Safe: 256 random bits are nobody's digest, so there is nothing that this could delete.
  const nobodys = `sha256:${randomBytes(32).toString('hex')}`
  const outcome = await remove(connection, repository, nobodys, options)
  const deleteByTag = line === 'since-0.7'
  return outcome.kind === 'refused'
    ? { deletes: { state: 'no', cure: outcome.text }, deleteByTag: undefined }
    : { deletes: { state: 'yes' }, deleteByTag, text: 'allowed, asked with a digest that nobody has' }
}

async function remove(
  connection: OciConnection,
  repository: RepositoryName,
  reference: string,
  options: RunOptions | undefined,
): Promise<ChangeOutcome> {
  const path = `${repository}/manifests/${reference}`
  const url = connection.url(path)
  const response = await connection.send({ method: 'DELETE', url, scopes: deleteScopes(repository) }, options)
  if ([200, 202, 204].includes(response.status)) return { kind: 'done' }
  if (saysAbsent(response)) return { kind: response.attempts > 1 ? 'done' : 'absent' }
  const refusal = deleteRefusal(response)
  if (refusal === undefined) throw connection.unexpected(`Deleting ${path}`, response)
  return refusal
}
