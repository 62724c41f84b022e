/**
 * Changes a registry of ECR: deletes by AWS's own API, which tells clearly what it refuses, and puts manifests back over
 * the distribution API, which takes them byte for byte. It decides nothing: whoever calls it has checked that what goes
 * may go. Calls that come together go in one request.
 */
import type { Digest } from '../../../core/image/digest.ts'
import type { RegistryName, RepositoryName, TagName } from '../../../core/image/names.ts'
import type { ChangeOutcome, MutableRegistry } from '../../../ports/mutable-registry.ts'
import type { RawManifest, ReadableRegistry } from '../../../ports/readable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { DeletionProbe, DriverWriter } from '../driver.ts'
import { OciConnection, type ConnectionSettings } from '../oci/connection.ts'
import { nobodysTag } from '../oci/nobodys-tag.ts'
import { putManifest } from '../oci/put-manifest.ts'
import { refused } from '../oci/refusals.ts'
import type { AwsApi } from './api.ts'
import { batchDeleteImages } from './batch-delete.ts'
import { BATCH_MAX } from './batch-get.ts'
import { deleteImages, type Deletion, type Settled } from './delete-images.ts'
import { AwsAccessDeniedError } from './ecr-errors.ts'
import { Gatherer } from './gather.ts'
import { untagImages } from './untag.ts'

export interface EcrWriterSettings extends ConnectionSettings {
  readonly api: AwsApi
  /** Gives out manifests for putting them back. */
  readonly reader: ReadableRegistry
  /** What the API calls a repository; undefined when the account has no such one. */
  readonly apiName: (repository: RepositoryName, options: RunOptions) => Promise<string | undefined>
}

/** Lines of a plan that are worked on at once come within a millisecond or two. */
const GATHER_MS = 5

export class EcrWriter implements DriverWriter {
  readonly name: RegistryName
  readonly #settings: EcrWriterSettings
  readonly #connection: OciConnection
  readonly #deletions: Gatherer<Deletion, ChangeOutcome>
  readonly #removals: Gatherer<TagName, ChangeOutcome>

  constructor(settings: EcrWriterSettings) {
    this.name = settings.name
    this.#settings = settings
    this.#connection = new OciConnection(settings)
    const rules = { batchMax: BATCH_MAX, waitMs: GATHER_MS }
    this.#deletions = new Gatherer(rules, (repository, deletions, options) =>
      this.#known(repository as RepositoryName, deletions, options, (apiName) =>
        deleteImages(settings.api, apiName, deletions, options),
      ),
    )
    this.#removals = new Gatherer(rules, (repository, tags, options) =>
      this.#known(repository as RepositoryName, tags, options, (apiName) =>
        this.#untag(repository as RepositoryName, apiName, tags, options),
      ),
    )
  }

  untag(...[repository, tag, options]: Parameters<MutableRegistry['untag']>): Promise<ChangeOutcome> {
    return this.#removals.add(repository, tag, options)
  }

  deleteManifest(
    ...[repository, digest, options, known]: Parameters<MutableRegistry['deleteManifest']>
  ): Promise<ChangeOutcome> {
    return this.#deletions.add(repository, { digest, ...(known && { known }) }, options)
  }

  async putManifest(
    ...[repository, manifest, tag, options]: Parameters<MutableRegistry['putManifest']>
  ): Promise<ChangeOutcome> {
    const { outcome } = await putManifest(this.#connection, repository, manifest, tag, options)
    const isImmutable = outcome.kind === 'refused' && /immutable|cannot be overwritten/i.test(outcome.text)
    return isImmutable ? refused('protected', outcome.text) : outcome
  }

  /** Deletes a tag that does not exist. */
  async probe(repository: RepositoryName, options: RunOptions = {}): Promise<DeletionProbe> {
    const { api, apiName } = this.#settings
    try {
      const name = await apiName(repository, options)
      if (name === undefined) return { deletes: { state: 'unknown' }, deleteByTag: undefined }
      // Safe: 128 random bits are nobody's tag, so there is nothing that this could delete.
      const nobodys = [{ imageTag: nobodysTag() }]
      const answer = await api.patience.wait(
        () => batchDeleteImages(api, name, nobodys, true, options),
        options,
      )
      const isAllowed = answer?.failures.some(({ code }) => code === 'ImageNotFound') === true
      return isAllowed
        ? { deletes: { state: 'yes' }, deleteByTag: true }
        : { deletes: { state: 'unknown' }, deleteByTag: undefined }
    } catch (error) {
      if (!(error instanceof AwsAccessDeniedError)) throw error
      return { deletes: { state: 'no', cure: `${error.message} ${error.hint}` }, deleteByTag: undefined }
    }
  }

  #untag(
    repository: RepositoryName,
    apiName: string,
    tags: readonly TagName[],
    options: RunOptions,
  ): Promise<readonly Settled[]> {
    const { api, reader } = this.#settings
    const at = {
      api,
      repository,
      apiName,
      read: (digest: Digest, run: RunOptions) => reader.readManifest(repository, digest, run),
      put: (manifest: RawManifest, tag: TagName | undefined, run: RunOptions) =>
        this.putManifest(repository, manifest, tag, run),
    }
    // After a pause everything is looked at again: siblings may have gone meanwhile.
    return api.patience.wait(() => untagImages(at, tags, options), options)
  }

  /** A repository that is not there has lost everything already; IAM's refusal is an outcome, since others may work. */
  async #known(
    repository: RepositoryName,
    asked: readonly unknown[],
    options: RunOptions,
    change: (apiName: string) => Promise<readonly Settled[]>,
  ): Promise<readonly Settled[]> {
    try {
      const apiName = await this.#settings.apiName(repository, options)
      return apiName === undefined ? asked.map(() => ({ kind: 'absent' })) : await change(apiName)
    } catch (error) {
      if (!(error instanceof AwsAccessDeniedError)) throw error
      return asked.map(() => refused('forbidden', `${error.message} ${error.hint}`))
    }
  }
}
