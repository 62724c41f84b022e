/**
 * Changes GitLab's registry by tags alone. A manifest without any is collected by GitLab itself, and until then it can be
 * put back under a name. Deleting by digest would take tags along that nobody looked at, and is refused in projects with
 * immutable tags.
 */
import { InterruptedError } from '../../../core/errors/errors.ts'
import type { RegistryName, RepositoryName, TagName } from '../../../core/image/names.ts'
import type { ChangeOutcome, MutableRegistry } from '../../../ports/mutable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { UnauthorizedError } from '../../http/http-errors.ts'
import type { DeletionProbe, DriverWriter } from '../driver.ts'
import { saidIn, saysAbsent } from '../oci/answers.ts'
import { deleteScopes, type OciConnection } from '../oci/connection.ts'
import { refused } from '../oci/refusals.ts'
import type { GitLabReader } from './reader.ts'

const rightsCure =
  'These credentials may not delete tags: they need the role Developer in the project and the scopes read_registry and write_registry (a deploy token needs both, too).'

export class GitLabWriter implements DriverWriter {
  readonly name: RegistryName
  readonly #connection: OciConnection
  readonly #oci: DriverWriter
  readonly #reader: GitLabReader

  constructor(connection: OciConnection, oci: DriverWriter, reader: GitLabReader) {
    this.name = connection.name
    this.#connection = connection
    this.#oci = oci
    this.#reader = reader
  }

  async untag(...[repository, tag, options]: Parameters<MutableRegistry['untag']>): Promise<ChangeOutcome> {
    const outcome = await this.#explained(() => this.#oci.untag(repository, tag, options))
    if (outcome.kind !== 'refused') return outcome
    if (outcome.reason === 'unsupported') return this.#untagOlder(repository, tag, outcome, options)
    const isProtection = /protect|immutable/i.test(outcome.text)
    return outcome.reason === 'forbidden' && isProtection ? { ...outcome, reason: 'protected' } : outcome
  }

  /** Removes the tags that the manifest had when it was looked at; GitLab collects what has none. */
  async deleteManifest(
    ...[repository, digest, options]: Parameters<MutableRegistry['deleteManifest']>
  ): Promise<ChangeOutcome> {
    requireGoingOn(options)
    const tags = (await this.#reader.seenTags(repository, options)).get(digest) ?? []
    for (const tag of tags) {
      const now = await this.#reader.resolveTag(repository, tag, options)
      // It went already, or somebody means another image by it now.
      if (now !== digest) continue
      // Safe: it was looked at a moment ago, and names this manifest only.
      const outcome = await this.untag(repository, tag, options)
      if (outcome.kind === 'refused') return outcome
    }
    return { kind: 'done' }
  }

  putManifest(...put: Parameters<MutableRegistry['putManifest']>): Promise<ChangeOutcome> {
    return this.#oci.putManifest(...put)
  }

  async probe(repository: RepositoryName, options?: RunOptions): Promise<DeletionProbe> {
    try {
      return await this.#oci.probe(repository, options)
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error
      return { deletes: { state: 'no', cure: rightsCure }, deleteByTag: undefined }
    }
  }

  /** Before 16.4 there was another call for it. */
  async #untagOlder(
    repository: RepositoryName,
    tag: TagName,
    refusal: ChangeOutcome,
    options: RunOptions | undefined,
  ): Promise<ChangeOutcome> {
    const url = this.#connection.url(`${repository}/tags/reference/${tag}`)
    // Safe: this call has only ever removed the one tag that it names.
    const request = { method: 'DELETE', url, scopes: deleteScopes(repository) } as const
    const response = await this.#connection.send(request, options)
    if (response.status === 202 || response.status === 200) return { kind: 'done' }
    if (saysAbsent(response) && response.body.length > 0)
      return { kind: response.attempts > 1 ? 'done' : 'absent' }
    if (response.status === 403) return refused('forbidden', `${rightsCure} (${saidIn(response)})`)
    return refusal
  }

  /** GitLab gives a token without the right that was asked for, which the registry then refuses like a wrong one. */
  async #explained(act: () => Promise<ChangeOutcome>): Promise<ChangeOutcome> {
    try {
      return await act()
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error
      return refused('forbidden', `${rightsCure} (${error.message})`)
    }
  }
}

function requireGoingOn(options: RunOptions | undefined): void {
  if (options?.signal?.aborted === true) throw new InterruptedError()
}
