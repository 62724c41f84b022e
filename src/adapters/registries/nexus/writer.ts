/**
 * Changes images component by component. The distribution API is used for pushing only: what a deletion by digest takes with
 * it is not known for every version of Nexus.
 *
 * Promises: a component goes only if its tag was read a moment ago and points where it should, and if no other manifest lies
 * in it; a tag goes by itself only where its manifest has another component as well, and stays there under its digest.
 */
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import {
  parseTagName,
  type RegistryName,
  type RepositoryName,
  type TagName,
} from '../../../core/image/names.ts'
import type { ChangeOutcome, MutableRegistry } from '../../../ports/mutable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { DeletionProbe, DriverWriter } from '../driver.ts'
import type { OciConnection } from '../oci/connection.ts'
import { hasManifest, resolveTag } from '../oci/manifests.ts'
import { refused } from '../oci/refusals.ts'
import { saidByProduct, type ProductApi } from '../product-api.ts'
import type { Component } from './components.ts'
import type { NexusListing } from './listing.ts'
import type { Looks } from './looks.ts'

export interface NexusWriterParts {
  readonly api: ProductApi
  readonly connection: OciConnection
  readonly listing: NexusListing
  readonly looks: Looks
  /** Pushes by the distribution API. */
  readonly putManifest: MutableRegistry['putManifest']
}

const deleteCure = 'Give the user the privilege nx-repository-view-docker-NAME-delete.'

export class NexusWriter implements DriverWriter {
  readonly name: RegistryName
  readonly #parts: NexusWriterParts

  constructor(parts: NexusWriterParts) {
    this.name = parts.api.name
    this.#parts = parts
  }

  async untag(image: RepositoryName, tag: TagName, options?: RunOptions): Promise<ChangeOutcome> {
    const resolved = await resolveTag(this.#parts.connection, image, tag, options)
    if (resolved === undefined) return { kind: 'absent' }
    const components = await this.#componentsOf(image, resolved.digest, options)
    const own = components.find(({ version }) => version === tag)
    if (own === undefined) return notFound(tag)
    if (components.length === 1)
      return refused(
        'referenced',
        `The tag ${tag} is the only component of its manifest, which would go with it.`,
      )
    const other = otherIn(own, resolved.digest) ?? onlyNameIn(own, resolved.digest, components)
    // Safe: the same manifest was just found in another component, by its digest too where this one has it by that, and
    // nothing else lies in this one.
    return other ?? this.#deleteComponent(own, options)
  }

  async deleteManifest(image: RepositoryName, digest: Digest, options?: RunOptions): Promise<ChangeOutcome> {
    const components = await this.#componentsOf(image, digest, options)
    const other = components
      .map((component) => otherIn(component, digest))
      .find((found) => found !== undefined)
    if (other !== undefined) return other
    let gone = false
    for (const component of namesFirst(components)) {
      // Safe: its tag was just read and points to this manifest, which is all that lies in it.
      const outcome = await this.#deleteComponent(component, options)
      // Half of it is gone: that is no refusal, and what is left is found out by asking again.
      if (outcome.kind === 'refused' && gone)
        throw this.#parts.api.content(
          `it let go of some components of ${digest} and not of ${component.version}: ${outcome.text}`,
        )
      if (outcome.kind === 'refused') return outcome
      gone ||= outcome.kind === 'done'
    }
    return gone ? { kind: 'done' } : this.#withoutComponent(image, digest, options)
  }

  /**
   * A manifest without a component of its own: where no tag is left, the task of Nexus that deletes unused ones takes it.
   */
  async #withoutComponent(
    image: RepositoryName,
    digest: Digest,
    options: RunOptions | undefined,
  ): Promise<ChangeOutcome> {
    const { connection, listing, looks } = this.#parts
    if (!(await hasManifest(connection, image, digest, options))) return { kind: 'absent' }
    const known = new Set(looks.seen(image)?.map(({ version }) => version))
    for (const name of await listing.tagNames(image, options ?? {})) {
      const tag = known.has(name) ? undefined : parseTagName(name)
      if (tag !== undefined && (await resolveTag(connection, image, tag, options))?.digest === digest)
        return notFound(tag)
    }
    return { kind: 'done' }
  }

  putManifest(...change: Parameters<MutableRegistry['putManifest']>): Promise<ChangeOutcome> {
    this.#parts.looks.forgetWhole()
    return this.#parts.putManifest(...change)
  }

  /** Nexus tells who may delete only by deleting, and its ids cannot be invented without being called malformed. */
  async probe(): Promise<DeletionProbe> {
    return { deletes: { state: 'unknown' }, deleteByTag: true }
  }

  /** Components of this manifest whose tags still point at it. */
  async #componentsOf(
    image: RepositoryName,
    digest: Digest,
    options: RunOptions | undefined,
  ): Promise<readonly Component[]> {
    const { looks, listing, connection } = this.#parts
    const seen = looks.seen(image) ?? (await listing.search(image, options))
    const still: Component[] = []
    for (const component of seen.filter((each) => each.digest === digest || each.digest === undefined)) {
      const tag = parseDigest(component.version) === undefined ? parseTagName(component.version) : undefined
      const isOf =
        tag === undefined
          ? component.digest === digest
          : (await resolveTag(connection, image, tag, options))?.digest === digest
      if (isOf) still.push(component)
    }
    return still
  }

  async #deleteComponent(
    { id, image, version }: Component,
    options: RunOptions | undefined,
  ): Promise<ChangeOutcome> {
    const { api, looks } = this.#parts
    looks.forgetWhole()
    const url = api.url(`/components/${encodeURIComponent(id)}`)
    const response = await api.send({ method: 'DELETE', url }, options)
    if (response.status === 200 || response.status === 204) return { kind: 'done' }
    // The id was listed by this Nexus, so its 404 is about the component, which has no body to say so.
    if (response.status === 404 && response.headers.get('content-type')?.includes('text/html') !== true)
      return { kind: response.attempts > 1 ? 'done' : 'absent' }
    if (response.status === 403) return refused('forbidden', saidByProduct(response) || deleteCure)
    throw api.unexpected(`Deleting the component ${image} ${version}`, response)
  }
}

/** The refusal for a component that holds another manifest too. */
function otherIn({ digests, version }: Component, digest: Digest): ChangeOutcome | undefined {
  const other = digests.find((each) => each !== digest)
  return other === undefined
    ? undefined
    : refused(
        'referenced',
        `The component ${version} holds another manifest as well (${other}), which would go with it.`,
      )
}

/** The refusal for the one component that has a manifest under its digest: pulls by digest would end with it. */
function onlyNameIn(
  component: Component,
  digest: Digest,
  all: readonly Component[],
): ChangeOutcome | undefined {
  const holds = ({ named }: Component): boolean => named.includes(digest)
  if (!holds(component) || all.some((each) => each !== component && holds(each))) return undefined
  return refused(
    'referenced',
    `Only the component ${component.version} has its manifest under the digest ${digest}, which would go with it although other tags have the manifest too.`,
  )
}

function notFound(tag: TagName): ChangeOutcome {
  return refused(
    'unsupported',
    `The search of Nexus does not know the tag ${tag} yet; run the command again.`,
  )
}

/** Tags go before what they name, so that a run that ends in between leaves no name without its image. */
function namesFirst(components: readonly Component[]): readonly Component[] {
  const isName = ({ version }: Component): boolean => parseDigest(version) === undefined
  return [...components.filter(isName), ...components.filter((component) => !isName(component))]
}
