/**
 * zot's search extension: what GraphQL tells of the tags of a repository, above all when they were pushed and pulled. It
 * is there when `extensions.search.enable` is set and the program was built with it; `_oci/ext/discover` says so.
 */
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import { isRecord, parsedBody, quotable } from '../oci/answers.ts'
import { pullScopes, type OciConnection } from '../oci/connection.ts'
import { RegistryContentError } from '../oci/errors.ts'
import { ProductMismatchError } from '../product-api.ts'
import { readImagePage, type ZotImage } from './read-rows.ts'

const PAGE_SIZE = 500
const READINGS_MAX = 3

/** The newest zot first: older ones do not know every field, and refuse the whole question. */
const fieldSets = [
  'Tag Digest PushTimestamp TaggedTimestamp LastPullTimestamp',
  'Tag Digest PushTimestamp LastPullTimestamp',
  'Tag Digest',
] as const

export class ZotSearch {
  readonly #connection: OciConnection
  #isThere: Promise<boolean> | undefined
  #fields = 0

  constructor(connection: OciConnection) {
    this.#connection = connection
  }

  /** Asked once. @throws ProductMismatchError when the address is no zot's */
  isThere(options?: RunOptions): Promise<boolean> {
    this.#isThere ??= this.#discover(options).catch((error: unknown) => {
      // A failure is not remembered: the next question may be answered.
      this.#isThere = undefined
      throw error
    })
    return this.#isThere
  }

  /**
   * Every tag that zot keeps metadata of, page by page. Pages that do not belong together are read again.
   *
   * @throws RegistryContentError, RegistryAnswerError
   */
  async images(repository: RepositoryName, options: RunOptions): Promise<readonly ZotImage[]> {
    for (let reading = 1; ; reading += 1) {
      const images = await this.#allPages(repository, options)
      if (images !== undefined) return images
      if (reading === READINGS_MAX)
        throw this.#broken(`the images of ${repository} changed each time while zot's search listed them`)
    }
  }

  /** Undefined when the list changed meanwhile. */
  async #allPages(repository: RepositoryName, options: RunOptions): Promise<readonly ZotImage[] | undefined> {
    const images: ZotImage[] = []
    let total: number | undefined
    for (;;) {
      const page = await this.#page(repository, images.length, options)
      total ??= page.total
      if (page.total !== total || (page.images.length === 0 && images.length < total)) return undefined
      images.push(...page.images)
      if (images.length === total) return images
      if (images.length > total) throw this.#broken(`more images of ${repository} were listed than counted`)
    }
  }

  async #page(
    repository: RepositoryName,
    offset: number,
    options: RunOptions,
  ): Promise<ReturnType<typeof readImagePage>> {
    for (;;) {
      const response = await this.#ask(repository, offset, options)
      if (isUnknownField(response) && this.#fields < fieldSets.length - 1) {
        this.#fields += 1
        continue
      }
      if (response.status !== 200)
        throw this.#connection.unexpected(`Asking zot's search for ${repository}`, response)
      return readImagePage(this.#connection.name, repository, parsedBody(response))
    }
  }

  #ask(repository: RepositoryName, offset: number, options: RunOptions): Promise<HttpResponse> {
    const page = `{limit:${PAGE_SIZE},offset:${offset},sortBy:ALPHABETIC_ASC}`
    const fields = fieldSets[this.#fields] ?? ''
    // Names of repositories hold nothing that a string of GraphQL would have to escape.
    const query = `{ImageList(repo:"${repository}",requestedPage:${page}){Page{TotalCount ItemCount} Results{${fields}}}}`
    return this.#connection.send(
      {
        method: 'POST',
        url: this.#connection.url('_zot/ext/search'),
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify({ query }),
        scopes: pullScopes(repository),
        // A question, whatever its method.
        idempotent: true,
      },
      options,
    )
  }

  async #discover(options: RunOptions | undefined): Promise<boolean> {
    const response = await this.#connection.get('_oci/ext/discover', [], 'application/json', options)
    const body = response.status === 200 ? parsedBody(response) : undefined
    const extensions = isRecord(body) ? body['extensions'] : undefined
    // A zot without any extension answers with an empty list, or none.
    if (isRecord(body) && 'extensions' in body && (extensions === null || Array.isArray(extensions)))
      return JSON.stringify(extensions).includes('/_zot/ext/search')
    if (response.status !== 200 && response.status !== 404)
      throw this.#connection.unexpected('Asking for the extensions', response)
    const why = `/v2/_oci/ext/discover was answered with ${response.status === 200 ? 'something else' : '404'}`
    throw new ProductMismatchError(this.#connection.name, 'zot', why)
  }

  #broken(what: string): RegistryContentError {
    return new RegistryContentError(this.#connection.name, quotable(what))
  }
}

/** GraphQL's validation refuses a question with a field that it does not know: 422, or 200 with errors. */
function isUnknownField(response: HttpResponse): boolean {
  if (response.status !== 422 && response.status !== 200) return false
  const body = parsedBody(response)
  const errors = isRecord(body) ? body['errors'] : undefined
  return Array.isArray(errors) && errors.length > 0 && /cannot query field/i.test(JSON.stringify(errors))
}
