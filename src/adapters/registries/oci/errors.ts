/** What can go wrong between Winnow and a registry, told by what the registry answered. */
import { OperationalError } from '../../../core/errors/errors.ts'

/** The registry answered, with something that is neither the thing asked for nor a plain "not there". */
export class RegistryAnswerError extends OperationalError {
  readonly code = 'REGISTRY_ANSWER'
  readonly hint: string
  readonly status: number

  constructor(
    registry: string,
    what: string,
    status: number,
    said: string,
    options?: { readonly cause?: unknown },
  ) {
    super(`${registry}: ${what} was answered with ${status}${said === '' ? '' : ` (${said})`}.`, options)
    this.status = status
    this.hint =
      status === 401 || status === 403
        ? `Give Winnow credentials for ${registry} that may do this; winnow doctor shows which ones it uses.`
        : `Look into the log of ${registry}, or of the proxy before it, and run the command again.`
  }
}

/** What came is not what a registry sends there; nothing may be concluded from it. */
export class RegistryContentError extends OperationalError {
  readonly code = 'REGISTRY_CONTENT'
  readonly hint =
    'Check that the URL is that of a registry, and that no proxy or sign-in page stands before it.'

  constructor(registry: string, what: string, options?: { readonly cause?: unknown }) {
    super(`${registry}: ${what}.`, options)
  }
}

/** The registry does not tell which repositories it has. */
export class CatalogRefusedError extends OperationalError {
  readonly code = 'CATALOG_REFUSED'
  readonly hint: string

  /** @param hint what to do, where the product has a better way. @default to name the repositories */
  constructor(registry: string, status: number, said: string, hint?: string) {
    super(
      `${registry} does not list its repositories (it answered ${status}${said === '' ? '' : `, ${said}`}), so Winnow cannot know what is in it.`,
    )
    this.hint =
      hint ??
      'Name the repositories in the policy without wildcards (repositories: [team/app, team/web]), or give Winnow credentials that may read the catalog.'
  }
}

/** Bytes that do not have the digest they were asked or announced under. */
export class DigestMismatchError extends OperationalError {
  readonly code = 'DIGEST_MISMATCH'
  readonly hint =
    'The registry, its storage, or something between is broken or dishonest. Look into it before anything is deleted.'

  constructor(registry: string, what: string, expected: string, actual: string) {
    super(`${registry}: ${what} should have the digest ${expected} and has ${actual}.`)
  }
}

/** Several requests in a row got no answer at all; asking on would only take longer. */
export class RegistryGoneError extends OperationalError {
  readonly code = 'REGISTRY_GONE'
  readonly hint: string

  constructor(registry: string, options?: { readonly cause: unknown }) {
    super(`${registry} stopped answering: one request after the other failed.`, options)
    this.hint = `Check that ${registry} can be reached and is well, and run the command again.`
  }
}

/** More than Winnow is willing to hold of one repository. */
export class RepositoryTooLargeError extends OperationalError {
  readonly code = 'REPOSITORY_TOO_LARGE'
  override readonly category = 'limit'
  readonly hint =
    'Leave this repository out of the policy, or report it: no repository known to us comes near.'

  constructor(repository: string, what: string) {
    super(`The repository ${repository} ${what}, so it was not read to the end.`)
  }
}
