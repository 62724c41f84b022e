/**
 * Changes images by the path of their folders, because that is the only deletion of Artifactory that can be relied upon.
 *
 * Promises: no folder goes that holds a manifest which was not meant, in it or anywhere below it (an image team/app/web lies
 * in the folder of the tag `web` of team/app), and none that came after the repository was read.
 * A tag goes by itself only where its manifest lies in another folder as well.
 */
import type { Digest } from '../../../core/image/digest.ts'
import {
  parseTagName,
  type RegistryName,
  type RepositoryName,
  type TagName,
} from '../../../core/image/names.ts'
import type { ChangeOutcome, MutableRegistry } from '../../../ports/mutable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import type { DeletionProbe, DriverWriter } from '../driver.ts'
import { nobodysTag } from '../oci/nobodys-tag.ts'
import { refused } from '../oci/refusals.ts'
import { saidByProduct, type ProductApi } from '../product-api.ts'
import { foldersOf, inFolders, whatLiesBelow } from './folders.ts'
import { encodedPath, restoreFromTrash } from './trash.ts'
import type { Looks } from './looks.ts'
import type { Place, RepositoryKeys } from './repository-keys.ts'
import { byFolder, type StoredManifest } from './stored-manifests.ts'

export interface ArtifactoryWriterParts {
  readonly api: ProductApi
  readonly keys: RepositoryKeys
  readonly looks: Looks
  /** Pushes by the distribution API. */
  readonly putManifest: MutableRegistry['putManifest']
}

const deleteCure =
  'Give the user the permission Delete on the repository key (Permissions in the administration).'

export class ArtifactoryWriter implements DriverWriter {
  readonly name: RegistryName
  readonly putManifest: MutableRegistry['putManifest']
  readonly #api: ProductApi
  readonly #keys: RepositoryKeys
  readonly #looks: Looks

  constructor({ api, keys, looks, putManifest }: ArtifactoryWriterParts) {
    this.name = api.name
    this.putManifest = putManifest
    this.#api = api
    this.#keys = keys
    this.#looks = looks
  }

  async untag(repository: RepositoryName, tag: TagName, options?: RunOptions): Promise<ChangeOutcome> {
    const place = await this.#keys.placeOf(repository, options)
    const path = `${place.image}/${tag}`
    const inside = await inFolders(this.#api, place, [path], options)
    if (inside.length === 0) return { kind: 'absent' }
    for (const { digest } of inside) {
      const elsewhere = digest === undefined ? [] : await foldersOf(this.#api, place, digest, options)
      if (elsewhere.some((file) => file.path !== path)) continue
      return refused(
        'referenced',
        `The folder of the tag ${tag} is the only place of its manifest, which would go with it.`,
      )
    }
    const below = await whatLiesBelow(this.#api, place, [path], options)
    if (below !== undefined) return refused('referenced', below)
    // Safe: everything in this folder was just found in another folder too and nothing lies below, so only the name goes.
    return this.#deleteFolder(place, path, options)
  }

  async deleteManifest(
    repository: RepositoryName,
    digest: Digest,
    options?: RunOptions,
  ): Promise<ChangeOutcome> {
    const place = await this.#keys.placeOf(repository, options)
    const files = await foldersOf(this.#api, place, digest, options)
    if (files.length === 0) return { kind: 'absent' }
    const standing = await this.#whatStandsAgainst(repository, place, files, digest, options)
    if (standing !== undefined) return refused('referenced', standing)
    let gone = false
    for (const { path } of namesFirst(files)) {
      // Safe: the folder holds this manifest and no other, nothing lies below it, and its tag was seen when the repository was read.
      const outcome = await this.#deleteFolder(place, path, options)
      // Half of it is gone: that is no refusal, and what is left is found out by asking again.
      if (outcome.kind === 'refused' && gone)
        throw this.#api.content(`it let go of some folders of ${digest} and not of ${path}: ${outcome.text}`)
      if (outcome.kind === 'refused') return outcome
      gone ||= outcome.kind === 'done'
    }
    return { kind: gone ? 'done' : 'absent' }
  }

  async restore(
    repository: RepositoryName,
    digest: Digest,
    tag: TagName | undefined,
    options?: RunOptions,
  ): Promise<ChangeOutcome> {
    const place = await this.#keys.placeOf(repository, options)
    this.#looks.forgetWhole()
    return restoreFromTrash(this.#api, place, { digest, tag }, options)
  }

  async probe(repository: RepositoryName, options?: RunOptions): Promise<DeletionProbe> {
    const place = await this.#keys.placeOf(repository, options)
    const name = nobodysTag()
    // Safe: 128 random bits are nobody's tag, so there is no such folder.
    const response = await this.#sendDelete(place, `${place.image}/${name}`, options)
    if (response.status === 404) return { deletes: { state: 'yes' }, deleteByTag: true }
    if (response.status === 403) return { deletes: { state: 'no', cure: deleteCure }, deleteByTag: undefined }
    return { deletes: { state: 'unknown' }, deleteByTag: undefined }
  }

  /** Why these folders may not go; undefined when they may. */
  async #whatStandsAgainst(
    repository: RepositoryName,
    place: Place,
    files: readonly StoredManifest[],
    digest: Digest,
    options: RunOptions | undefined,
  ): Promise<string | undefined> {
    const paths = files.map(({ path }) => path)
    for (const [folder, inside] of byFolder(await inFolders(this.#api, place, paths, options))) {
      const other = inside.find((file) => file.digest !== digest)
      if (other !== undefined)
        return `The folder ${folder} holds another manifest as well (${other.digest ?? 'of unknown digest'}), which would go with it; delete it in Artifactory if both may go.`
      if (parseTagName(folder) !== undefined && !this.#looks.hasSeen(repository, folder))
        return `The tag ${folder} has come to point at it since the repository was read.`
    }
    return whatLiesBelow(this.#api, place, paths, options)
  }

  async #deleteFolder(place: Place, path: string, options: RunOptions | undefined): Promise<ChangeOutcome> {
    this.#looks.forgetWhole()
    const response = await this.#sendDelete(place, path, options)
    if ([200, 202, 204].includes(response.status)) return { kind: 'done' }
    const said = saidByProduct(response)
    // Only Artifactory's own words for "not there": a 404 page of a proxy says nothing of the folder.
    if (response.status === 404 && said !== '') return { kind: response.attempts > 1 ? 'done' : 'absent' }
    if (response.status === 403) return refused('forbidden', said || deleteCure)
    if (response.status === 409) return refused('protected', said || 'Artifactory protects it (409).')
    throw this.#api.unexpected(`Deleting ${place.key}/${path}`, response)
  }

  #sendDelete({ key }: Place, path: string, options: RunOptions | undefined): Promise<HttpResponse> {
    return this.#api.send(
      { method: 'DELETE', url: this.#api.url(`/${encodedPath(`${key}/${path}`)}`) },
      options,
    )
  }
}

/** Tags go before what they name, so that a run that ends in between leaves no name without its image. */
function namesFirst(files: readonly StoredManifest[]): readonly StoredManifest[] {
  const isName = ({ folder }: StoredManifest): boolean => parseTagName(folder) !== undefined
  return [...files.filter(isName), ...files.filter((file) => !isName(file))]
}
